// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func TestRequestsOfFullRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ desktops, lists, networks int }{
		{0, 1, 0},
		{1, 1, 1},
		{99, 1, 1},
		{100, 1, 1},
		{101, 1, 2},
		{250, 1, 3},
		{999, 1, 10},
		{1000, 1, 10},
		{1001, 2, 11},
		{3000, 4, 30}, // pages overlap by one desktop
	} {
		t.Run(fmt.Sprint(tt.desktops), func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			ids := fx.setDesktops(tt.desktops)
			all, err := readProject(t.Context(), fx.project(nil))
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != len(ids) {
				t.Errorf("%d desktops with networks, want %d", len(all), len(ids))
			}
			if lists, networks := fx.sim.CallCount(inventory.ListDesktops), fx.sim.CallCount(inventory.ShowDesktopNetworks); lists != tt.lists || networks != tt.networks {
				t.Errorf("%d list calls and %d networks calls, want %d and %d", lists, networks, tt.lists, tt.networks)
			}
			requested := map[string]int{}
			for _, call := range fx.sim.Calls() {
				for _, id := range call.IDs {
					requested[id]++
				}
			}
			for _, id := range ids {
				if requested[id] != 1 {
					t.Errorf("%s was requested %d times", id, requested[id])
				}
			}
		})
	}
}

// TestAbsentValues reads the same desktops with every spelling of absent values.
func TestAbsentValues(t *testing.T) {
	t.Parallel()
	want := map[string]*inventory.Networks{
		"bare": {},
		"full": {
			Name: "full", IP: "10.0.0.2",
			Interfaces: []inventory.Interface{
				{PortID: "port-a", PrivateIP: "10.0.0.2", VPC: inventory.VPC{ID: "vpc", Name: "office", CIDR: "10.0.0.0/8"}},
				{
					PortID: "port-b", PrivateIP: "10.0.1.2",
					Subnet:         inventory.Subnet{ID: "subnet", Name: "first", CIDR: "10.0.1.0/24"},
					EIP:            inventory.EIP{ID: "eip", Address: "203.0.113.7"},
					SecurityGroups: []inventory.SecurityGroup{{ID: "a", Name: "x"}, {ID: "b", Name: "y"}},
				},
			},
		},
	}
	for name, absent := range map[string]simulator.AbsentValues{
		"omitted": simulator.OmitKey, "null": simulator.WriteNull,
		"empty": simulator.WriteEmpty, "blank": simulator.WriteBlank,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{simulator: simulator.Options{AbsentValues: absent}})
			fx.sim.SetDesktops(testProject, []simulator.Desktop{
				{ID: "bare"},
				{ID: "full", Name: "full", IP: "10.0.0.2", Interfaces: []simulator.Interface{
					{
						PortID: "port-b", PrivateIP: "10.0.1.2",
						Subnet: simulator.Subnet{ID: "subnet", Name: "first", CIDR: "10.0.1.0/24"},
						EIP:    &simulator.EIP{ID: "eip", Address: "203.0.113.7"},
						Groups: []simulator.Group{{ID: "b", Name: "y"}, {ID: "a", Name: "x"}},
					},
					{PortID: "port-a", PrivateIP: "10.0.0.2", VPC: simulator.VPC{ID: "vpc", Name: "office", CIDR: "10.0.0.0/8"}},
				}},
			})
			got, err := readProject(t.Context(), fx.project(nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("networks (-want +got):\n%s", diff)
			}
			if len(fx.telemetry.dropped) != 0 || fx.telemetry.sanitized != 0 {
				t.Errorf("dropped %v, sanitized %d; want none", fx.telemetry.dropped, fx.telemetry.sanitized)
			}
		})
	}
}

func TestListEIPBindings(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddProject(simulator.Project{
		ID: testProject, Region: testRegion, FreeEIPs: []simulator.EIP{{ID: "free", Address: "203.0.113.9"}},
	})
	fx.sim.SetDesktops(testProject, []simulator.Desktop{
		{ID: "none", Interfaces: []simulator.Interface{{PortID: "p"}}},
		{ID: "two", Interfaces: []simulator.Interface{
			{PortID: "q", EIP: &simulator.EIP{ID: "b", Address: "203.0.113.8"}},
			{PortID: "r", EIP: &simulator.EIP{ID: "a", Address: "203.0.113.10"}},
		}},
	})
	got, err := fx.project(nil).ListEIPBindings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inventory.EIPBindings{"two": "203.0.113.10,203.0.113.8"}, got); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if n := fx.sim.CallCount(inventory.ListDesktopsEips); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestConfiguredDesktopIDs(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	cfg := fx.config(nil)
	cfg.Desktops.IDs = []string{"b", "a", "b"}
	p, err := fx.client.Project(cfg, false, false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := p.ListDesktops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := desktopIDs(l); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("IDs %v, want a and b", got)
	}
	if n := fx.sim.CallCount(""); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}
