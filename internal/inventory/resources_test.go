// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// networks returns networks with the given interfaces, not nil.
func networks(nics ...Interface) *Networks { return &Networks{Interfaces: nics} }

func TestResources(t *testing.T) {
	t.Parallel()
	main := VPC{"v1", "main", "10.0.0.0/8"}
	floor := Subnet{"s1", "floor", "10.0.0.0/24"}
	office := SecurityGroup{"g1", "office"}
	type resources struct {
		VPCs    []VPC
		Subnets []SubnetUsage
		Groups  []SecurityGroup
	}
	for name, tt := range map[string]struct {
		networks []*Networks
		want     resources
	}{
		"unknown networks":    {networks: []*Networks{nil, networks()}},
		"objects without IDs": {networks: []*Networks{networks(Interface{PortID: "p", SecurityGroups: []SecurityGroup{{}, {Name: "no ID"}}}, Interface{VPC: VPC{Name: "no ID"}})}},
		"counted without duplicates": {
			networks: []*Networks{
				networks(Interface{VPC: main, Subnet: floor, SecurityGroups: []SecurityGroup{office}}),
				nil,
				networks(Interface{VPC: main, Subnet: floor, SecurityGroups: []SecurityGroup{office}}, Interface{VPC: main, Subnet: floor}),
			},
			want: resources{[]VPC{main}, []SubnetUsage{{floor, "v1", 3}}, []SecurityGroup{office}},
		},
		"sorted by ID": {
			networks: []*Networks{networks(
				Interface{VPC: VPC{ID: "b"}, Subnet: Subnet{ID: "d"}, SecurityGroups: []SecurityGroup{{ID: "f"}, {ID: "e"}}},
				Interface{VPC: VPC{ID: "a"}, Subnet: Subnet{ID: "c"}},
			)},
			want: resources{[]VPC{{ID: "a"}, {ID: "b"}}, []SubnetUsage{{Subnet{ID: "c"}, "a", 1}, {Subnet{ID: "d"}, "b", 1}}, []SecurityGroup{{ID: "e"}, {ID: "f"}}},
		},
		"rename in progress: the smallest name that is not empty": {
			networks: []*Networks{
				networks(Interface{VPC: VPC{"v1", "", "10.0.0.0/8"}, Subnet: Subnet{"s1", "new", ""}, SecurityGroups: []SecurityGroup{{"g1", ""}}}),
				networks(Interface{VPC: VPC{"v1", "new", ""}, Subnet: Subnet{"s1", "", "c"}, SecurityGroups: []SecurityGroup{{"g1", "new"}}}),
				networks(Interface{VPC: VPC{"v1", "old", ""}, Subnet: Subnet{"s1", "newer", "d"}, SecurityGroups: []SecurityGroup{{"g1", "named"}}}),
				networks(Interface{Subnet: Subnet{ID: "s1"}}),
			},
			want: resources{[]VPC{{"v1", "new", "10.0.0.0/8"}}, []SubnetUsage{{Subnet{"s1", "new", "c"}, "v1", 4}}, []SecurityGroup{{"g1", "named"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []*Record
			var counts ResourceCounts
			removed := networks(Interface{VPC: VPC{"v1", "a", "a"}, Subnet: Subnet{"s1", "a", "a"}, SecurityGroups: []SecurityGroup{{"g1", "a"}}})
			counts.Add(removed)
			for _, n := range tt.networks {
				records = append(records, &Record{Networks: n})
				counts.Add(n)
			}
			counts.Remove(removed)
			var got, counted resources
			got.VPCs, got.Subnets, got.Groups = Resources(records)
			counted.VPCs, counted.Subnets, counted.Groups = counts.Resources()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Resources (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, counted); diff != "" {
				t.Errorf("ResourceCounts after Add and Remove (-want +got)\n%s", diff)
			}
		})
	}
}
