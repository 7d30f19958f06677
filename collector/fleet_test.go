// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const bogota = "0123456789abcdef0123456789abcdef"

// everything is the choice that leaves nothing out.
func everything() Choice {
	return Choice{
		Users: true, Tags: []string{"team", "cost-center", "cost.center", "1st", "__name__", "le", "", "成本"},
		Policies: 2, Expect: byID, Changes: byRegion,
	}
}

// byRegion counts changes in one region, of two kinds.
func byRegion(p inventory.Project) map[inventory.ChangeKind]uint64 {
	if p.Region != "la-north-2" {
		return nil
	}
	return map[inventory.ChangeKind]uint64{inventory.Appeared: 1_000_000_000_000_000, inventory.EIPSwapped: 7}
}

// byID is a policy that tells projects apart and says nothing of some desktops.
func byID(p inventory.Project, r *inventory.Record) (policy string, expected, ok bool) {
	sum := crc32.ChecksumIEEE([]byte(p.Name + r.Desktop.ID))
	return "by " + p.Name, sum%3 == 0, sum%3 < 2
}

// hostile is text that has broken expositions before.
const hostile = "quote\" slash\\ slash-n\\n line\nfeed\ttab {},= #\U0001f4a3\ufffd \u2028 del\x7f"

// smallFleet is checked by hand in testdata/small.prom. It holds two
// interfaces, no EIP, no group, unknown networks, hostile names, an address
// outside its subnet, an EIP that only the EIP list has, a project by configured IDs, one
// that has not been tried and one that fails.
func smallFleet() []*inventory.Snapshot {
	vpc := inventory.VPC{ID: "vpc-1", Name: "office", CIDR: "10.0.0.0/16"}
	front := inventory.Subnet{ID: "subnet-1", Name: "front", CIDR: "10.0.1.0/24"}
	back := inventory.Subnet{ID: "subnet-2", Name: "back", CIDR: "10.0.2.0/29"}
	six := inventory.Subnet{ID: "subnet-6", Name: "six", CIDR: "2001:db8::/64"}
	web := inventory.SecurityGroup{ID: "sg-1", Name: "web"}
	base := inventory.SecurityGroup{ID: "sg-2", Name: "base"}
	office := snapshot(inventory.Project{Name: "office-bogota", Region: "la-north-2", ID: bogota}, true,
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
			Desktop:  inventory.Desktop{ID: "desktop-4", Name: hostile, Users: []string{hostile}, Tags: []inventory.Tag{{Key: "team", Value: hostile}}},
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
	office.Findings = append(office.Findings, inventory.Finding{Reason: inventory.EIPNotShown, Subject: "desktop-4", Value: hostile})
	slices.SortFunc(office.Findings, inventory.Finding.Compare)
	plant := snapshot(inventory.Project{Name: "plant", Region: "eu-west-101", ID: "fedcba9876543210fedcba9876543210"}, false,
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

// snapshot makes a healthy snapshot of records.
func snapshot(p inventory.Project, discovered bool, records ...*inventory.Record) *inventory.Snapshot {
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

// maker makes fleets at random, always the same for a seed.
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 0))} }

func (m maker) id() string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x",
		m.Uint32(), m.Uint32()>>16, m.Uint32()>>16, m.Uint32()>>16, m.Uint64()>>16)
}

// record makes a desktop as the fleets of a big company have them: most with
// one interface, a third with an EIP, two groups.
func (m maker) record() *inventory.Record {
	n := m.IntN(10_000)
	subnet := m.IntN(40)
	vpc := inventory.VPC{ID: fixedID("a", subnet/8), Name: fmt.Sprintf("vpc-desktops-%d", subnet/8), CIDR: fmt.Sprintf("10.%d.0.0/16", subnet/8)}
	nic := inventory.Interface{
		PortID: m.id(), PrivateIP: fmt.Sprintf("10.%d.%d.%d", subnet/8, subnet%8*16+n/256, n%256), VPC: vpc,
		Subnet: inventory.Subnet{ID: fixedID("b", subnet), Name: fmt.Sprintf("subnet-%d", subnet), CIDR: fmt.Sprintf("10.%d.%d.0/20", subnet/8, subnet%8*16)},
		SecurityGroups: []inventory.SecurityGroup{
			{ID: fixedID("c", 0), Name: "WorkspaceUserSecurityGroup"},
		},
	}
	if m.IntN(3) == 0 {
		nic.EIP = inventory.EIP{ID: m.id(), Address: fmt.Sprintf("159.138.%d.%d", m.IntN(256), m.IntN(256))}
	}
	return &inventory.Record{
		Listed: true,
		Desktop: inventory.Desktop{
			ID: m.id(), Name: fmt.Sprintf("desk-%05d", n), IP: nic.PrivateIP, SubnetID: nic.Subnet.ID,
			EnterpriseProjectID: "0", PoolID: fixedID("d", n%50), AvailabilityZone: "la-north-2" + string(rune('a'+n%3)),
			Type: "DEDICATED", Status: "ACTIVE",
		},
		Networks: &inventory.Networks{Name: fmt.Sprintf("desk-%05d", n), IP: nic.PrivateIP, Interfaces: []inventory.Interface{nic}},
	}
}

func fixedID(kind string, n int) string {
	return fmt.Sprintf("%s%07d-0000-4000-8000-%012d", kind, n, n)
}

// fleet makes a project of n desktops.
func (m maker) fleet(name string, n int) *inventory.Snapshot {
	records := make([]*inventory.Record, n)
	for i := range records {
		records[i] = m.record()
	}
	sortRecords(records)
	return snapshot(inventory.Project{Name: name, Region: "la-north-2", ID: fixedID("e", len(name))}, true, records...)
}

func sortRecords(records []*inventory.Record) {
	slices.SortFunc(records, func(a, b *inventory.Record) int { return strings.Compare(a.Desktop.ID, b.Desktop.ID) })
}

// mutate makes the snapshot after some desktops came, went or changed.
func (m maker) mutate(s *inventory.Snapshot) *inventory.Snapshot {
	records := slices.Clone(s.Records)
	switch m.IntN(6) {
	case 0: // scattered changes
		for range min(len(records), 1+m.IntN(20)) {
			i := m.IntN(len(records))
			changed := *records[i]
			changed.Networks = m.record().Networks
			if m.IntN(4) == 0 {
				changed.Networks = nil
			}
			records[i] = &changed
		}
	case 1: // arrivals everywhere
		for range m.IntN(60) {
			records = append(records, m.record())
		}
	case 2: // arrivals in one place
		prefix := m.id()[:6]
		for range m.IntN(90) {
			r := m.record()
			r.Desktop.ID = prefix + r.Desktop.ID[6:]
			records = append(records, r)
		}
	case 3: // departures everywhere
		records = slices.DeleteFunc(records, func(*inventory.Record) bool { return m.IntN(4) == 0 })
	case 4: // departures in one place
		if len(records) > 0 {
			i := m.IntN(len(records))
			records = slices.Delete(records, i, i+m.IntN(len(records)-i+1))
		}
	default: // nothing, or everything
		if m.IntN(8) == 0 {
			records = nil
		}
	}
	sortRecords(records)
	return snapshot(s.Project, s.Discovered, records...)
}
