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

// What is read after a restart is compared with what was known before it.
func TestWhatIsToldAfterARestart(t *testing.T) {
	t.Parallel()
	type snapshots = []*inventory.Snapshot
	d1 := record("d1", "ana", "10.0.0.1 eip=1.1.1.1")
	for _, tt := range []struct {
		name          string
		before, after snapshots
		want          []string // the newest first
	}{
		{"nothing", snapshots{snapshot(d1)}, snapshots{snapshot(record("d1", "ana", "10.0.0.1 eip=1.1.1.1"))}, nil},
		{"all went", snapshots{snapshot(d1)}, snapshots{snapshot(), snapshot()}, []string{"d1 ana vanished"}},
		{"an outage", snapshots{snapshot(d1)}, snapshots{outage(), incomplete(), snapshot(d1)}, nil},
		{"one came to an empty fleet", snapshots{snapshot()}, snapshots{snapshot(d1)}, []string{"d1 ana appeared"}},
		{"one came, and it was never known who is there", snapshots{incomplete()}, snapshots{snapshot(d1)}, nil},
		{
			"changes on both sides",
			snapshots{snapshot(d1), snapshot(record("d1", "ana", "10.0.0.1"))},
			snapshots{snapshot(record("d1", "bea", "10.0.0.1 eip=2.2.2.2"))},
			[]string{`d1 bea eip_bound "" to "2.2.2.2"`, `d1 bea renamed "ana" to "bea"`, `d1 ana eip_unbound "1.1.1.1" to ""`},
		},
		{
			"networks were not known at the end",
			snapshots{snapshot(d1), snapshot(record("d1", "ana"))},
			snapshots{snapshot(record("d1", "ana", "10.0.0.1"))},
			[]string{`d1 ana eip_unbound "1.1.1.1" to ""`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := history()
			o := h.Observer("r", "p", "all")
			for _, s := range tt.before {
				o.Observe(s)
			}
			// Two restarts, of which the first reads nothing.
			for range 2 {
				m := h.State(time.Hour)
				h = history()
				h.Restore(m)
				o = h.Observer("r", "p", "all")
				h.Retain([]*Observer{o})
			}
			for _, s := range tt.after {
				o.Observe(s)
			}
			if diff := cmp.Diff(tt.want, told(h.Changes())); diff != "" {
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

// What nobody reads any more is forgotten in the end, with its counts.
func TestWhatIsNotReadIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := history()
		o := h.Observer("r", "p", "all")
		o.Observe(snapshot())
		o.Observe(snapshot(record("d1", "ana")))
		known := func(h *History) string {
			return fmt.Sprint(len(h.State(time.Hour).Scopes), maps.Clone(h.Count(office)))
		}
		recall := func(m State) *History {
			h := history()
			h.Restore(m)
			h.Retain(nil) // the project's account is not listed yet, or it is no longer configured
			return h
		}
		h = recall(h.State(time.Hour))
		if got := known(h); got != "1 map[appeared:1]" {
			t.Errorf("known is %s", got)
		}
		time.Sleep(time.Hour)
		h = recall(h.State(time.Hour))
		if got := known(h); got != "1 map[appeared:1]" {
			t.Errorf("after an hour, known is %s", got)
		}
		time.Sleep(time.Nanosecond)
		h = recall(h.State(time.Hour))
		if got := known(h); got != "0 map[]" {
			t.Errorf("after more than an hour, known is %s", got)
		}
		if got := told(h.Changes()); len(got) != 1 {
			t.Errorf("what was told is %q", got)
		}
	})
}
