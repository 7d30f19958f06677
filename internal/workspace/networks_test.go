// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// TestRefusedDesktopsAreFound has a cloud that refuses batches because of some
// desktops, and counts the requests that find them.
func TestRefusedDesktopsAreFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		deleted  []int // indexes in the sorted batch
		maxCalls int
	}{
		{"none", nil, 1},
		{"the first", []int{0}, 15},
		{"the last", []int{99}, 15},
		{"one in the middle", []int{50}, 15},
		{"two adjacent", []int{40, 41}, 15},
		{"two far apart", []int{10, 90}, 29},
		{"three", []int{1, 33, 66}, 37},
		{"four", []int{0, 25, 50, 75}, 50},
	} {
		for status, unknown := range map[int]simulator.UnknownIDs{
			http.StatusNotFound: simulator.NotFoundUnknown, http.StatusBadRequest: simulator.RejectUnknown,
		} {
			t.Run(fmt.Sprintf("%s %d", tt.name, status), func(t *testing.T) {
				t.Parallel()
				fx := newFixture(t, fixtureOptions{simulator: simulator.Options{UnknownIDs: unknown}})
				ids := fx.setDesktops(100)
				var want []string
				for _, i := range tt.deleted {
					fx.sim.DeleteDesktop(testProject, ids[i])
					want = append(want, ids[i])
				}
				a, err := fx.project(nil).ReadNetworks(t.Context(), ids, false)
				if err != nil {
					t.Fatal(err)
				}
				if len(a.Networks) != 100-len(want) || len(a.Unresolved) != len(want) {
					t.Errorf("%d with networks and %d unresolved, want %d and %d", len(a.Networks), len(a.Unresolved), 100-len(want), len(want))
				}
				for _, id := range want {
					if f := a.Unresolved[id]; f == nil || f.Kind != inventory.Refused || f.Status != status {
						t.Errorf("%s: failure %v, want one of status %d", id, f, status)
					}
				}
				if n := fx.sim.CallCount(inventory.ShowDesktopNetworks); n > tt.maxCalls || n < 1 {
					t.Errorf("%d calls, want at most %d", n, tt.maxCalls)
				}
			})
		}
	}
}

// TestRefusedByCode: the code means "not found", but the status does not.
func TestRefusedByCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		code   string
	}{{500, "WKS.0202"}, {500, "WKS.0915"}, {200, "WKS.00010110"}} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			ids := fx.setDesktops(8)
			fx.sim.AddFault(simulator.Fault{
				Operation: inventory.ShowDesktopNetworks, DesktopID: ids[5], Status: tt.status,
				Body: simulator.WorkspaceError(tt.code, "m", "", ""),
			})
			a, err := fx.project(nil).ReadNetworks(t.Context(), ids, false)
			if err != nil {
				t.Fatal(err)
			}
			if f := a.Unresolved[ids[5]]; len(a.Networks) != 7 || f == nil || f.Code != tt.code {
				t.Errorf("%d with networks, failure of the refused one %v", len(a.Networks), f)
			}
			if len(fx.telemetry.retries) != 0 {
				t.Errorf("retries %v, want none", fx.telemetry.retries)
			}
		})
	}
}

// TestSplitBudgetOfRefusedBatches: if the cloud refuses every batch, the split
// budget limits the requests of all batches.
func TestSplitBudgetOfRefusedBatches(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	ids := fx.setDesktops(1000)
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, Status: http.StatusBadRequest})
	p := fx.project(nil)
	for i := range 10 {
		a, err := p.ReadNetworks(t.Context(), ids[i*100:(i+1)*100], false)
		var f *inventory.Failure
		if !errors.As(err, &f) || f.Kind != inventory.Refused || f.Status != http.StatusBadRequest {
			t.Errorf("batch %d: error %v, want the failure of the cloud", i, err)
		}
		if len(a.Networks) != 0 || len(a.Unresolved) > maxRefusals {
			t.Errorf("batch %d: %d networks, %d unresolved", i, len(a.Networks), len(a.Unresolved))
		}
	}
	if n := fx.sim.CallCount(inventory.ShowDesktopNetworks); n > 10+maxSplits {
		t.Errorf("%d calls for 10 refused batches, want at most %d", n, 10+maxSplits)
	}
}

func TestMissingDesktopsAreRequestedAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	ids := fx.setDesktops(10)
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, OmitIDs: []string{ids[3], ids[7]}, Times: 1})
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, OmitIDs: []string{ids[7]}, After: 1})
	a, err := fx.project(nil).ReadNetworks(t.Context(), ids, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Networks) != 9 || a.Networks[ids[3]] == nil {
		t.Errorf("%d with networks, want all but one", len(a.Networks))
	}
	if f := a.Unresolved[ids[7]]; len(a.Unresolved) != 1 || f == nil || f.Kind != inventory.Refused {
		t.Errorf("unresolved %v, want %s", a.Unresolved, ids[7])
	}
	var requested [][]string
	for _, c := range fx.sim.Calls() {
		requested = append(requested, c.IDs)
	}
	if diff := cmp.Diff([][]string{ids, {ids[3], ids[7]}}, requested); diff != "" {
		t.Errorf("requested (-want +got):\n%s", diff)
	}
}

