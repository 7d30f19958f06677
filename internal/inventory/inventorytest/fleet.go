// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package inventorytest provides inventories for tests: a small one with every
// special case, and random ones of any size.
package inventorytest

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const projectID = "0123456789abcdef0123456789abcdef"

// Hostile is text that must be escaped in every format.
const Hostile = "quote\" slash\\ slash-n\\n line\nfeed\ttab {},= #\U0001f4a3\ufffd \u2028 del\x7f"

// SmallFleet returns the fleet whose samples were reviewed by hand in
// collector/testdata/small.prom. It has desktops with two interfaces, without
// EIP, without security group, with unknown networks, with Hostile names, with an
// address outside its subnet and with an EIP that only the EIP list contains; and
// a project by configured IDs that failed, and one without a refresh.
func SmallFleet() []*inventory.Snapshot {
	vpc := inventory.VPC{ID: "vpc-1", Name: "office", CIDR: "10.0.0.0/16"}
	front := inventory.Subnet{ID: "subnet-1", Name: "front", CIDR: "10.0.1.0/24"}
	back := inventory.Subnet{ID: "subnet-2", Name: "back", CIDR: "10.0.2.0/29"}
	six := inventory.Subnet{ID: "subnet-6", Name: "six", CIDR: "2001:db8::/64"}
	web := inventory.SecurityGroup{ID: "sg-1", Name: "web"}
	base := inventory.SecurityGroup{ID: "sg-2", Name: "base"}
	office := Snapshot(inventory.Project{Name: "office-bogota", Region: "la-north-2", ID: projectID}, true,
		&inventory.Record{
			Listed: true,
			Desktop: inventory.Desktop{
				ID: "desktop-1", Name: "ana", IP: "10.0.1.10", EnterpriseProjectID: "0", PoolID: "pool-1",
				AvailabilityZone: "la-north-2a", Type: "DEDICATED", Status: "ACTIVE",
				Tags:  []inventory.Tag{{Key: "cost-center", Value: "42"}, {Key: "team", Value: "finance"}},
				Users: []string{"ana", "eva"},
			},
			Networks: &inventory.Networks{Name: "ana-by-networks", IP: "10.9.9.9", Interfaces: []inventory.Interface{
				{
					PortID: "port-1", PrivateIP: "10.0.1.10", VPC: vpc, Subnet: front,
					EIP: inventory.EIP{ID: "eip-1", Address: "203.0.113.7"}, SecurityGroups: []inventory.SecurityGroup{web, base},
				},
				{PortID: "port-2", PrivateIP: "10.0.2.9", VPC: vpc, Subnet: back, SecurityGroups: []inventory.SecurityGroup{base}},
			}},
		},
		&inventory.Record{
			Listed:  true,
			Desktop: inventory.Desktop{ID: "desktop-2", Status: "SHUTOFF"},
			Networks: &inventory.Networks{Name: "name-by-networks", IP: "10.0.1.11", Interfaces: []inventory.Interface{
				{PortID: "port-3", PrivateIP: "10.0.1.11", VPC: vpc, Subnet: front},
			}},
		},
		&inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "desktop-3", Name: "new", Status: "BUILD"}},
		&inventory.Record{
			Listed:   true,
			Desktop:  inventory.Desktop{ID: "desktop-4", Name: Hostile, Users: []string{Hostile}, Tags: []inventory.Tag{{Key: "team", Value: Hostile}}},
			Networks: &inventory.Networks{},
		},
		&inventory.Record{
			Listed:  true,
			Desktop: inventory.Desktop{ID: "desktop-5", Name: "twins"},
			Networks: &inventory.Networks{Interfaces: []inventory.Interface{
				{Subnet: six, SecurityGroups: []inventory.SecurityGroup{web}},
				{Subnet: six, SecurityGroups: []inventory.SecurityGroup{web}},
			}},
		},
	)
	office.Health.Stale = 1
	office.Findings = append(office.Findings, inventory.Finding{Reason: inventory.EIPNotShown, Subject: "desktop-4", Value: Hostile})
	slices.SortFunc(office.Findings, inventory.Finding.Compare)
	plant := Snapshot(inventory.Project{Name: "plant", Region: "eu-west-101", ID: "fedcba9876543210fedcba9876543210"}, false,
		&inventory.Record{Desktop: inventory.Desktop{ID: "desktop-8"}},
		&inventory.Record{Desktop: inventory.Desktop{ID: "desktop-9"}, Networks: &inventory.Networks{
			Name: "press", IP: "192.168.0.4", Interfaces: []inventory.Interface{{
				PortID: "port-9", PrivateIP: "192.168.0.4", Subnet: inventory.Subnet{ID: "subnet-9", CIDR: "not a CIDR"},
				EIP: inventory.EIP{ID: "eip-9"},
			}},
		}},
	)
	plant.CheckedReasons = slices.DeleteFunc(plant.CheckedReasons, func(r inventory.FindingReason) bool {
		return r == inventory.EIPNotListed || r == inventory.EIPNotShown
	})
	plant.Health.Up, plant.Health.LastSuccess = false, time.Time{}
	return []*inventory.Snapshot{
		plant,
		office,
		{Project: inventory.Project{Name: "tomorrow", Region: "la-north-2"}},
	}
}

