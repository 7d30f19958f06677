// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

func TestTagLabels(t *testing.T) {
	t.Parallel()
	// Dashboards use the suffixes: they must never change.
	for _, tt := range []struct {
		name string
		keys []string
		want map[string]string // label by key
	}{
		{"none", nil, nil},
		{"plain", []string{"team", "Owner", "a_b", "x1"}, map[string]string{"team": "tag_team", "Owner": "tag_Owner", "a_b": "tag_a_b", "x1": "tag_x1"}},
		{"duplicate", []string{"team", "team"}, map[string]string{"team": "tag_team"}},
		{"sanitized", []string{"cost-center", "a.b/c d"}, map[string]string{"cost-center": "tag_cost_center", "a.b/c d": "tag_a_b_c_d"}},
		{"reserved, empty, leading digit", []string{"__name__", "le", "", "1x"}, map[string]string{"__name__": "tag___name__", "le": "tag_le", "": "tag_", "1x": "tag_1x"}},
		{"Chinese", []string{"部门"}, map[string]string{"部门": "tag___"}},
		{"collision", []string{"a-b", "a.b"}, map[string]string{"a-b": "tag_a_b_b43643a5", "a.b": "tag_a_b_c22e0aea"}},
		{"collision, one without suffix", []string{"a-b", "a.b", "a_b"}, map[string]string{"a-b": "tag_a_b_b43643a5", "a.b": "tag_a_b_c22e0aea", "a_b": "tag_a_b"}},
		{"collision in Chinese", []string{"部门", "成本", "__"}, map[string]string{"部门": "tag____d2cebbbf", "成本": "tag____57aac707", "__": "tag___"}},
		{
			"collision with suffixes",
			[]string{"a-b", "a.b", "a_b_conflict1", "a_b_b43643a5"},
			map[string]string{"a-b": "tag_a_b_32d4128a", "a.b": "tag_a_b_c22e0aea", "a_b_conflict1": "tag_a_b_conflict1", "a_b_b43643a5": "tag_a_b_b43643a5"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			labels := tagLabels(tt.keys)
			got := make(map[string]string)
			for _, l := range labels {
				got[l.key] = l.name
				if !model.LegacyValidation.IsValidLabelName(l.name) || strings.HasPrefix(l.name, "__") {
					t.Errorf("%q is converted to %q, which is not a label name", l.key, l.name)
				}
			}
			if len(got) != len(labels) {
				t.Errorf("a key has two labels: %v", labels)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && len(got)+len(tt.want) > 0 {
				t.Errorf("(-want +got)\n%s", diff)
			}
			backwards := slices.Clone(tt.keys)
			slices.Reverse(backwards)
			if !slices.Equal(tagLabels(backwards), labels) {
				t.Error("the order of the keys changes the labels")
			}
		})
	}
}

// These keys are converted to few names, which collide with suffixed ones.
func TestTagLabelsAreUnique(t *testing.T) {
	t.Parallel()
	g := inventorytest.NewGenerator(1)
	for range 300 {
		var keys []string
		for range 1 + g.IntN(8) {
			key := strings.Map(func(r rune) rune { return []rune("a-._b部")[r%6] }, g.ID()[:1+g.IntN(3)])
			keys = append(keys, key, inventory.LabelName(key)+"_"+keyHash(key, g.IntN(2)))
		}
		names := make(map[string]string)
		for _, l := range tagLabels(keys) {
			if other, taken := names[l.name]; taken {
				t.Fatalf("keys %q: %q and %q have the same label %s", keys, other, l.key, l.name)
			}
			names[l.name] = l.key
		}
		for _, key := range keys {
			if !slices.ContainsFunc(tagLabels(keys), func(l tagLabel) bool { return l.key == key }) {
				t.Fatalf("keys %q: %q has no label", keys, key)
			}
		}
	}
}
