// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestSelects looks at what no scene comes by.
func TestSelects(t *testing.T) {
	t.Parallel()
	match := func(source string) config.Regexp {
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
		want    verdict
	}{
		"a project of an account":               {config.Policy{Projects: match("brazil/.*")}, "brazil/sa-brazil-1", inventory.Record{}, yes},
		"a project of another account":          {config.Policy{Projects: match("brazil/.*")}, "peru/sa-peru-1", inventory.Record{}, no},
		"networks without an interface":         {config.Policy{VPCIDs: []string{"v"}}, "", inventory.Record{Networks: bare}, no},
		"networks unknown":                      {config.Policy{SubnetIDs: []string{"s"}}, "", inventory.Record{Listed: true}, unknown},
		"networks unknown, in another pool":     {config.Policy{SubnetIDs: []string{"s"}, PoolIDs: []string{"p"}}, "", inventory.Record{Listed: true}, no},
		"a tag without a value":                 {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true, Desktop: inventory.Desktop{Tags: []inventory.Tag{{Key: "k"}}}}, yes},
		"no such tag":                           {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true}, no},
		"a name by the networks alone":          {config.Policy{DesktopNames: match("n")}, "", inventory.Record{Networks: &inventory.Networks{Name: "n"}}, yes},
		"a name that nobody knows yet":          {config.Policy{DesktopNames: match("n?")}, "", inventory.Record{Listed: true}, unknown},
		"no name":                               {config.Policy{DesktopNames: match("n?")}, "", inventory.Record{Listed: true, Networks: bare}, yes},
		"a tag of a desktop that is not listed": {config.Policy{Tags: map[string]string{"k": "v"}}, "", inventory.Record{Networks: bare}, unknown},
	} {
		if got := selects(&tc.policy, inventory.Project{Name: tc.project}, &tc.record); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
