// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

// overlapping returns two projects of the configuration that select desktops of
// the same cloud project: b is in both.
func overlapping() (all, some *inventory.Snapshot) {
	nic := func(port string) *inventory.Networks {
		return &inventory.Networks{Interfaces: []inventory.Interface{{
			PortID: port, Subnet: inventory.Subnet{ID: "s"}, VPC: inventory.VPC{ID: "v"},
			SecurityGroups: []inventory.SecurityGroup{{ID: "g"}},
		}}}
	}
	all = inventorytest.Snapshot(inventory.Project{Name: "all", Region: "r", ID: "p"}, true,
		&inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "a", Status: "ACTIVE"}},
		&inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "b", Name: "listed", Status: "ACTIVE"}, Networks: nic("1")},
	)
	some = inventorytest.Snapshot(inventory.Project{Name: "some", Region: "r", ID: "p"}, false,
		&inventory.Record{Desktop: inventory.Desktop{ID: "b"}, Networks: nic("1")},
		&inventory.Record{Desktop: inventory.Desktop{ID: "c"}, Networks: nic("2")},
	)
	return all, some
}

func TestOverlappingProjects(t *testing.T) {
	t.Parallel()
	all, some := overlapping()
	o := only("desktop_network_interfaces", "desktop_info", "desktop_status", "subnet_network_interfaces", "vpc_info",
		"security_group_info", "desktops", "desktops_unresolved", "project_info", "up", "desktop_eip_expected")
	info := func(id, name string) string {
		return `desktop_info{availability_zone="",desktop_id="` + id + `",desktop_ip="",desktop_name="` + name + `",desktop_type="",enterprise_project_id="",pool_id=""} 1`
	}
	o.Expect = func(p inventory.Project, _ *inventory.Record) (policy string, expected, ok bool) {
		return p.Name, true, true
	}
	want := []string{
		`desktop_eip_expected{desktop_id="a",policy="all"} 1`,
		`desktop_eip_expected{desktop_id="b",policy="all"} 1`,
		`desktop_eip_expected{desktop_id="c",policy="some"} 1`,
		info("a", ""), info("b", "listed"), info("c", ""),
		`desktop_network_interfaces{desktop_id="b"} 1`,
		`desktop_network_interfaces{desktop_id="c"} 1`,
		`desktop_status{desktop_id="a",status="ACTIVE"} 1`,
		`desktop_status{desktop_id="b",status="ACTIVE"} 1`,
		"desktops{} 3", "desktops_unresolved{} 1",
		`project_info{project="all"} 1`, `project_info{project="some"} 1`,
		`security_group_info{security_group_id="g",security_group_name=""} 1`,
		`subnet_network_interfaces{subnet_id="s"} 2`,
		"up{} 1",
		`vpc_info{vpc_cidr="",vpc_id="v",vpc_name=""} 1`,
	}
	if diff := cmp.Diff(want, samples(t, o, all, some)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, samples(t, o, some, nil, all)); diff != "" {
		t.Errorf("in another order (-want +got)\n%s", diff)
	}
}

func TestMergeKeepsMostCompleteRecord(t *testing.T) {
	t.Parallel()
	all, some := overlapping()
	// One has the list, the other the networks.
	unread := *all.Records[1]
	unread.Networks = nil
	all.Records[1] = &unread
	m, duplicates := merge([]*inventory.Snapshot{all, some})
	if duplicates != 1 || len(m.Records) != 3 || m.Records[1] != some.Records[0] {
		t.Errorf("%d duplicates, %d records, b is %+v", duplicates, len(m.Records), m.Records[1])
	}
}

