// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestEvaluate checks cases that no scenario test of package app has.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	regexp := func(source string) config.Regexp {
		r, err := config.NewRegexp(source)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	bare := &inventory.Networks{}
	for name, tc := range map[string]struct {
		policy  config.Policy
		project string
		record  inventory.Record
		want    matchResult
	}{
		"a project of an account":               {config.Policy{Projects: regexp("brazil/.*")}, "brazil/sa-brazil-1", inventory.Record{}, match},
		"a project of another account":          {config.Policy{Projects: regexp("brazil/.*")}, "peru/sa-peru-1", inventory.Record{}, noMatch},
		"networks without an interface":         {config.Policy{VPCIDs: []string{"v"}}, "", inventory.Record{Networks: bare}, noMatch},
		"networks unknown":                      {config.Policy{SubnetIDs: []string{"s"}}, "", inventory.Record{Listed: true}, unknownMatch},
		"networks unknown, in another pool":     {config.Policy{SubnetIDs: []string{"s"}, PoolIDs: []string{"p"}}, "", inventory.Record{Listed: true}, noMatch},
		"a tag without a value":                 {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true, Desktop: inventory.Desktop{Tags: []inventory.Tag{{Key: "k"}}}}, match},
		"no such tag":                           {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true}, noMatch},
		"a name by the networks alone":          {config.Policy{DesktopNames: regexp("n")}, "", inventory.Record{Networks: &inventory.Networks{Name: "n"}}, match},
		"a name that is unknown":                {config.Policy{DesktopNames: regexp("n?")}, "", inventory.Record{Listed: true}, unknownMatch},
		"no name":                               {config.Policy{DesktopNames: regexp("n?")}, "", inventory.Record{Listed: true, Networks: bare}, match},
		"a tag of a desktop that is not listed": {config.Policy{Tags: map[string]string{"k": "v"}}, "", inventory.Record{Networks: bare}, unknownMatch},
	} {
		if got := evaluate(&tc.policy, inventory.Project{Name: tc.project}, &tc.record); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
