// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// replaceNetworks returns a fault that replaces a part of each response of
// ShowDesktopNetworks.
func replaceNetworks(pattern, replacement string) simulator.Fault {
	part := regexp.MustCompile(pattern)
	return simulator.Fault{Operation: networks, RewriteBody: func(body []byte) []byte {
		return part.ReplaceAll(body, []byte(replacement))
	}}
}

// TestAbsentPartsAreUnknown removes parts that the service always sends: their
// series end, there is no change, and nothing else is affected. After that, a real
// change of the part is one change.
func TestAbsentPartsAreUnknown(t *testing.T) {
	t.Parallel()
	const (
		known  = "\nd1 nd1: 10.0.0.1/1.1.1.1+default\nd2 nd2: 10.0.0.2+default\nup=1 desktops=2 unresolved=0 stale=0"
		groups = `,?"security_groups":\[[^]]*\]`
		infos  = `,?"network_infos":\[.*?\]\}\]`
	)
	for name, tc := range map[string]struct {
		fault  simulator.Fault
		want   string // of the exposition
		groups int    // samples of desktop_security_groups
		json   string // in inventory.json
	}{
		"groups absent": {
			replaceNetworks(groups, ""),
			"\nd1 nd1: 10.0.0.1/1.1.1.1\nd2 nd2: 10.0.0.2\nup=1 desktops=2 unresolved=0 stale=0", 0, `"security_groups":null`,
		},
		"groups null": {
			replaceNetworks(groups, `,"security_groups":null`),
			"\nd1 nd1: 10.0.0.1/1.1.1.1\nd2 nd2: 10.0.0.2\nup=1 desktops=2 unresolved=0 stale=0", 0, `"security_groups":null`,
		},
		"interfaces absent": {
			replaceNetworks(infos, ""),
			"\nd1 nd1: 10.0.0.1/1.1.1.1+default\nd2 nd2: 10.0.0.2+default\nup=0 desktops=2 unresolved=0 stale=2", 2, `"interfaces":[`,
		},
		"interfaces null": {
			replaceNetworks(infos, `,"network_infos":null`),
			"\nd1 nd1: 10.0.0.1/1.1.1.1+default\nd2 nd2: 10.0.0.2+default\nup=0 desktops=2 unresolved=0 stale=2", 2, `"interfaces":[`,
		},
		"subnet absent": {
			replaceNetworks(`"subnet_info":\{[^}]*\},`, ""), known, 2, `"subnet":{"id":""`,
		},
		"address absent": {
			replaceNetworks(`,"ip_address":"[^"]*"`, ""),
			"\nd1 nd1: /1.1.1.1+default\nd2 nd2: +default\nup=1 desktops=2 unresolved=0 stale=0", 2, `"private_ip":""`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScenario(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
				s.WantDesktops(known)
				heal := s.Cloud.AddFault(tc.fault)
				time.Sleep(time.Minute)
				e := s.WantDesktops(tc.want)
				n := 0
				e.Each("desktop_security_groups", func(apptest.Labels, float64) { n++ })
				if n != tc.groups {
					t.Errorf("%d samples of desktop_security_groups, want %d", n, tc.groups)
				}
				if got := e.Sum("desktop_eips"); got != 1 {
					t.Errorf("%v EIPs, want 1: they are known", got)
				}
				if inventory := strings.ReplaceAll(s.Get("/inventory.json"), " ", ""); !strings.Contains(inventory, tc.json) {
					t.Errorf("the inventory lacks %s: %s", tc.json, inventory)
				}
				heal()
				time.Sleep(20 * time.Minute)
				s.WantDesktops(known)
				if got := s.changes(); got != "" {
					t.Errorf("changes %s, want none", got)
				}

				// It changes while it is unknown.
				heal = s.Cloud.AddFault(tc.fault)
				time.Sleep(time.Minute)
				s.Scrape()
				s.Cloud.UpdateDesktop(apptest.ProjectA, "d1", func(d *simulator.Desktop) {
					d.Interfaces[0].Groups = []simulator.Group{{ID: "sg2", Name: "office"}}
				})
				time.Sleep(time.Minute)
				s.Scrape()
				heal()
				time.Sleep(20 * time.Minute)
				s.Scrape()
				if got, want := s.changes(), "d1 security_groups_changed default>office"; got != want {
					t.Errorf("changes %s, want %s", got, want)
				}
			})
		})
	}
}

// TestEmptyListsAreNone: [] is an empty list, and no EIP is no EIP.
func TestEmptyListsAreNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
		s.Cloud.AddFault(replaceNetworks(`("public_ip_info":\{[^}]*\},)?"security_groups":\[[^]]*\]`, `"security_groups":[]`))
		time.Sleep(time.Minute)
		e := s.Scrape()
		n := 0
		e.Each("desktop_security_groups", func(_ apptest.Labels, v float64) {
			n++
			if v != 0 {
				t.Errorf("%v groups, want 0", v)
			}
		})
		if n != 2 {
			t.Errorf("%d samples of desktop_security_groups, want 2", n)
		}
		if got, want := s.changes(), "d2 security_groups_changed default>; d1 security_groups_changed default>; d1 eip_unbound 1.1.1.1>"; got != want {
			t.Errorf("changes %s, want %s", got, want)
		}
	})
}
