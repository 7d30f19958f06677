// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Reading is how good what is known of a desktop is. A time that is zero never
// was.
type Reading struct {
	At      time.Time // its networks were asked for with success
	Failing time.Time // the first try since that failed
	Refused time.Time // the cloud has no networks for it, and is asked again after this
	Missing time.Time // the first incomplete list that lacked it
}

// Readings gives the readings of some desktops of a target, in the order of
// the records. It is for people who look at desktops: a scrape does without.
func (f *Fleet) Readings(name string, records []*inventory.Record) []Reading {
	for _, m := range f.current() {
		if m.Name == name {
			return m.engine.readings(records)
		}
	}
	return make([]Reading, len(records))
}

func (e *Engine) readings(records []*inventory.Record) []Reading {
	readings := make([]Reading, len(records))
	e.mu.Lock()
	defer e.mu.Unlock()
	desktops := e.state.desktops
	next := 0
	for i, r := range records {
		// Records mostly come as they are sorted here.
		if next >= len(desktops) || desktops[next].record.Desktop.ID != r.Desktop.ID {
			var found bool
			next, found = slices.BinarySearchFunc(desktops, r.Desktop.ID, func(d *desktop, id string) int {
				return cmp.Compare(d.record.Desktop.ID, id)
			})
			if !found {
				continue
			}
		}
		d := desktops[next]
		readings[i] = Reading{At: d.readAt, Failing: d.failedAt, Missing: d.missing}
		if d.refusals > 0 {
			readings[i].Refused = d.retryAt
		}
		next++
	}
	return readings
}
