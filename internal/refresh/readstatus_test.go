// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestReadStatuses(t *testing.T) {
	e := New(Options{Discovered: true, MaxStaleness: time.Hour})
	defer e.Close()
	at := func(minutes int) time.Time {
		return time.Unix(1_800_000_000, 0).Add(time.Duration(minutes) * time.Minute)
	}
	listing := func(ids ...string) (l []inventory.Desktop) {
		for _, id := range ids {
			l = append(l, inventory.Desktop{ID: id})
		}
		return l
	}
	e.state.mergeList(listing("fresh", "held", "missing", "new", "refused"), true, at(0))
	for _, d := range e.state.desktops {
		switch d.record.Desktop.ID {
		case "fresh", "missing":
			e.state.setNetworks(d, &inventory.Networks{}, at(2), nil)
		case "held":
			e.state.setNetworks(d, &inventory.Networks{}, at(1), nil)
			d.markFailed(at(2))
			d.markFailed(at(3))
		case "refused":
			d.markRefused(at(2))
		}
	}
	e.state.mergeList(listing("fresh", "held", "new", "refused"), false, at(4))

	f := &Fleet{members: []member{{Target{Name: "other"}, New(Options{})}, {Target{Name: "office"}, e}}}
	defer f.members[0].engine.Close()
	var records []*inventory.Record
	for _, d := range e.state.desktops {
		records = append(records, d.record)
	}
	want := []ReadStatus{
		{ReadAt: at(2)},
		{ReadAt: at(1), FailingSince: at(2)},
		{ReadAt: at(2), MissingSince: at(4)},
		{},
		{FailingSince: at(2), RefusedUntil: at(7)},
	}
	if diff := cmp.Diff(want, f.ReadStatuses("office", records)); diff != "" {
		t.Errorf("in order (-want +got)\n%s", diff)
	}
	gone := &inventory.Record{Desktop: inventory.Desktop{ID: "gone"}}
	records, want = append(records, gone), append(want, ReadStatus{})
	slices.Reverse(records)
	slices.Reverse(want)
	if diff := cmp.Diff(want, f.ReadStatuses("office", records)); diff != "" {
		t.Errorf("in any order (-want +got)\n%s", diff)
	}
	for _, name := range []string{"other", "unknown"} {
		if diff := cmp.Diff(make([]ReadStatus, len(records)), f.ReadStatuses(name, records)); diff != "" {
			t.Errorf("of another project, %s (-want +got)\n%s", name, diff)
		}
	}
}
