// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// fleet is a project whose desktops change. Desktops share the strings that a
// client shares: those of networks and security groups.
type fleet struct {
	*rand.Rand
	records []*inventory.Record
	vpcs    []inventory.VPC
	subnets []inventory.Subnet
	groups  []inventory.SecurityGroup
	refresh int
}

func newFleet(desktops int) *fleet {
	f := &fleet{Rand: rand.New(rand.NewPCG(1, uint64(desktops)))}
	for i := range 8 {
		f.vpcs = append(f.vpcs, inventory.VPC{ID: f.id(), Name: fmt.Sprintf("vpc-desktops-%d", i), CIDR: fmt.Sprintf("10.%d.0.0/16", i)})
	}
	for i := range 64 {
		f.subnets = append(f.subnets, inventory.Subnet{ID: f.id(), Name: fmt.Sprintf("subnet-floor-%d", i), CIDR: fmt.Sprintf("10.%d.%d.0/21", i%8, i/8*8)})
	}
	for i := range 20 {
		f.groups = append(f.groups, inventory.SecurityGroup{ID: f.id(), Name: fmt.Sprintf("sg-team-%d", i)})
	}
	slices.SortFunc(f.groups, func(a, b inventory.SecurityGroup) int { return strings.Compare(a.ID, b.ID) })
	for range desktops {
		f.records = append(f.records, f.record(f.id()))
	}
	slices.SortFunc(f.records, func(a, b *inventory.Record) int { return strings.Compare(a.Desktop.ID, b.Desktop.ID) })
	return f
}

func (f *fleet) id() string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x",
		f.Uint32(), f.Uint32()>>16, f.Uint32()>>16, f.Uint32()>>16, f.Uint64()>>16)
}

// record returns a desktop with one interface, one or two security groups and, in
// one case of three, an EIP.
func (f *fleet) record(id string) *inventory.Record {
	subnet := f.IntN(len(f.subnets))
	group := f.IntN(len(f.groups) - 1)
	nic := inventory.Interface{
		PortID: f.id(), PrivateIP: fmt.Sprintf("10.%d.%d.%d", subnet%8, subnet/8*8+f.IntN(8), 2+f.IntN(250)),
		VPC: f.vpcs[subnet%8], Subnet: f.subnets[subnet],
		SecurityGroups: f.groups[group : group+1+f.IntN(2)],
	}
	if f.IntN(3) == 0 {
		nic.EIP = inventory.EIP{ID: f.id(), Address: fmt.Sprintf("159.138.%d.%d", f.IntN(256), f.IntN(256))}
	}
	name := fmt.Sprintf("desktop-%06d", f.IntN(1_000_000))
	return &inventory.Record{
		Listed: true,
		Desktop: inventory.Desktop{
			ID: id, Name: name, IP: nic.PrivateIP, SubnetID: nic.Subnet.ID, EnterpriseProjectID: "0",
			PoolID: f.groups[group].ID, AvailabilityZone: "la-north-2a", Type: "DEDICATED", Status: "ACTIVE",
		},
		Networks: &inventory.Networks{Name: name, IP: nic.PrivateIP, Interfaces: []inventory.Interface{nic}},
	}
}

// change replaces a percentage of the desktops and returns the new ones.
func (f *fleet) change(percent int) []*inventory.Record {
	var changed []*inventory.Record
	f.records = slices.Clone(f.records)
	for range max(len(f.records)*percent/100, min(percent, 1)) {
		i := f.IntN(len(f.records))
		if percent == 100 {
			i = len(changed)
		}
		f.records[i] = f.record(f.records[i].Desktop.ID)
		changed = append(changed, f.records[i])
	}
	return changed
}

// snapshot returns the snapshot of a successful refresh.
func (f *fleet) snapshot() *inventory.Snapshot {
	f.refresh++
	at := time.Unix(1_700_000_000, 0).Add(time.Duration(f.refresh) * time.Minute)
	s := &inventory.Snapshot{
		Project:    inventory.Project{Name: "office", Region: "la-north-2", ID: "0123456789abcdef0123456789abcdef"},
		Discovered: true,
		Records:    f.records,
		Health: inventory.Health{
			Refreshed: true, Listed: true, Up: true, Duration: time.Second, LastRefresh: at, LastSuccess: at, OldestData: at,
		},
	}
	s.VPCs, s.Subnets, s.SecurityGroups = inventory.Resources(f.records)
	return s
}
