// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// Reservation is a number of slots that were acquired together. A nil
// Reservation has none. Its methods may be called concurrently.
type Reservation struct {
	limiter *Limiter
	tenant  any
	slots   int // not yet taken
}

// Take returns the permit to send one request. ok is false if no slot is left.
func (r *Reservation) Take() (permit *Permit, ok bool) {
	if r == nil {
		return nil, false
	}
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	if r.slots == 0 {
		return nil, false
	}
	r.slots--
	return &Permit{limiter: r.limiter, tenant: r.tenant}, true
}

// Release frees the slots that were not taken.
func (r *Reservation) Release() {
	if r == nil {
		return
	}
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	r.limiter.inFlight -= r.slots
	r.limiter.use(r.tenant, -r.slots)
	r.slots = 0
}

// Permit is the permission to send one request.
type Permit struct {
	limiter *Limiter
	tenant  any
}

// Throttled lowers the budget after a 429 response, and blocks all requests for
// the response's Retry-After; 0 means no pause.
func (p *Permit) Throttled(retryAfter time.Duration) { p.limiter.throttled(retryAfter) }

// Done ends the request. Its slot is available again a minute later. Done must
// be called once for each permit.
func (p *Permit) Done() {
	l := p.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.completed = append(l.completed, completedCall{p.tenant, l.now()})
}