func TestMergedFindings(t *testing.T) {
	t.Parallel()
	p := inventory.Project{Name: "n", Region: "r", ID: "p"}
	with := func(id string) *inventory.Record {
		return &inventory.Record{Desktop: inventory.Desktop{ID: id}, Networks: &inventory.Networks{Interfaces: []inventory.Interface{
			{PortID: id, PrivateIP: "10.0.0.1", VPC: inventory.VPC{ID: "v"}},
		}}}
	}
	missing := func(id string) inventory.Finding {
		return inventory.Finding{Reason: inventory.EIPNotShown, Subject: id, Value: "203.0.113.1"}
	}
	unlisted := inventory.Finding{Reason: inventory.EIPNotListed, Subject: "c", Value: "203.0.113.2"}
	some, others := inventorytest.Snapshot(p, true, with("a"), with("c")), inventorytest.Snapshot(p, true, with("b"), with("c"))
	some.Findings = []inventory.Finding{unlisted, missing("c")}
	others.Findings = []inventory.Finding{missing("b"), missing("c")}
	others.CheckedReasons = slices.DeleteFunc(inventory.FindingReasons(), func(r inventory.FindingReason) bool { return r == inventory.EIPNotListed })
	m, _ := merge([]*inventory.Snapshot{some, others})
	want := []inventory.Finding{
		{Reason: inventory.AddressUsedTwice, Subject: "a", Other: "b", Value: "10.0.0.1"},
		{Reason: inventory.AddressUsedTwice, Subject: "b", Other: "c", Value: "10.0.0.1"},
		missing("b"), missing("c"),
	}
	if diff := cmp.Diff(want, m.Findings); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(others.CheckedReasons, m.CheckedReasons); diff != "" {
		t.Errorf("checked (-want +got)\n%s", diff)
	}
	others.CheckedReasons = nil // its networks are not known yet
	if m, _ = merge([]*inventory.Snapshot{some, others}); len(m.CheckedReasons)+len(m.Findings) != 0 {
		t.Errorf("checked %v and found %v, want none, since one snapshot has no networks", m.CheckedReasons, m.Findings)
	}
}

func TestMergedHealth(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for _, tt := range []struct {
		name       string
		a, b, want inventory.Health
	}{
		{"one not refreshed", inventory.Health{Refreshed: true, Listed: true, Up: true, LastSuccess: late}, inventory.Health{}, inventory.Health{Refreshed: true, Up: true, LastSuccess: late}},
		{"neither refreshed", inventory.Health{}, inventory.Health{}, inventory.Health{Up: true}},
		{
			"one fails",
			inventory.Health{Refreshed: true, Listed: true, Up: true, Duration: 3, LastRefresh: late, LastSuccess: late, OldestData: early},
			inventory.Health{Refreshed: true, Listed: true, Duration: 5, LastRefresh: early, LastSuccess: early, OldestData: late, QuotaExceededUntil: late, Failures: []*inventory.Failure{{Operation: "ListDesktops"}}},
			inventory.Health{Refreshed: true, Listed: true, Duration: 5, LastRefresh: early, LastSuccess: early, OldestData: early, QuotaExceededUntil: late, Failures: []*inventory.Failure{{Operation: "ListDesktops"}}},
		},
	} {
		for _, order := range [][]*inventory.Snapshot{{{Health: tt.a}, {Health: tt.b}}, {{Health: tt.b}, {Health: tt.a}}} {
			if diff := cmp.Diff(tt.want, mergeHealth(order)); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
			}
		}
	}
}

func TestMergedStaleIsBounded(t *testing.T) {
	t.Parallel()
	all, some := overlapping()
	all.Health.Stale, some.Health.Stale = 1, 2
	if m, _ := merge([]*inventory.Snapshot{all, some}); m.Health.Stale != 2 {
		t.Errorf("%d stale of 2 with networks", m.Health.Stale)
	}
}

func TestScopeCacheCountsDuplicatesOncePerChange(t *testing.T) {
	t.Parallel()
	dropped := make(map[string]int)
	cache := ScopeCache{TTL: time.Minute, Dropped: func(reason string, n int) { dropped[reason] += n }}
	all, some := overlapping()
	now := time.Unix(0, 0)
	for range 3 {
		cache.Scopes([]*inventory.Snapshot{all, some}, now)
		cache.Scopes([]*inventory.Snapshot{some}, now) // as /probe does
	}
	if diff := cmp.Diff(map[string]int{droppedOverlap: 1}, dropped); diff != "" {
		t.Errorf("three scrapes of one state (-want +got)\n%s", diff)
	}
	again := *some
	cache.Scopes([]*inventory.Snapshot{all, &again}, now)
	if diff := cmp.Diff(map[string]int{droppedOverlap: 2}, dropped); diff != "" {
		t.Errorf("after a refresh (-want +got)\n%s", diff)
	}
	cache.Scopes(nil, now.Add(time.Minute+1))
	if len(cache.merged) != 0 {
		t.Errorf("%d scopes after the TTL, want none", len(cache.merged))
	}
}
