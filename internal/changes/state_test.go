// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestRestart asserts that the first snapshots after a restart are compared with
// the last known state before it.
func TestRestart(t *testing.T) {
	t.Parallel()
	type snapshots = []*inventory.Snapshot
	d1 := record("d1", "ana", "10.0.0.1 eip=1.1.1.1")
	for _, tt := range []struct {
		name          string
		before, after snapshots
		want          []string // the newest first
	}{
		{"unchanged", snapshots{snapshot(d1)}, snapshots{snapshot(record("d1", "ana", "10.0.0.1 eip=1.1.1.1"))}, nil},
		{"all vanished", snapshots{snapshot(d1)}, snapshots{snapshot(), snapshot()}, []string{"d1 ana vanished"}},
		{"outage", snapshots{snapshot(d1)}, snapshots{outage(), incomplete(), snapshot(d1)}, nil},
		{"first desktop", snapshots{snapshot()}, snapshots{snapshot(d1)}, []string{"d1 ana appeared"}},
		{"no complete list before", snapshots{incomplete()}, snapshots{snapshot(d1)}, nil},
		{
			"changes before and after",
			snapshots{snapshot(d1), snapshot(record("d1", "ana", "10.0.0.1"))},
			snapshots{snapshot(record("d1", "bea", "10.0.0.1 eip=2.2.2.2"))},
			[]string{`d1 bea eip_bound "" to "2.2.2.2"`, `d1 bea renamed "ana" to "bea"`, `d1 ana eip_unbound "1.1.1.1" to ""`},
		},
		{
			"networks unknown before the restart",
			snapshots{snapshot(d1), snapshot(record("d1", "ana"))},
			snapshots{snapshot(record("d1", "ana", "10.0.0.1"))},
			[]string{`d1 ana eip_unbound "1.1.1.1" to ""`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			o := h.Observer("r", "p", "all")
			for _, s := range tt.before {
				o.Observe(s)
			}
			// Two restarts, the first without a snapshot.
			for range 2 {
				state := h.State(time.Hour)
				h = newHistory()
				h.Restore(state)
				o = h.Observer("r", "p", "all")
				h.Retain([]*Observer{o})
			}
			for _, s := range tt.after {
				o.Observe(s)
			}
			if diff := cmp.Diff(tt.want, lines(h.Changes())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			total := uint64(0)
			for _, n := range h.Count(office) {
				total += n
			}
			if total != uint64(len(tt.want)) {
				t.Errorf("%d changes counted, want %d", total, len(tt.want))
			}
		})
	}
}

// TestStateMaxAge asserts that scopes without an observer, and their counts, are
// dropped after maxAge.
func TestStateMaxAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHistory()
		o := h.Observer("r", "p", "all")
		o.Observe(snapshot())
		o.Observe(snapshot(record("d1", "ana")))
		describe := func(h *History) string {
			return fmt.Sprint(len(h.State(time.Hour).Scopes), maps.Clone(h.Count(office)))
		}
		restart := func(state State) *History {
			h := newHistory()
			h.Restore(state)
			h.Retain(nil) // as if its account is not listed yet, or no longer configured
			return h
		}
		h = restart(h.State(time.Hour))
		if got := describe(h); got != "1 map[appeared:1]" {
			t.Errorf("state is %s", got)
		}
		time.Sleep(time.Hour)
		h = restart(h.State(time.Hour))
		if got := describe(h); got != "1 map[appeared:1]" {
			t.Errorf("after an hour, the state is %s", got)
		}
		time.Sleep(time.Nanosecond)
		h = restart(h.State(time.Hour))
		if got := describe(h); got != "0 map[]" {
			t.Errorf("after more than an hour, the state is %s", got)
		}
		if got := lines(h.Changes()); len(got) != 1 {
			t.Errorf("changes are %q, want one", got)
		}
	})
}
