// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// journal keeps the newest changes: a ring, once it is full.
type journal struct {
	limit int
	ring  []inventory.Change
	next  int // where the next one goes, in a full ring
}

func (j *journal) add(changes []inventory.Change) {
	if len(changes) > j.limit {
		changes = changes[len(changes)-j.limit:]
	}
	for _, c := range changes {
		if len(j.ring) < j.limit {
			j.ring = append(j.ring, c)
			continue
		}
		j.ring[j.next] = c
		j.next = (j.next + 1) % j.limit
	}
}

// resize changes how many are kept: the newest.
func (j *journal) resize(limit int) {
	kept := j.oldestFirst()
	j.limit, j.ring, j.next = limit, slices.Clone(kept[max(0, len(kept)-limit):]), 0
}

// oldestFirst gives a copy.
func (j *journal) oldestFirst() []inventory.Change {
	return slices.Concat(j.ring[j.next:], j.ring[:j.next])
}

// newestFirst gives a copy.
func (j *journal) newestFirst() []inventory.Change {
	all := j.oldestFirst()
	slices.Reverse(all)
	return all
}
