// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// ReadStatus is when and how the networks of a desktop were read. A zero time
// means never.
type ReadStatus struct {
	ReadAt       time.Time // last successful request
	FailingSince time.Time // first failed attempt since then
	RefusedUntil time.Time // the cloud refuses to return the networks; time of the next attempt
	MissingSince time.Time // first incomplete desktop list without the desktop
}

// ReadStatuses returns the status of desktops of a target, in the order of the
// records. It is for pages; scrapes do not use it.
func (f *Fleet) ReadStatuses(name string, records []*inventory.Record) []ReadStatus {
	for _, m := range f.currentMembers() {
		if m.Name == name {
			return m.engine.readStatuses(records)
		}
	}
	return make([]ReadStatus, len(records))
}

func (e *Engine) readStatuses(records []*inventory.Record) []ReadStatus {
	statuses := make([]ReadStatus, len(records))
	e.mu.Lock()
	defer e.mu.Unlock()
	desktops := e.state.desktops
	next := 0
	for i, r := range records {
		// Records are mostly in the order of the desktops.
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
		statuses[i] = ReadStatus{ReadAt: d.readAt, FailingSince: d.failedAt, MissingSince: d.missingSince}
		if d.refusals > 0 {
			statuses[i].RefusedUntil = d.retryAt
		}
		next++
	}
	return statuses
}
