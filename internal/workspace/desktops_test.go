// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestInconsistentLists: the failure is returned with the desktops that were read.
func TestInconsistentLists(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		size     int
		fault    simulator.Fault
		desktops int
		detail   string
	}{
		{"total too large", 250, simulator.Fault{TotalCountDelta: 3}, 250, "list changed while it was read: 250 desktops read in 3 attempts, total_count is 253"},
		{"total too small", 2500, simulator.Fault{TotalCountDelta: -3}, 2500, "list changed while it was read: 2500 desktops read in 3 attempts, total_count is 2497"},
		{"always the first page", 2500, simulator.Fault{RepeatPage: true}, 1000, "list changed while it was read: 1000 desktops read in 3 attempts, total_count is 2500"},
		{"always empty", 250, simulator.Fault{EmptyPage: true}, 0, "list changed while it was read: 0 desktops read in 3 attempts, total_count is 250"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			fx.setDesktops(tt.size)
			fx.sim.AddFault(tt.fault)
			l, err := fx.project(nil).ListDesktops(t.Context())
			f := requireFailure(t, err)
			if f.Kind != inventory.Incomplete || f.Detail != tt.detail || f.Operation != inventory.ListDesktops {
				t.Errorf("failure %v, want %q", &f, tt.detail)
			}
			if len(l) != tt.desktops {
				t.Errorf("%d desktops with the failure, want %d", len(l), tt.desktops)
			}
			if n := fx.sim.CallCount(inventory.ListDesktops); n > 15 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestListChangesWhileRead deletes and creates desktops between two pages.
func TestListChangesWhileRead(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.setDesktops(2500)
	all := fx.sim.Desktops(testProject)
	var once sync.Once
	fx.sim.OnCall(func(c simulator.Call) {
		if c.Query().Get("offset") != "0" {
			once.Do(func() {
				for _, d := range all[10:20] {
					fx.sim.DeleteDesktop(testProject, d.ID)
				}
				fx.sim.PutDesktop(testProject, simulator.Desktop{ID: "new"})
			})
		}
	})
	l, err := fx.project(nil).ListDesktops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"new"}
	for i, d := range all {
		if i < 10 || i >= 20 {
			want = append(want, d.ID)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, desktopIDs(l)); diff != "" {
		t.Errorf("desktops (-want +got):\n%s", diff)
	}
}

// TestInvalidUTF8: invalid strings are replaced and counted, in the list and in
// the networks.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	long := strings.Repeat("长", 20_000)
	fx.sim.SetDesktops(testProject, []simulator.Desktop{
		{ID: "gbk", Name: "\xd7\xc0\xc3\xe6", Status: "ACTIVE", Tags: []simulator.Tag{{Key: "\xff", Value: "v"}}, Users: []simulator.User{{Name: "zoe"}}},
		{ID: "odd", Name: "\"\\\n😀\x00", Tags: []simulator.Tag{{Key: "k", Value: "v"}, {Key: "k"}}},
		{ID: "long", Name: long},
	})
	p, err := fx.client.Project(fx.config(nil), true, true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := p.ListDesktops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Desktop{
		{ID: "gbk", Name: "\ufffd\ufffd\ufffd\ufffd", Status: "ACTIVE", Tags: []inventory.Tag{{Key: "\ufffd", Value: "v"}}, Users: []string{"zoe"}},
		{ID: "long", Name: long},
		{ID: "odd", Name: "\"\\\n😀\x00", Tags: []inventory.Tag{{Key: "k"}, {Key: "k", Value: "v"}}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("desktops (-want +got):\n%s", diff)
	}
	a, err := p.ReadNetworks(t.Context(), []string{"gbk", "long", "odd"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range want {
		if n := a.Networks[d.ID]; n == nil || n.Name != d.Name {
			t.Errorf("%s: networks %+v, want the same name", d.ID, n)
		}
	}
	if fx.telemetry.sanitized != 3 {
		t.Errorf("%d strings sanitized, want 3: a name twice, a tag", fx.telemetry.sanitized)
	}
}

// TestPagesAreRequestedConcurrently, up to the configured concurrency.
func TestPagesAreRequestedConcurrently(t *testing.T) {
	t.Parallel()
	for concurrency, want := range map[int]time.Duration{1: 2 * time.Second, 3: 800 * time.Millisecond, 9: 400 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			fx := newInMemoryFixture(t, simulator.Options{})
			fx.setDesktops(9500) // ten pages
			fx.sim.AddFault(simulator.Fault{Latency: 200 * time.Millisecond})
			p := fx.project(func(c *config.Project) { c.Limits.Concurrency = concurrency })
			start := time.Now()
			if _, err := p.ListDesktops(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("concurrency %d: took %s, want %s", concurrency, took, want)
			}
			if n := fx.sim.MaxInFlight(); n != concurrency {
				t.Errorf("concurrency %d: %d concurrent calls", concurrency, n)
			}
		})
	}
}
