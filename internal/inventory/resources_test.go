// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// in makes the networks of a desktop with interfaces that are there.
func in(nics ...Interface) *Networks { return &Networks{Interfaces: nics} }

func TestObjects(t *testing.T) {
	t.Parallel()
	main := VPC{"v1", "main", "10.0.0.0/8"}
	floor := Subnet{"s1", "floor", "10.0.0.0/24"}
	office := SecurityGroup{"g1", "office"}
	type objects struct {
		VPCs    []VPC
		Subnets []SubnetUsage
		Groups  []SecurityGroup
	}
	for name, tt := range map[string]struct {
		networks []*Networks
		want     objects
	}{
		"nothing known":         {networks: []*Networks{nil, in()}},
		"interfaces of nothing": {networks: []*Networks{in(Interface{PortID: "p", SecurityGroups: []SecurityGroup{{}, {Name: "no ID"}}}, Interface{VPC: VPC{Name: "no ID"}})}},
		"each once, interfaces counted": {
			networks: []*Networks{
				in(Interface{VPC: main, Subnet: floor, SecurityGroups: []SecurityGroup{office}}),
				nil,
				in(Interface{VPC: main, Subnet: floor, SecurityGroups: []SecurityGroup{office}}, Interface{VPC: main, Subnet: floor}),
			},
			want: objects{[]VPC{main}, []SubnetUsage{{floor, "v1", 3}}, []SecurityGroup{office}},
		},
		"sorted by ID": {
			networks: []*Networks{in(
				Interface{VPC: VPC{ID: "b"}, Subnet: Subnet{ID: "d"}, SecurityGroups: []SecurityGroup{{ID: "f"}, {ID: "e"}}},
				Interface{VPC: VPC{ID: "a"}, Subnet: Subnet{ID: "c"}},
			)},
			want: objects{[]VPC{{ID: "a"}, {ID: "b"}}, []SubnetUsage{{Subnet{ID: "c"}, "a", 1}, {Subnet{ID: "d"}, "b", 1}}, []SecurityGroup{{ID: "e"}, {ID: "f"}}},
		},
		"a rename goes round: the smaller text, and a text before none": {
			networks: []*Networks{
				in(Interface{VPC: VPC{"v1", "", "10.0.0.0/8"}, Subnet: Subnet{"s1", "new", ""}, SecurityGroups: []SecurityGroup{{"g1", ""}}}),
				in(Interface{VPC: VPC{"v1", "new", ""}, Subnet: Subnet{"s1", "", "c"}, SecurityGroups: []SecurityGroup{{"g1", "new"}}}),
				in(Interface{VPC: VPC{"v1", "old", ""}, Subnet: Subnet{"s1", "newer", "d"}, SecurityGroups: []SecurityGroup{{"g1", "named"}}}),
				in(Interface{Subnet: Subnet{ID: "s1"}}),
			},
			want: objects{[]VPC{{"v1", "new", "10.0.0.0/8"}}, []SubnetUsage{{Subnet{"s1", "new", "c"}, "v1", 4}}, []SecurityGroup{{"g1", "named"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []*Record
			var tally ResourceCounts
			passing := in(Interface{VPC: VPC{"v1", "a", "a"}, Subnet: Subnet{"s1", "a", "a"}, SecurityGroups: []SecurityGroup{{"g1", "a"}}})
			tally.Add(passing)
			for _, n := range tt.networks {
				records = append(records, &Record{Networks: n})
				tally.Add(n)
			}
			tally.Remove(passing)
			var got, kept objects
			got.VPCs, got.Subnets, got.Groups = Resources(records)
			kept.VPCs, kept.Subnets, kept.Groups = tally.Resources()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("gathered (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, kept); diff != "" {
				t.Errorf("after one that came and went (-want +got)\n%s", diff)
			}
		})
	}
}
