// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// window is the cloud's minute, and a little for its clock to be another.
const window = time.Minute + 20*time.Millisecond

// The steps by which a budget shrinks and grows, as shares of the configured one.
const (
	smallest = 1.0 / 6
	growth   = 1.0 / 10 // for each quiet minute
)

// limiter keeps one API, endpoint and access key within its calls per minute.
// A call holds its slot until a minute after it ended: the cloud saw it at some
// time between start and end, so that no sliding minute of the cloud's own can
// hold more calls than there are slots. All slots may be used at once.
type limiter struct {
	operation string
	now       func() time.Time

	mu      sync.Mutex
	limit   int         // that was asked for last
	busy    int         // slots of calls that have not ended
	ended   []ended     // the calls that hold the other slots, in the order of their ends
	held    map[any]int // all these slots, by who took them
	queue   queue       // of those who want slots
	share   float64     // of the configured budget that is used
	changed time.Time   // when share last grew, or the cloud last refused a call
	shrank  time.Time   // when share was last cut
	shut    time.Time   // the cloud asked for silence until then
}

// ended is a call that ended and holds its slot for another minute.
type ended struct {
	who any
	at  time.Time
}

func newLimiter(operation string, now func() time.Time) *limiter {
	return &limiter{operation: operation, now: now, held: map[any]int{}, share: 1}
}

// demand is what a caller wants of a limiter.
type demand struct {
	who      any           // keeps its place in the queue while it is sent away; nil: does not
	limit    int           // the configured calls per minute
	slots    int           // wanted together
	reserve  bool          // leave some to those who are in a hurry
	patience time.Duration // the longest wait for a slot; after it comes an *inventory.QuotaExceeded
}

// slots are granted together. Each is used for one call, or given back.
type slots struct {
	of  *limiter
	who any
	n   int // not yet used
}

// acquire grants slots. If they come later than the caller's patience or the
// context allows, it says so at once: by an *inventory.QuotaExceeded, or by a failure if
// it is the cloud that wants silence.
func (l *limiter) acquire(ctx context.Context, d demand) (*slots, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	start := l.now()
	l.queue.forget(start)
	p := l.queue.join(d)
	for {
		now := l.now()
		until := l.free(now, p)
		if !until.After(now) {
			l.queue.leave(p)
			l.busy += d.slots
			l.hold(d.who, d.slots)
			return &slots{of: l, who: d.who, n: d.slots}, now.Sub(start), nil
		}
		deadline, bounded := ctx.Deadline()
		if until.Sub(start) > d.patience || bounded && until.After(deadline) {
			if !l.shut.Before(until) { // it is not our own budget that is spent
				l.queue.leave(p)
				return nil, now.Sub(start), silenced(l.operation, l.shut)
			}
			l.queue.keep(p, until)
			return nil, now.Sub(start), &inventory.QuotaExceeded{Operation: l.operation, Until: until}
		}
		l.mu.Unlock()
		err := sleep(ctx, until.Sub(now))
		l.mu.Lock()
		if err != nil {
			l.queue.leave(p)
			return nil, l.now().Sub(start), err
		}
	}
}

// silenced is the failure of a call that is not made because the cloud refused
// others by 429 and named a time at which to come again.
func silenced(operation string, until time.Time) *inventory.Failure {
	return &inventory.Failure{
		Kind: inventory.Throttled, Operation: operation,
		Detail: "the cloud wants no calls before " + until.UTC().Format(time.TimeOnly) + " UTC",
		Hint:   remedy(operation, inventory.Throttled, ""),
	}
}

// free tells when the slots that are wanted at a place are free, if all before
// it are served.
func (l *limiter) free(now time.Time, p *place) time.Time {
	l.forget(now)
	l.limit = p.limit
	budget := l.budget(now, p.limit)
	if p.reserve {
		budget -= reserved(budget)
	}
	until := now
	// What has to end its minute first; a call that has not ended will do so in
	// a minute at the earliest.
	switch missing := l.busy + len(l.ended) + l.queue.ahead(p, l.held) + p.slots - budget; {
	case missing > len(l.ended):
		until = now.Add(window)
	case missing > 0:
		until = l.ended[missing-1].at.Add(window)
	}
	if l.shut.After(until) {
		until = l.shut
	}
	return until
}

// reserved is the part of a budget that only urgent calls may use.
func reserved(budget int) int {
	if budget < 20 {
		return 0
	}
	return budget / 20
}

// budget is the number of slots that may be held, by the configured limit and
// what the cloud refused lately.
func (l *limiter) budget(now time.Time, limit int) int {
	if l.share < 1 {
		quiet := int(now.Sub(l.changed) / time.Minute)
		if quiet > 0 {
			l.share = min(1, l.share+float64(quiet)*growth)
			l.changed = l.changed.Add(time.Duration(quiet) * time.Minute)
		}
	}
	return max(1, int(float64(limit)*l.share+1e-9))
}

// forget drops the slots whose minute is over.
func (l *limiter) forget(now time.Time) {
	n := 0
	for n < len(l.ended) && now.Sub(l.ended[n].at) >= window {
		l.hold(l.ended[n].who, -1)
		n++
	}
	if n > 0 {
		l.ended = slices.Delete(l.ended, 0, n)
	}
}

// hold counts the slots that someone holds.
func (l *limiter) hold(who any, n int) {
	if l.held[who] += n; l.held[who] == 0 {
		delete(l.held, who)
	}
}

// take uses one slot; it says false when none is left.
func (s *slots) take() bool {
	if s == nil {
		return false
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.n == 0 {
		return false
	}
	s.n--
	return true
}

// giveBack frees the slots that were not used.
func (s *slots) giveBack() {
	if s == nil {
		return
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.busy -= s.n
	s.of.hold(s.who, -s.n)
	s.n = 0
}

// end says that a call that took a slot of someone's has ended.
func (l *limiter) end(who any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.ended = append(l.ended, ended{who, l.now()})
}

// unused says that a slot was taken for a call that was not made after all.
func (l *limiter) unused(who any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.hold(who, -1)
}

// refused says that the cloud answered 429, and for how long it wants silence.
func (l *limiter) refused(pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if until := now.Add(pause); pause > 0 && until.After(l.shut) {
		l.shut = until
	}
	l.changed = now // it is not quiet
	// The calls in flight at one time are refused together: that is one refusal.
	if now.Sub(l.shrank) >= 10*time.Second {
		l.share, l.shrank = max(smallest, l.share/2), now
	}
}

// left tells how many calls may be made at once, out of how many, where so many
// are configured; 0: as the last caller had it.
func (l *limiter) left(configured int) (free, budget, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.forget(now)
	limit = cmp.Or(configured, l.limit)
	budget = l.budget(now, limit)
	if l.shut.After(now) {
		return 0, budget, limit
	}
	return max(0, budget-l.busy-len(l.ended)), budget, limit
}

// idle tells that nothing of it has to be remembered.
func (l *limiter) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.forget(now)
	l.queue.forget(now)
	l.budget(now, 1)
	return l.busy+len(l.ended)+len(l.queue) == 0 && l.share == 1 && !l.shut.After(now)
}

// sleep waits, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
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
