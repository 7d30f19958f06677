// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

// samples returns the samples of snapshots, one a line, without the prefix of the
// names and without region and project_id.
func samples(t *testing.T, o Options, snapshots ...*inventory.Snapshot) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(gather(t, o, snapshots...)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.NewReplacer(prefix, "", `,project_id="p",region="r"`, "", `project_id="p",region="r",`, "", `project_id="p",region="r"`, "", `project_id="p",`, "", `,region="r"`, "").Replace(line)
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// only enables these families alone.
func only(names ...string) Options {
	o := Options{Users: true, Tags: []string{"team"}, Policies: 3, Expect: expectByStatus}
	for _, name := range FamilyNames() {
		keep := false
		for _, n := range names {
			keep = keep || n == name
		}
		if !keep {
			o.Disable = append(o.Disable, name)
		}
	}
	return o
}

// expectByStatus does not decide for desktops without status.
func expectByStatus(p inventory.Project, r *inventory.Record) (policy string, expected, ok bool) {
	return "status in " + p.Name, r.Desktop.Status == "ACTIVE", r.Desktop.Status != ""
}

func TestDesktopSamples(t *testing.T) {
	t.Parallel()
	networks := func(interfaces ...inventory.Interface) *inventory.Networks {
		return &inventory.Networks{Name: "net-name", IP: "10.0.0.9", Interfaces: interfaces}
	}
	var many, ofOnePort []inventory.SecurityGroup
	for i := range 2 * linearSearchMax {
		many = append(many, inventory.SecurityGroup{ID: fmt.Sprint("g", i)})
	}
	ofOnePort = append(ofOnePort, many[3], many[2*linearSearchMax-1], inventory.SecurityGroup{ID: "new"})
	for _, tt := range []struct {
		name     string
		record   inventory.Record
		families []string
		want     []string
	}{
		{
			"listed, networks unknown",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d", Name: "n"}},
			[]string{"desktop_info", "desktop_network_info", "desktop_security_group_info", "desktop_network_interfaces", "desktop_eips", "desktop_security_groups", "desktop_status"},
			[]string{`desktop_info{availability_zone="",desktop_id="d",desktop_ip="",desktop_name="n",desktop_type="",enterprise_project_id="",pool_id=""} 1`},
		},
		{"configured, networks unknown", inventory.Record{Desktop: inventory.Desktop{ID: "d"}}, []string{"desktop_info", "desktop_eips"}, nil},
		{
			"an EIP is required, networks unknown",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d", Status: "ACTIVE"}},
			[]string{"desktop_eip_expected", "desktop_eips"},
			[]string{`desktop_eip_expected{desktop_id="d",policy="status in n"} 1`},
		},
		{
			"an EIP is forbidden, there is one",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d", Status: "ERROR"}, Networks: networks(inventory.Interface{EIP: inventory.EIP{ID: "e"}})},
			[]string{"desktop_eip_expected", "desktop_eips"},
			[]string{`desktop_eip_expected{desktop_id="d",policy="status in n"} 0`, `desktop_eips{desktop_id="d"} 1`},
		},
		{
			"no policy decides",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d"}, Networks: networks()},
			[]string{"desktop_eip_expected", "desktop_eips"},
			[]string{`desktop_eips{desktop_id="d"} 0`},
		},
		{
			"an EIP is required, a configured ID is not confirmed",
			inventory.Record{Desktop: inventory.Desktop{ID: "d", Status: "ACTIVE"}},
			[]string{"desktop_eip_expected"},
			nil,
		},
		{
			"configured, networks known",
			inventory.Record{Desktop: inventory.Desktop{ID: "d"}, Networks: networks()},
			[]string{"desktop_info", "desktop_eips", "desktop_status", "desktop_tags_info", "desktop_user_info"},
			[]string{
				"desktop_eips{desktop_id=\"d\"} 0",
				`desktop_info{availability_zone="",desktop_id="d",desktop_ip="10.0.0.9",desktop_name="net-name",desktop_type="",enterprise_project_id="",pool_id=""} 1`,
			},
		},
		{
			"name and address of the list take precedence",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d", Name: "n", IP: "10.0.0.1"}, Networks: networks()},
			[]string{"desktop_info"},
			[]string{`desktop_info{availability_zone="",desktop_id="d",desktop_ip="10.0.0.1",desktop_name="n",desktop_type="",enterprise_project_id="",pool_id=""} 1`},
		},
		{
			"an EIP without ID or without address counts",
			inventory.Record{Desktop: inventory.Desktop{ID: "d"}, Networks: networks(
				inventory.Interface{PortID: "1", EIP: inventory.EIP{ID: "e"}},
				inventory.Interface{PortID: "2", EIP: inventory.EIP{Address: "203.0.113.1"}},
				inventory.Interface{PortID: "3"},
			)},
			[]string{"desktop_eips", "desktop_network_interfaces"},
			[]string{`desktop_eips{desktop_id="d"} 2`, `desktop_network_interfaces{desktop_id="d"} 3`},
		},
		{
			"interfaces that differ in their groups only",
			inventory.Record{Desktop: inventory.Desktop{ID: "d"}, Networks: networks(
				inventory.Interface{SecurityGroups: many[:2]},
				inventory.Interface{SecurityGroups: many[1:3]},
			)},
			[]string{"desktop_network_info", "desktop_security_group_info", "desktop_security_groups"},
			[]string{
				`desktop_network_info{desktop_id="d",desktop_name="net-name",eip_address="",eip_id="",port_id="",private_ip="",subnet_cidr="",subnet_id="",subnet_name="",vpc_cidr="",vpc_id="",vpc_name=""} 1`,
				`desktop_security_group_info{desktop_id="d",port_id="",security_group_id="g0",security_group_name=""} 1`,
				`desktop_security_group_info{desktop_id="d",port_id="",security_group_id="g1",security_group_name=""} 1`,
				`desktop_security_group_info{desktop_id="d",port_id="",security_group_id="g2",security_group_name=""} 1`,
				`desktop_security_groups{desktop_id="d"} 3`,
			},
		},
		{
			"many groups, some of them twice",
			inventory.Record{Desktop: inventory.Desktop{ID: "d"}, Networks: networks(
				inventory.Interface{SecurityGroups: many}, inventory.Interface{SecurityGroups: ofOnePort},
			)},
			[]string{"desktop_security_groups"},
			[]string{fmt.Sprintf(`desktop_security_groups{desktop_id="d"} %d`, 2*linearSearchMax+1)},
		},
		{
			"no status, no tags, no users",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: "d"}},
			[]string{"desktop_status", "desktop_tags_info", "desktop_user_info"},
			[]string{`desktop_tags_info{desktop_id="d",tag_team=""} 1`},
		},
		{
			"a tag twice, a user twice",
			inventory.Record{Listed: true, Desktop: inventory.Desktop{
				ID: "d", Status: "ACTIVE", Users: []string{"ana", "ana"},
				Tags: []inventory.Tag{{Key: "team", Value: "a"}, {Key: "team", Value: "b"}},
			}},
			[]string{"desktop_status", "desktop_tags_info", "desktop_user_info"},
			[]string{
				`desktop_status{desktop_id="d",status="ACTIVE"} 1`,
				`desktop_tags_info{desktop_id="d",tag_team="a"} 1`,
				`desktop_user_info{desktop_id="d",user_name="ana"} 1`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := inventorytest.Snapshot(inventory.Project{Name: "n", Region: "r", ID: "p"}, tt.record.Listed, &tt.record)
			if diff := cmp.Diff(tt.want, samples(t, only(tt.families...), s)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestProjectSamples(t *testing.T) {
	t.Parallel()
	health := []string{
		"up", "project_info", "desktops", "desktops_unresolved", "desktops_stale",
		"refresh_duration_seconds", "refresh_last_success_timestamp_seconds", "oldest_data_timestamp_seconds", "policies",
	}
	at := time.Unix(1_700_000_000, 0)
	for _, tt := range []struct {
		name   string
		health inventory.Health
		want   []string
	}{
		{"not refreshed", inventory.Health{}, []string{"policies{} 3", `project_info{project="n"} 1`}},
		{
			"refreshed, but the list failed",
			inventory.Health{Refreshed: true, Duration: time.Second / 4},
			[]string{"policies{} 3", `project_info{project="n"} 1`, "refresh_duration_seconds{} 0.25", "up{} 0"},
		},
		{
			"an empty project",
			inventory.Health{Refreshed: true, Listed: true, Up: true, LastSuccess: at},
			[]string{
				"desktops{} 0", "desktops_stale{} 0", "desktops_unresolved{} 0", "policies{} 3", `project_info{project="n"} 1`,
				"refresh_duration_seconds{} 0", "refresh_last_success_timestamp_seconds{} 1.7e+09", "up{} 1",
			},
		},
		{
			"all values",
			inventory.Health{Refreshed: true, Listed: true, Unresolved: 3, Stale: 2, Duration: time.Minute, LastSuccess: at, OldestData: at.Add(1500 * time.Millisecond)},
			[]string{
				"desktops{} 0", "desktops_stale{} 2", "desktops_unresolved{} 3", "oldest_data_timestamp_seconds{} 1.7000000015e+09",
				"policies{} 3", `project_info{project="n"} 1`, "refresh_duration_seconds{} 60", "refresh_last_success_timestamp_seconds{} 1.7e+09", "up{} 0",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &inventory.Snapshot{Project: inventory.Project{Name: "n", Region: "r", ID: "p"}, Health: tt.health}
			if diff := cmp.Diff(tt.want, samples(t, only(health...), s)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestChangeSamples(t *testing.T) {
	t.Parallel()
	s := &inventory.Snapshot{Project: inventory.Project{Name: "n", Region: "r", ID: "p"}}
	for name, tt := range map[string]struct {
		counts map[inventory.ChangeKind]uint64
		want   []string
	}{
		"not known yet": {},
		"all kinds from 0 on": {map[inventory.ChangeKind]uint64{inventory.Renamed: 3}, []string{
			`desktop_changes_total{kind="address_changed"} 0`, `desktop_changes_total{kind="appeared"} 0`,
			`desktop_changes_total{kind="eip_bound"} 0`, `desktop_changes_total{kind="eip_swapped"} 0`,
			`desktop_changes_total{kind="eip_unbound"} 0`, `desktop_changes_total{kind="renamed"} 3`,
			`desktop_changes_total{kind="security_groups_changed"} 0`, `desktop_changes_total{kind="subnet_changed"} 0`,
			`desktop_changes_total{kind="vanished"} 0`,
		}},
	} {
		o := only("desktop_changes_total")
		o.Changes = func(p inventory.Project) map[inventory.ChangeKind]uint64 {
			if p != s.Project {
				t.Errorf("called with %v", p)
			}
			return tt.counts
		}
		if diff := cmp.Diff(tt.want, samples(t, o, s)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestFindingSamples(t *testing.T) {
	t.Parallel()
	var many []inventory.Finding
	for i := range maxFindings + 1 {
		many = append(many, inventory.Finding{Reason: inventory.AddressOutsideSubnet, Subject: fmt.Sprintf("d%04d", i)})
	}
	pair := inventory.Finding{Reason: inventory.EIPUsedTwice, Subject: "d1", Other: "d2", Value: "203.0.113.1"}
	for name, tt := range map[string]struct {
		checked  []inventory.FindingReason
		findings []inventory.Finding
		want     []string
		series   int // of finding_info; 0: as wanted
	}{
		"nothing checked": {},
		"no findings":     {[]inventory.FindingReason{inventory.EIPNotShown, inventory.EIPUsedTwice}, nil, []string{`findings{reason="eip_not_shown"} 0`, `findings{reason="eip_used_twice"} 0`}, 0},
		"findings": {
			[]inventory.FindingReason{inventory.EIPNotShown, inventory.EIPUsedTwice},
			[]inventory.Finding{{Reason: inventory.EIPNotShown, Subject: "d3", Value: "203.0.113.2"}, pair},
			[]string{
				`finding_info{other_id="",reason="eip_not_shown",subject_id="d3",value="203.0.113.2"} 1`,
				`finding_info{other_id="d2",reason="eip_used_twice",subject_id="d1",value="203.0.113.1"} 1`,
				`findings{reason="eip_not_shown"} 1`, `findings{reason="eip_used_twice"} 1`,
			},
			0,
		},
		"more than the maximum": {
			[]inventory.FindingReason{inventory.AddressOutsideSubnet, inventory.EIPUsedTwice},
			append(many, pair),
			[]string{
				`finding_info{other_id="d2",reason="eip_used_twice",subject_id="d1",value="203.0.113.1"} 1`,
				`findings{reason="address_outside_subnet"} 1001`, `findings{reason="eip_used_twice"} 1`,
			},
			1000,
		},
	} {
		s := &inventory.Snapshot{Project: inventory.Project{Name: "n", Region: "r", ID: "p"}, CheckedReasons: tt.checked, Findings: tt.findings}
		got := samples(t, only("findings", "finding_info"), s)
		if tt.series > 0 {
			got = got[min(len(got), tt.series):]
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestUsableAddresses(t *testing.T) {
	t.Parallel()
	for cidr, want := range map[string]float64{
		"10.0.0.0/24": 251, "10.0.0.0/28": 11, "10.0.0.0/29": 3, "10.0.0.0/30": 0, "10.0.0.0/32": 0,
		"10.0.0.0/8": 1<<24 - 5, "0.0.0.0/0": 1<<32 - 5, "10.0.0.7/24": 251,
	} {
		if got, ok := usableAddresses(cidr); !ok || got != want {
			t.Errorf("%s: %v, %t, want %v", cidr, got, ok, want)
		}
	}
	for _, cidr := range []string{"", "10.0.0.0", "10.0.0.0/33", "10.0.0/24", "2001:db8::/64", "::ffff:10.0.0.0/120", "10.0.0.0/24 ", "<nil>"} {
		if got, ok := usableAddresses(cidr); ok {
			t.Errorf("%q: %v, want none", cidr, got)
		}
	}
}
