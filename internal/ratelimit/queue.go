// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"slices"
	"time"
)

// returnGrace is how late a tenant may return to the place that is held for it.
const returnGrace = 5 * time.Second

// waiter is a place in the queue: of a request that waits, or of a tenant that
// is expected back.
type waiter struct {
	Request
	heldUntil time.Time // of a tenant that is expected back; zero: the request waits
}

// queue has the waiters in the order of their arrival. It includes tenants that
// did not wait: else a tenant that never gets slots within its MaxWait would
// find them taken whenever it returns.
type queue []*waiter

// enqueue returns the place that is held for the tenant, or a new one at the
// end.
func (q *queue) enqueue(r Request) *waiter {
	for _, w := range *q {
		if w.isHeldFor(r) {
			w.Request, w.heldUntil = r, time.Time{}
			return w
		}
	}
	w := &waiter{Request: r}
	*q = append(*q, w)
	return w
}

func (w *waiter) isHeldFor(r Request) bool {
	return r.Tenant != nil && w.Tenant == r.Tenant && w.Urgent == r.Urgent && !w.heldUntil.IsZero()
}

// remove removes a waiter.
func (q *queue) remove(w *waiter) {
	*q = slices.DeleteFunc(*q, func(o *waiter) bool { return o == w })
}

// hold reserves the place for a tenant that is to return at a time. A tenant has one
// such place, however many of its requests were rejected.
func (q *queue) hold(w *waiter, until time.Time) {
	if w.Tenant == nil || slices.ContainsFunc(*q, func(o *waiter) bool { return o.isHeldFor(w.Request) }) {
		q.remove(w)
		return
	}
	w.heldUntil = until.Add(returnGrace)
}

// slotsAhead returns the number of slots that go to other waiters first.
// Precedence: urgent first, then the tenant with fewer slots in the last minute
// (pending ones included), then arrival.
func (q *queue) slotsAhead(w *waiter, inUse map[any]int) int {
	own := inUse[w.Tenant] // slots of w's tenant when it is w's turn
	for _, o := range *q {
		if o == w {
			break
		}
		if o.Tenant == w.Tenant && o.Urgent == w.Urgent {
			own += o.Slots
		}
	}
	n := 0
	earlier := true
	pending := map[any]int{} // slots of other tenants' waiters that were passed
	for _, o := range *q {
		if o == w {
			earlier = false
			continue
		}
		if o.Urgent != w.Urgent {
			if o.Urgent {
				n += o.Slots
			}
			continue
		}
		other := inUse[o.Tenant] + pending[o.Tenant]
		pending[o.Tenant] += o.Slots
		switch {
		case o.Tenant == w.Tenant || other == own:
			if earlier {
				n += o.Slots
			}
		case other < own:
			n += o.Slots
		}
	}
	return n
}

// expire removes the places of tenants that did not return.
func (q *queue) expire(now time.Time) {
	*q = slices.DeleteFunc(*q, func(w *waiter) bool { return !w.heldUntil.IsZero() && now.After(w.heldUntil) })
}