// Snapshot returns a healthy snapshot of records.
func Snapshot(p inventory.Project, discovered bool, records ...*inventory.Record) *inventory.Snapshot {
	s := &inventory.Snapshot{Project: p, Discovered: discovered, Records: records}
	s.VPCs, s.Subnets, s.SecurityGroups = inventory.Resources(records)
	s.CheckedReasons, s.Findings = inventory.FindingReasons(), inventory.Findings(records)
	at := time.UnixMilli(1_700_000_000_250)
	s.Health = inventory.Health{
		Refreshed: true, Listed: true, Up: true, Duration: 1500 * time.Millisecond,
		LastRefresh: at, LastSuccess: at, OldestData: at.Add(-time.Minute),
	}
	for _, r := range records {
		if r.Networks == nil {
			s.Health.Unresolved++
		}
	}
	return s
}

// Generator generates random inventories, always the same for a seed.
type Generator struct{ *rand.Rand }

// NewGenerator returns a Generator with a seed.
func NewGenerator(seed uint64) Generator { return Generator{rand.New(rand.NewPCG(seed, 0))} }

// ID returns a random UUID.
func (g Generator) ID() string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x",
		g.Uint32(), g.Uint32()>>16, g.Uint32()>>16, g.Uint32()>>16, g.Uint64()>>16)
}

// Record returns a desktop as in the fleet of a big company: with one interface
// and one security group; a third of them have an EIP.
func (g Generator) Record() *inventory.Record {
	n := g.IntN(10_000)
	subnet := g.IntN(40)
	vpc := inventory.VPC{ID: fixedID("a", subnet/8), Name: fmt.Sprintf("vpc-desktops-%d", subnet/8), CIDR: fmt.Sprintf("10.%d.0.0/16", subnet/8)}
	nic := inventory.Interface{
		PortID: g.ID(), PrivateIP: fmt.Sprintf("10.%d.%d.%d", subnet/8, subnet%8*16+n/256, n%256), VPC: vpc,
		Subnet: inventory.Subnet{ID: fixedID("b", subnet), Name: fmt.Sprintf("subnet-%d", subnet), CIDR: fmt.Sprintf("10.%d.%d.0/20", subnet/8, subnet%8*16)},
		SecurityGroups: []inventory.SecurityGroup{
			{ID: fixedID("c", 0), Name: "WorkspaceUserSecurityGroup"},
		},
	}
	if g.IntN(3) == 0 {
		nic.EIP = inventory.EIP{ID: g.ID(), Address: fmt.Sprintf("159.138.%d.%d", g.IntN(256), g.IntN(256))}
	}
	return &inventory.Record{
		Listed: true,
		Desktop: inventory.Desktop{
			ID: g.ID(), Name: fmt.Sprintf("desk-%05d", n), IP: nic.PrivateIP, SubnetID: nic.Subnet.ID,
			EnterpriseProjectID: "0", PoolID: fixedID("d", n%50), AvailabilityZone: "la-north-2" + string(rune('a'+n%3)),
			Type: "DEDICATED", Status: "ACTIVE",
		},
		Networks: &inventory.Networks{Name: fmt.Sprintf("desk-%05d", n), IP: nic.PrivateIP, Interfaces: []inventory.Interface{nic}},
	}
}

func fixedID(kind string, n int) string {
	return fmt.Sprintf("%s%07d-0000-4000-8000-%012d", kind, n, n)
}

