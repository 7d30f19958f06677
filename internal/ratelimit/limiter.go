// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// window is the cloud's minute, plus a margin for the error of two clocks.
const window = time.Minute + 20*time.Millisecond

// The budget after 429 responses, as factors of the configured limit.
const (
	minBudgetFactor = 1.0 / 6
	budgetGrowth    = 1.0 / 10         // for each minute without a 429
	decreaseEvery   = 10 * time.Second // requests that are in flight together are throttled together
)

// Limiter limits the requests a minute of one user to one API at one endpoint.
// A request uses its slot until one minute after it completed: the cloud counts
// it at some time between its start and its end, so no sliding minute of the
// cloud's can contain more requests than there are slots. All slots may be used
// at once.
type Limiter struct {
	now func() time.Time

	mu           sync.Mutex
	limit        int             // configured, as of the last request
	inFlight     int             // slots that are reserved, or whose request has not completed
	completed    []completedCall // uses of the other slots, in the order of completion
	inUse        map[any]int     // slots in flight or completed, by tenant
	queue        queue
	budgetFactor float64
	quietSince   time.Time // the last growth of budgetFactor, or the last 429
	lastDecrease time.Time
	blockedUntil time.Time // by Retry-After
}

// completedCall is a request that completed less than a window ago.
type completedCall struct {
	tenant any
	at     time.Time
}

// NewLimiter returns a limiter with all its slots available.
func NewLimiter(now func() time.Time) *Limiter {
	return &Limiter{now: now, inUse: map[any]int{}, budgetFactor: 1}
}

// Request is what a caller wants from a Limiter.
type Request struct {
	Tenant  any           // shares the slots fairly with other tenants; nil: none in particular
	Limit   int           // configured requests per minute
	Slots   int           // to be reserved together
	Urgent  bool          // may use the reserve, and goes first
	MaxWait time.Duration // a longer wait is an error instead
}

// ExceededError is the error of a request that would have to wait too long for
// slots. It is no failure: the caller should come back then.
type ExceededError struct{ Until time.Time }

// Error returns a message with the time.
func (e *ExceededError) Error() string {
	return fmt.Sprintf("quota exceeded until %s", e.Until.Format(time.RFC3339))
}

// BlockedError is the error of a request that would have to wait too long for
// the end of a Retry-After.
type BlockedError struct{ Until time.Time }

// Error returns a message with the time.
func (e *BlockedError) Error() string {
	return "blocked by the cloud's Retry-After until " + e.Until.UTC().Format(time.TimeOnly) + " UTC"
}

// Acquire reserves slots and returns how long that took. If they would come
// later than MaxWait or the context allows, Acquire does not wait: it returns an
// [ExceededError] or, where the cloud's Retry-After is the cause, a
// [BlockedError]. If the context ends meanwhile, it returns the context's error.
func (l *Limiter) Acquire(ctx context.Context, r Request) (*Reservation, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	start := l.now()
	l.queue.expire(start)
	w := l.queue.enqueue(r)
	for {
		now := l.now()
		until := l.availableAt(now, w)
		if !until.After(now) {
			l.queue.remove(w)
			l.inFlight += r.Slots
			l.use(r.Tenant, r.Slots)
			return &Reservation{limiter: l, tenant: r.Tenant, slots: r.Slots}, now.Sub(start), nil
		}
		deadline, bounded := ctx.Deadline()
		if until.Sub(start) > r.MaxWait || bounded && until.After(deadline) {
			if !l.blockedUntil.Before(until) { // our own budget is not the cause
				l.queue.remove(w)
				return nil, now.Sub(start), &BlockedError{l.blockedUntil}
			}
			l.queue.hold(w, until)
			return nil, now.Sub(start), &ExceededError{until}
		}
		l.mu.Unlock()
		err := Sleep(ctx, until.Sub(now))
		l.mu.Lock()
		if err != nil {
			l.queue.remove(w)
			return nil, l.now().Sub(start), err
		}
	}
}

// availableAt returns when the slots of a waiter are available, if all waiters
// ahead of it are served.
func (l *Limiter) availableAt(now time.Time, w *waiter) time.Time {
	l.dropExpired(now)
	l.limit = w.Limit
	budget := l.budget(now, w.Limit)
	if !w.Urgent {
		budget -= reserve(budget)
	}
	until := now
	// A completed request frees its slot a window after its completion; a request
	// in flight does so a window from now at the earliest.
	switch missing := l.inFlight + len(l.completed) + l.queue.slotsAhead(w, l.inUse) + w.Slots - budget; {
	case missing > len(l.completed):
		until = now.Add(window)
	case missing > 0:
		until = l.completed[missing-1].at.Add(window)
	}
	if l.blockedUntil.After(until) {
		until = l.blockedUntil
	}
	return until
}

// reserve returns the part of a budget that only urgent requests may use.
func reserve(budget int) int {
	if budget < 20 {
		return 0
	}
	return budget / 20
}

// budget returns the number of slots: the configured limit, less after 429s.
func (l *Limiter) budget(now time.Time, limit int) int {
	if l.budgetFactor < 1 {
		minutes := int(now.Sub(l.quietSince) / time.Minute)
		if minutes > 0 {
			l.budgetFactor = min(1, l.budgetFactor+float64(minutes)*budgetGrowth)
			l.quietSince = l.quietSince.Add(time.Duration(minutes) * time.Minute)
		}
	}
	return max(1, int(float64(limit)*l.budgetFactor+1e-9))
}

// dropExpired frees the slots of requests that completed a window ago.
func (l *Limiter) dropExpired(now time.Time) {
	n := 0
	for n < len(l.completed) && now.Sub(l.completed[n].at) >= window {
		l.use(l.completed[n].tenant, -1)
		n++
	}
	if n > 0 {
		l.completed = slices.Delete(l.completed, 0, n)
	}
}

// use adds n to the slots in use by a tenant.
func (l *Limiter) use(tenant any, n int) {
	if l.inUse[tenant] += n; l.inUse[tenant] == 0 {
		delete(l.inUse, tenant)
	}
}

// throttled lowers the budget and blocks requests for a Retry-After.
func (l *Limiter) throttled(retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if until := now.Add(retryAfter); retryAfter > 0 && until.After(l.blockedUntil) {
		l.blockedUntil = until
	}
	l.quietSince = now
	if now.Sub(l.lastDecrease) >= decreaseEvery {
		l.budgetFactor, l.lastDecrease = max(minBudgetFactor, l.budgetFactor/2), now
	}
}

// Available returns how many requests may be sent at once, the budget that they
// are part of, and the configured limit. A configured of 0 is the limit of the
// last request.
func (l *Limiter) Available(configured int) (available, budget, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.dropExpired(now)
	limit = cmp.Or(configured, l.limit)
	budget = l.budget(now, limit)
	if l.blockedUntil.After(now) {
		return 0, budget, limit
	}
	return max(0, budget-l.inFlight-len(l.completed)), budget, limit
}

// idle reports whether a new limiter would behave as this one.
func (l *Limiter) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.dropExpired(now)
	l.queue.expire(now)
	l.budget(now, 1)
	return l.inFlight+len(l.completed)+len(l.queue) == 0 && l.budgetFactor == 1 && !l.blockedUntil.After(now)
}

// Sleep waits for d, and returns the context's error if the context ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
