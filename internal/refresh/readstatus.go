// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// ReadStatus is how good what is known of a desktop is. A time that is zero never
// was.
type ReadStatus struct {
	ReadAt       time.Time // its networks were asked for with success
	FailingSince time.Time // the first try since that failed
	RefusedUntil time.Time // the cloud has no networks for it, and is asked again after this
	MissingSince time.Time // the first incomplete list that lacked it
}

// ReadStatuses gives the readings of some desktops of a target, in the order of
// the records. It is for people who look at desktops: a scrape does without.
func (f *Fleet) ReadStatuses(name string, records []*inventory.Record) []ReadStatus {
	for _, m := range f.currentMembers() {
		if m.Name == name {
			return m.engine.readStatuses(records)
		}
	}
	return make([]ReadStatus, len(records))
}

func (e *Engine) readStatuses(records []*inventory.Record) []ReadStatus {
	readings := make([]ReadStatus, len(records))
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
		readings[i] = ReadStatus{ReadAt: d.readAt, FailingSince: d.failedAt, MissingSince: d.missingSince}
		if d.refusals > 0 {
			readings[i].RefusedUntil = d.retryAt
		}
		next++
	}
	return readings
}