// Fleet returns a project of n desktops.
func (g Generator) Fleet(name string, n int) *inventory.Snapshot {
	records := make([]*inventory.Record, n)
	for i := range records {
		records[i] = g.Record()
	}
	SortRecords(records)
	return Snapshot(inventory.Project{Name: name, Region: "la-north-2", ID: fixedID("e", len(name))}, true, records...)
}

// SortRecords sorts records by desktop ID, as in a snapshot.
func SortRecords(records []*inventory.Record) {
	slices.SortFunc(records, func(a, b *inventory.Record) int { return strings.Compare(a.Desktop.ID, b.Desktop.ID) })
}

// Mutate returns a snapshot in which some desktops appeared, vanished or changed.
func (g Generator) Mutate(s *inventory.Snapshot) *inventory.Snapshot {
	records := slices.Clone(s.Records)
	switch g.IntN(6) {
	case 0: // scattered changes
		for range min(len(records), 1+g.IntN(20)) {
			i := g.IntN(len(records))
			changed := *records[i]
			changed.Networks = g.Record().Networks
			if g.IntN(4) == 0 {
				changed.Networks = nil
			}
			records[i] = &changed
		}
	case 1: // arrivals everywhere
		for range g.IntN(60) {
			records = append(records, g.Record())
		}
	case 2: // arrivals in one place
		prefix := g.ID()[:6]
		for range g.IntN(90) {
			r := g.Record()
			r.Desktop.ID = prefix + r.Desktop.ID[6:]
			records = append(records, r)
		}
	case 3: // departures everywhere
		records = slices.DeleteFunc(records, func(*inventory.Record) bool { return g.IntN(4) == 0 })
	case 4: // departures in one place
		if len(records) > 0 {
			i := g.IntN(len(records))
			records = slices.Delete(records, i, i+g.IntN(len(records)-i+1))
		}
	default: // nothing, or everything
		if g.IntN(8) == 0 {
			records = nil
		}
	}
	SortRecords(records)
	return Snapshot(s.Project, s.Discovered, records...)
}

// Fleets returns fleets of all kinds by name.
func Fleets() map[string][]*inventory.Snapshot {
	long := NewGenerator(1).Record()
	long.Desktop.Name = strings.Repeat("64 KiB \"\\\n", 64<<10/9)
	hostile := Snapshot(inventory.Project{Name: Hostile, Region: Hostile, ID: Hostile}, true)
	for i, name := range []string{"", "\"", `\`, "\n", "\x00", "💣", "\ufffd", Hostile} {
		r := NewGenerator(uint64(i)).Record()
		r.Desktop.Name, r.Desktop.PoolID, r.Desktop.Status, r.Desktop.Users = name, name, name, []string{name}
		r.Networks.Interfaces[0].SecurityGroups[0].Name = name
		hostile.Records = append(hostile.Records, r)
	}
	SortRecords(hostile.Records)
	half := NewGenerator(2).Fleet("office", 40)
	return map[string][]*inventory.Snapshot{
		"none":          nil,
		"not refreshed": {{Project: inventory.Project{Name: "a"}}},
		"empty":         {Snapshot(inventory.Project{Name: "a", Region: "r", ID: "p"}, true)},
		"small":         SmallFleet(),
		"hostile":       {hostile},
		"long":          {Snapshot(inventory.Project{Name: "a", Region: "r", ID: "p"}, true, long)},
		"projects":      {NewGenerator(4).Fleet("office", 40), NewGenerator(5).Fleet("shop floor", 35), nil},
		"overlap": {
			half,
			Snapshot(inventory.Project{Name: "again", Region: half.Project.Region, ID: half.Project.ID}, true, half.Records[20:]...),
		},
	}
}

// ChangesByRegion returns changes of two kinds in one region, else nil.
func ChangesByRegion(p inventory.Project) map[inventory.ChangeKind]uint64 {
	if p.Region != "la-north-2" {
		return nil
	}
	return map[inventory.ChangeKind]uint64{inventory.Appeared: 1_000_000_000_000_000, inventory.EIPSwapped: 7}
}

// ExpectByID is a policy that depends on project and desktop, and does not decide
// for some desktops.
func ExpectByID(p inventory.Project, r *inventory.Record) (policy string, expected, ok bool) {
	sum := crc32.ChecksumIEEE([]byte(p.Name + r.Desktop.ID))
	return "by " + p.Name, sum%3 == 0, sum%3 < 2
}
