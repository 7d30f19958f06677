// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"slices"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestCount(t *testing.T) {
	t.Parallel()
	h := newHistory()
	o := h.Observer("r", "", "")
	o.Observe(outage())
	o.Observe(&inventory.Snapshot{Health: inventory.Health{Listed: true}}) // no project ID
	if counts := h.Count(office); counts != nil {
		t.Errorf("counts before the first snapshot are %v, want nil", counts)
	}
	o.Observe(snapshot())
	if counts := h.Count(office); counts == nil || len(counts) != 0 {
		t.Errorf("counts without changes are %#v, want an empty map", counts)
	}
	h.Retain(nil)
	if counts := h.Count(office); counts != nil {
		t.Errorf("counts of a project without observers are %v, want nil", counts)
	}
}

// TestReload replaces observers, as a reload does. The last known state is kept
// unless the filter changes.
func TestReload(t *testing.T) {
	t.Parallel()
	h := newHistory()
	a := record("a", "a")
	first := h.Observer("r", "", "all")
	first.Observe(snapshot(a))

	second := h.Observer("r", "p", "all")
	first.Observe(snapshot(a, record("b", "b"))) // the only one that has observed a list
	second.Observe(outage())
	second.Observe(snapshot(a, record("c", "c")))
	first.Observe(snapshot(a, record("b", "b"))) // ignored, second takes precedence
	h.Retain([]*Observer{second})
	first.Observe(snapshot()) // ignored, retired
	second.Observe(snapshot(a))

	narrow := h.Observer("r", "p", "some")
	h.Retain([]*Observer{narrow})
	if h.Count(office) != nil {
		t.Error("the counts of a project without a scope are kept")
	}
	narrow.Observe(snapshot(record("x", "x")))
	narrow.Observe(snapshot(record("y", "y")))

	unknown := h.Observer("r", "", "some") // may turn out to have the same scope
	h.Retain([]*Observer{unknown})
	unknown.Observe(snapshot(record("z", "z")))

	changes := h.Changes()
	slices.Reverse(changes)
	want := []string{"b b appeared", "b b vanished", "c c appeared", "c c vanished", "x x vanished", "y y appeared", "y y vanished", "z z appeared"}
	if diff := cmp.Diff(want, lines(changes)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHistoryLimit(t *testing.T) {
	t.Parallel()
	h := New(Options{Logger: log.NewNopLogger(), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot())
	ids := func() string {
		text := ""
		for _, c := range h.Changes() {
			text += c.DesktopID
		}
		return text
	}
	var records []*inventory.Record
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		records = append(slices.Clone(records), record(id, ""))
		o.Observe(snapshot(records...))
	}
	o.Observe(snapshot(append(slices.Clone(records), record("f", ""), record("g", ""), record("h", ""), record("i", ""))...))
	got := []string{ids()}
	o.Observe(snapshot(records...))
	got = append(got, ids())
	h.Resize(2)
	got = append(got, ids())
	h.Resize(4)
	for _, id := range []string{"j", "k", "l"} {
		records = append(records, record(id, ""))
		o.Observe(incomplete(records...))
		got = append(got, ids())
	}
	h.Resize(0)
	o.Observe(incomplete(append(records, record("m", ""))...))
	got = append(got, ids())
	if diff := cmp.Diff([]string{"ihg", "ihg", "ih", "jih", "kjih", "lkji", ""}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := h.Count(office)[inventory.Appeared]; n != 13 {
		t.Errorf("%d appeared, want 13", n)
	}
}

func TestChangeTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	h := New(Options{Logger: log.NewNopLogger(), Limit: 1, Now: func() time.Time { return at }})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot())
	o.Observe(snapshot(record("d", "n")))
	want := []inventory.Change{{Time: at, Project: office, DesktopID: "d", DesktopName: "n", Kind: inventory.Appeared}}
	if diff := cmp.Diff(want, h.Changes()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
