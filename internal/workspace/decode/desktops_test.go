// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestDesktops(t *testing.T) {
	t.Parallel()
	const body = `{"total_count":7,"desktops":[
		{"desktop_id":"a","computer_name":"A","ip_address":"10.0.0.1","subnet_id":"s","enterprise_project_id":"0","pool_id":"p",
		 "availability_zone":"az1","desktop_type":"DEDICATED","status":"ACTIVE","task_status":"powering-off","user_name":"zoe",
		 "attach_user_infos":[{"user_name":"adam","type":"USER"},{"user_name":"zoe"},null,{"user_name":3}],
		 "tags":[{"key":"team","value":"b"},{"key":"team","value":"a"},{"key":"empty"},7,{"key":"team","value":"a"}],
		 "created":"2026-01-01","in_maintenance_mode":false},
		{"desktop_id":"b","computer_name":null,"tags":null,"attach_user_infos":[],"user_name":""},
		{"desktop_id":"a","computer_name":"again"},
		{"computer_name":"no ID"},
		{"desktop_id":7},
		null,
		"text"]}`
	full := inventory.Desktop{
		ID: "a", Name: "A", IP: "10.0.0.1", SubnetID: "s", EnterpriseProjectID: "0", PoolID: "p",
		AvailabilityZone: "az1", Type: "DEDICATED", Status: "ACTIVE", TaskStatus: "powering-off",
	}
	for _, tt := range []struct {
		name      string
		want      OptionalFields
		tags      []inventory.Tag
		users     []string
		malformed int // fields: a numeric ID always; tags and users only if they are decoded
		null      int
	}{
		{name: "without optional fields", malformed: 1, null: 1},
		{
			name: "with optional fields", want: OptionalFields{Tags: true, Users: true}, users: []string{"adam", "zoe"}, malformed: 3, null: 2,
			tags: []inventory.Tag{{Key: "empty"}, {Key: "team", Value: "a"}, {Key: "team", Value: "b"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, counts, err := Desktops([]byte(body), tt.want)
			if err != nil {
				t.Fatal(err)
			}
			d := full
			d.Tags, d.Users = tt.tags, tt.users
			if diff := cmp.Diff([]inventory.Desktop{d, {ID: "b"}}, p.Desktops); diff != "" {
				t.Errorf("desktops (-want +got):\n%s", diff)
			}
			if p.Size != 7 || p.Total != 7 {
				t.Errorf("size %d and total %d, want 7 and 7", p.Size, p.Total)
			}
			want := map[string]int{
				ReasonDuplicateDesktop: 1, ReasonNoDesktopID: 2, ReasonNullElement: tt.null, ReasonMalformedDesktop: 1, ReasonMalformedField: tt.malformed,
			}
			if diff := cmp.Diff(want, counts.Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTotalCount(t *testing.T) {
	t.Parallel()
	const unreadable = -2
	for text, want := range map[string]int{
		`0`: 0, `250`: 250, `2147483647`: 2147483647, `"250"`: 250, `null`: -1, `5,"total_count":5`: 5,
		`2147483648`: unreadable, `99999999999999999999`: unreadable, `-1`: unreadable, `1.5`: unreadable, `5.0`: unreadable, `5e0`: unreadable,
		`[]`: unreadable, `{}`: unreadable, `""`: unreadable, `"250 "`: unreadable, `false`: unreadable, `5,"total_count":6`: unreadable,
	} {
		p, _, err := Desktops([]byte(`{"desktops":[],"total_count":`+text+`}`), OptionalFields{})
		got := p.Total
		if p.Unreadable {
			got = unreadable
		}
		if err != nil || got != want {
			t.Errorf("%s: %d, error %v; want %d", text, got, err, want)
		}
	}
}
