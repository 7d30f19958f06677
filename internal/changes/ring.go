// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// ring is a ring buffer of the newest changes. It grows up to its limit.
type ring struct {
	limit   int
	entries []inventory.Change
	next    int // index of the oldest entry once the ring is full
}

func (r *ring) add(changes []inventory.Change) {
	if len(changes) > r.limit {
		changes = changes[len(changes)-r.limit:]
	}
	for _, c := range changes {
		if len(r.entries) < r.limit {
			r.entries = append(r.entries, c)
			continue
		}
		r.entries[r.next] = c
		r.next = (r.next + 1) % r.limit
	}
}

// resize sets the limit, and drops the oldest entries above it.
func (r *ring) resize(limit int) {
	entries := r.oldestFirst()
	r.limit, r.entries, r.next = limit, slices.Clone(entries[max(0, len(entries)-limit):]), 0
}

// oldestFirst returns a copy of the entries.
func (r *ring) oldestFirst() []inventory.Change {
	return slices.Concat(r.entries[r.next:], r.entries[:r.next])
}

// newestFirst returns a copy of the entries.
func (r *ring) newestFirst() []inventory.Change {
	entries := r.oldestFirst()
	slices.Reverse(entries)
	return entries
}
