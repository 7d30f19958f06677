// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// ring keeps the newest changes: a ring, once it is full.
type ring struct {
	limit   int
	entries []inventory.Change
	next    int // where the next one goes, in a full ring
}

func (j *ring) add(changes []inventory.Change) {
	if len(changes) > j.limit {
		changes = changes[len(changes)-j.limit:]
	}
	for _, c := range changes {
		if len(j.entries) < j.limit {
			j.entries = append(j.entries, c)
			continue
		}
		j.entries[j.next] = c
		j.next = (j.next + 1) % j.limit
	}
}

// resize changes how many are kept: the newest.
func (j *ring) resize(limit int) {
	kept := j.oldestFirst()
	j.limit, j.entries, j.next = limit, slices.Clone(kept[max(0, len(kept)-limit):]), 0
}

// oldestFirst gives a copy.
func (j *ring) oldestFirst() []inventory.Change {
	return slices.Concat(j.entries[j.next:], j.entries[:j.next])
}

// newestFirst gives a copy.
func (j *ring) newestFirst() []inventory.Change {
	all := j.oldestFirst()
	slices.Reverse(all)
	return all
}
