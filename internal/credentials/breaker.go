// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Six refusals in a row lock an access key for five minutes, for everybody who
// uses it. So one refusal opens the breaker for as long, and longer if the next
// one follows; and a key without recent success is tried by few requests at a
// time: one for each endpoint, so that an endpoint that hangs does not block the
// others. (A key that succeeded just now and is then revoked may still meet more
// than six refusals, by the requests in flight. Locking it does no harm.)
const (
	successTTL    = time.Minute // a success proves the key for so long
	maxTrials     = 3
	shortestPause = 5 * time.Minute
	longestPause  = 30 * time.Minute
	breakerTTL    = 2 * longestPause // after the last use
)

// ErrBreakerOpened is the cause of the context of a request whose key was
// refused meanwhile.
var ErrBreakerOpened = errors.New("the access key was refused meanwhile")

// Breakers has a circuit breaker for each key that was used lately.
type Breakers struct {
	now func() time.Time

	mu       sync.Mutex
	breakers map[Fingerprint]*Breaker
}

// NewBreakers returns an empty set of breakers.
func NewBreakers(now func() time.Time) *Breakers {
	return &Breakers{now: now, breakers: map[Fingerprint]*Breaker{}}
}

// Breaker returns the circuit breaker of a key.
func (b *Breakers) Breaker(k *Key) *Breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	id := k.Fingerprint()
	breaker := b.breakers[id]
	if breaker == nil {
		for id, old := range b.breakers {
			if old.unused(now) {
				delete(b.breakers, id)
			}
		}
		breaker = &Breaker{now: b.now, permits: map[*Permit]struct{}{}, changed: make(chan struct{})}
		b.breakers[id] = breaker
	}
	breaker.mu.Lock()
	breaker.lastUsed = now
	breaker.mu.Unlock()
	return breaker
}

// Breaker is the circuit breaker of one key. It is closed after a success, open
// after a refusal, and half-open else.
type Breaker struct {
	now func() time.Time

	mu          sync.Mutex
	lastUsed    time.Time
	lastSuccess time.Time
	pause       time.Duration
	openUntil   time.Time
	refusal     *inventory.Failure   // the last one; nil after a success
	permits     map[*Permit]struct{} // of the requests in flight
	changed     chan struct{}        // closed when a waiting request may try again
}

// Permit is the permission to send one request with a key.
type Permit struct {
	breaker  *Breaker
	endpoint string
	halfOpen bool
	cancel   context.CancelCauseFunc
}

// Acquire waits for the permission to send a request. The request must use the
// returned context, which is cancelled with [ErrBreakerOpened] when the key is
// refused meanwhile. While the breaker is open, Acquire returns an
// [*inventory.Failure]; if the context ends, it returns the context's error.
func (b *Breaker) Acquire(ctx context.Context, operation, endpoint string) (context.Context, *Permit, error) {
	for {
		b.mu.Lock()
		if f := b.openError(operation); f != nil {
			b.mu.Unlock()
			return nil, nil, f
		}
		closed := b.now().Sub(b.lastSuccess) < successTTL
		if closed || b.allowsTrial(endpoint) {
			ctx, cancel := context.WithCancelCause(ctx)
			p := &Permit{breaker: b, endpoint: endpoint, halfOpen: !closed, cancel: cancel}
			b.permits[p] = struct{}{}
			b.mu.Unlock()
			return ctx, p, nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// allowsTrial reports whether one more request may try the key.
func (b *Breaker) allowsTrial(endpoint string) bool {
	trials := 0
	for p := range b.permits {
		if p.halfOpen {
			trials++
		}
		if p.halfOpen && p.endpoint == endpoint {
			return false
		}
	}
	if b.refusal != nil {
		return trials == 0
	}
	return trials < maxTrials
}

// OpenError returns the failure of a request that is not sent because the
// breaker is open. It returns nil if the breaker is not open.
func (b *Breaker) OpenError(operation string) *inventory.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.openError(operation)
}

func (b *Breaker) openError(operation string) *inventory.Failure {
	if b.refusal == nil || !b.now().Before(b.openUntil) {
		return nil
	}
	f := *b.refusal
	f.Operation = operation
	f.Detail = "the access key was refused; it is not tried again until " + b.openUntil.UTC().Format(time.RFC3339) +
		", so that the cloud does not lock it"
	if b.refusal.Detail != "" {
		f.Detail = b.refusal.Detail + "; " + f.Detail
	}
	return &f
}

// Release ends the request. success means that the cloud accepted the key.
func (p *Permit) Release(success bool) {
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if success && !b.now().Before(b.openUntil) {
		b.lastSuccess, b.pause, b.refusal = b.now(), 0, nil
	}
	p.end()
}

// Refuse ends a request whose key the cloud refused. It opens the breaker, and
// cancels all other requests with the key.
func (p *Permit) Refuse(f *inventory.Failure) {
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); !now.Before(b.openUntil) {
		b.pause = min(max(2*b.pause, shortestPause), longestPause)
		b.openUntil = now.Add(b.pause)
		b.refusal = new(*f) // a copy, because f is the caller's
		b.lastSuccess = time.Time{}
	}
	p.end()
	for other := range b.permits {
		other.cancel(ErrBreakerOpened)
	}
}

// end removes the permit. The caller holds the lock of the breaker.
func (p *Permit) end() {
	p.cancel(nil)
	delete(p.breaker.permits, p)
	close(p.breaker.changed)
	p.breaker.changed = make(chan struct{})
}

func (b *Breaker) unused(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.permits) == 0 && now.Sub(b.lastUsed) > breakerTTL
}
