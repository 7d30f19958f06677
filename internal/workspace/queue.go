// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"slices"
	"time"
)

// expected is how late a caller that was sent away may come back.
const expected = 5 * time.Second

// place is a caller's place in the queue for slots: of one that waits there, or
// of one that was sent away and is expected back.
type place struct {
	demand
	kept time.Time // for one that was sent away, until then; zero: it waits there
}

// queue has those who want slots, as they came. It also remembers callers that
// would not wait that long: else one whose turn never comes within its patience
// would find the slots gone each time that it comes back.
type queue []*place

// join gives a caller the place that is kept for it, or one at the end.
func (q *queue) join(d demand) *place {
	for _, p := range *q {
		if p.isKeptFor(d) {
			p.demand, p.kept = d, time.Time{}
			return p
		}
	}
	p := &place{demand: d}
	*q = append(*q, p)
	return p
}

func (p *place) isKeptFor(d demand) bool {
	return d.who != nil && p.who == d.who && p.reserve == d.reserve && !p.kept.IsZero()
}

// leave gives a place up.
func (q *queue) leave(p *place) {
	*q = slices.DeleteFunc(*q, func(o *place) bool { return o == p })
}

// keep keeps a place for a caller that is to come back then. However much a
// caller asks for at once, it has one place while it is away.
func (q *queue) keep(p *place, back time.Time) {
	if p.who == nil || slices.ContainsFunc(*q, func(o *place) bool { return o.isKeptFor(p.demand) }) {
		q.leave(p)
		return
	}
	p.kept = back.Add(expected)
}

// ahead counts the slots that go to others first. Who is in a hurry goes before
// who is not; else who has had fewer slots in the last minute, counting those
// that it is to get before; else who came earlier.
func (q *queue) ahead(p *place, held map[any]int) int {
	turn := held[p.who] // how many p's caller has had when it is p's turn
	for _, o := range *q {
		if o == p {
			break
		}
		if o.who == p.who && o.reserve == p.reserve {
			turn += o.slots
		}
	}
	n := 0
	earlier := true
	had := map[any]int{} // what others have had when it is the turn of the next of their places
	for _, o := range *q {
		if o == p {
			earlier = false
			continue
		}
		if o.reserve != p.reserve {
			if p.reserve {
				n += o.slots
			}
			continue
		}
		before := held[o.who] + had[o.who]
		had[o.who] += o.slots
		switch {
		case o.who == p.who || before == turn:
			if earlier {
				n += o.slots
			}
		case before < turn:
			n += o.slots
		}
	}
	return n
}

// forget gives up the places of those who did not come back.
func (q *queue) forget(now time.Time) {
	*q = slices.DeleteFunc(*q, func(p *place) bool { return !p.kept.IsZero() && now.After(p.kept) })
}