func TestMalformedNetworks(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, Status: http.StatusOK, Body: []byte(
		`{"networks":[{"computer_id":"whole","network_infos":[]},{"computer_id":"other","network_infos":[]},{"computer_id":"broken","network_infos":5},{"computer_id":7},{"computer_id":"strange","network_infos":5}]}`)})
	a, err := fx.project(nil).ReadNetworks(t.Context(), []string{"whole", "broken", "whole"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]*inventory.Networks{"whole": {}}, a.Networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	if f := a.Unresolved["broken"]; len(a.Unresolved) != 1 || f == nil || f.Kind != inventory.Malformed {
		t.Errorf("unresolved %v, want the malformed one", a.Unresolved)
	}
	want := map[string]int{decode.ReasonNotRequested: 2, decode.ReasonMalformedDesktop: 2, decode.ReasonNoDesktopID: 1, decode.ReasonMalformedField: 3}
	if diff := cmp.Diff(want, fx.telemetry.dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if n := fx.sim.CallCount(inventory.ShowDesktopNetworks); n != 1 {
		t.Errorf("%d calls, want 1: malformed desktops are not requested again", n)
	}
}

// TestMalformedResponseLeavesDesktopsUnknown: if every desktop of a response is
// malformed, none is unresolved, because it would not be requested again soon.
func TestMalformedResponseLeavesDesktopsUnknown(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	ids := fx.setDesktops(10)
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, Status: http.StatusNotFound, Times: 1})
	fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, After: 1, Times: 1, RewriteBody: func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte(`"network_infos":[`), []byte(`"network_infos":5,"x":[`))
	}})
	p := fx.project(nil)
	a, err := p.ReadNetworks(t.Context(), ids, false)
	if f := requireFailure(t, err); f.Kind != inventory.Malformed || f.Detail != "response is malformed for every desktop" {
		t.Errorf("failure %v", &f)
	}
	if len(a.Networks) != 0 || len(a.Unresolved) != 0 {
		t.Errorf("%d with networks, unresolved %v; want neither", len(a.Networks), a.Unresolved)
	}
	if a, err := p.ReadNetworks(t.Context(), ids, false); err != nil || len(a.Networks) != 10 {
		t.Errorf("%d with networks after the fault, error %v", len(a.Networks), err)
	}
}

func TestBatchSizeLimits(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	ids := fx.setDesktops(101)
	p := fx.project(nil)
	if a, err := p.ReadNetworks(t.Context(), nil, false); err != nil || len(a.Networks) != 0 {
		t.Errorf("no IDs: %d networks, error %v", len(a.Networks), err)
	}
	var f *inventory.Failure
	if _, err := p.ReadNetworks(t.Context(), ids, false); !errors.As(err, &f) || f.Kind != inventory.Misconfigured {
		t.Errorf("too many IDs: error %v, want kind Misconfigured", err)
	}
	if n := fx.sim.CallCount(""); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

// TestPartialResultOfBatch: an error while a batch is split keeps the result so
// far.
func TestPartialResultOfBatch(t *testing.T) {
	t.Parallel()
	networks := map[string]*inventory.Networks{}
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprintf("d%02d", i)
		networks[ids[i]] = &inventory.Networks{}
	}
	broken := &inventory.Failure{Kind: inventory.Transient}
	b := batch{
		result:      inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}},
		splitBudget: &callBudget{now: time.Now, limit: 100},
		request: func(some []string) (map[string]*inventory.Networks, error) {
			got := map[string]*inventory.Networks{}
			for _, id := range some {
				if id == "d75" {
					return nil, broken
				}
				if id == "d10" {
					return nil, &inventory.Failure{Kind: inventory.Refused}
				}
				got[id] = networks[id]
			}
			return got, nil
		},
	}
	// The first request is refused, so that the error of the second half comes later.
	b.request = refuseFirst(b.request)
	if err := b.resolve(ids); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if len(b.result.Networks) != 49 || len(b.result.Unresolved) != 1 {
		t.Errorf("%d networks and %d unresolved, want those of the first half", len(b.result.Networks), len(b.result.Unresolved))
	}
}

// refuseFirst refuses the first request, and passes on the others.
func refuseFirst(request func([]string) (map[string]*inventory.Networks, error)) func([]string) (map[string]*inventory.Networks, error) {
	first := true
	return func(ids []string) (map[string]*inventory.Networks, error) {
		if first {
			first = false
			return nil, &inventory.Failure{Kind: inventory.Refused}
		}
		return request(ids)
	}
}

func TestCallBudget(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := callBudget{now: func() time.Time { return now }, limit: 2}
	var got []bool
	for range 3 {
		got = append(got, b.take())
	}
	now = now.Add(time.Minute)
	got = append(got, b.take())
	if !slices.Equal(got, []bool{true, true, false, true}) {
		t.Errorf("taken %v, want two per minute", got)
	}
}
