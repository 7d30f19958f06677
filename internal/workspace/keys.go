// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Six refusals in a row lock an access key for five minutes, for everybody who
// uses it. So one refusal shuts a key for as long, and longer if it goes on;
// and a key that was not accepted lately is tried by few calls at a time: one
// for each endpoint, lest one that hangs holds up the others. (A key that was
// accepted just now and is then revoked may still meet more refusals than six,
// by the calls in flight. Locking it harms nobody any more.)
const (
	provenFor   = time.Minute
	maxTrials   = 3
	shortPause  = 5 * time.Minute
	longPause   = 30 * time.Minute
	forgetAfter = 2 * longPause
)

// errRefusedMeanwhile ends the calls in flight with a key that was refused.
var errRefusedMeanwhile = errors.New("the access key was refused meanwhile")

// key is a set of credentials as calls are signed with it. It never changes.
type key struct {
	// Behind a pointer, because fmt follows none that lies in a struct: however
	// a key is printed, only an address comes out.
	*keyTexts
	expires time.Time // zero: never, as far as is known
}

type keyTexts struct {
	access, secret, token string
}

// Format hides the key from whoever prints it.
func (key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<key>") }

func newKey(access, secret, token string) *key {
	return &key{keyTexts: &keyTexts{access, secret, token}}
}

// keyID tells keys apart without holding them.
type keyID [sha256.Size]byte

func (k *key) id() keyID {
	return sha256.Sum256([]byte(k.access + "\x00" + k.secret + "\x00" + k.token))
}

// keyGuards has a guard for each key that was used lately.
type keyGuards struct {
	now func() time.Time

	mu     sync.Mutex
	guards map[keyID]*keyGuard
}

func (g *keyGuards) of(k *key) *keyGuard {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	id := k.id()
	guard := g.guards[id]
	if guard == nil {
		for id, old := range g.guards {
			if old.forgotten(now) {
				delete(g.guards, id)
			}
		}
		guard = &keyGuard{now: g.now, calls: map[*pass]struct{}{}, changed: make(chan struct{})}
		if g.guards == nil {
			g.guards = map[keyID]*keyGuard{}
		}
		g.guards[id] = guard
	}
	guard.mu.Lock()
	guard.used = now
	guard.mu.Unlock()
	return guard
}

// keyGuard lets calls with one key pass, or not.
type keyGuard struct {
	now func() time.Time

	mu      sync.Mutex
	used    time.Time
	proven  time.Time // when the key was last accepted
	pause   time.Duration
	until   time.Time // shut until then
	failure *inventory.Failure
	calls   map[*pass]struct{} // in flight
	changed chan struct{}      // closed when somebody who waits may look again
}

// pass is the permission to make one call.
type pass struct {
	guard    *keyGuard
	endpoint string
	trial    bool // of a key that is not proven
	cancel   context.CancelCauseFunc
}

// enter waits for the permission to make a call with the key. The call is to
// use the context given, which ends when the key is refused meanwhile.
func (g *keyGuard) enter(ctx context.Context, operation, endpoint string) (context.Context, *pass, error) {
	for {
		g.mu.Lock()
		if f := g.refusal(operation); f != nil {
			g.mu.Unlock()
			return nil, nil, f
		}
		proven := g.now().Sub(g.proven) < provenFor
		if proven || g.mayTry(endpoint) {
			ctx, cancel := context.WithCancelCause(ctx)
			p := &pass{guard: g, endpoint: endpoint, trial: !proven, cancel: cancel}
			g.calls[p] = struct{}{}
			g.mu.Unlock()
			return ctx, p, nil
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// mayTry tells whether one more call may try the key.
func (g *keyGuard) mayTry(endpoint string) bool {
	trials := 0
	for p := range g.calls {
		if p.trial {
			trials++
		}
		if p.trial && p.endpoint == endpoint {
			return false
		}
	}
	if g.failure != nil {
		return trials == 0
	}
	return trials < maxTrials
}

// refusal gives the failure that shut the key, while it is shut.
func (g *keyGuard) refusal(operation string) *inventory.Failure {
	if g.failure == nil || !g.now().Before(g.until) {
		return nil
	}
	f := *g.failure
	f.Operation = operation
	f.Detail = "the access key was refused; it is not tried again until " + g.until.UTC().Format(time.RFC3339) +
		", lest the cloud lock it"
	if g.failure.Detail != "" {
		f.Detail = g.failure.Detail + "; " + f.Detail
	}
	return &f
}

// leave ends a call. Accepted says that the cloud took the key for this call.
func (p *pass) leave(accepted bool) {
	g := p.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if accepted && !g.now().Before(g.until) {
		g.proven, g.pause, g.failure = g.now(), 0, nil
	}
	p.end()
}

// refused ends a call for which the cloud did not accept the key: the key is
// shut, and all other calls with it are given up.
func (p *pass) refused(f *inventory.Failure) {
	g := p.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.now(); !now.Before(g.until) {
		g.pause = min(max(2*g.pause, shortPause), longPause)
		g.until = now.Add(g.pause)
		g.failure = new(*f) // f is the caller's from now on
		g.proven = time.Time{}
	}
	p.end()
	for other := range g.calls {
		other.cancel(errRefusedMeanwhile)
	}
}

// end takes the call out of the guard's books. The caller holds the lock.
func (p *pass) end() {
	p.cancel(nil)
	delete(p.guard.calls, p)
	close(p.guard.changed)
	p.guard.changed = make(chan struct{})
}

// shutFailure gives the failure for a call that was given up because the key
// was refused meanwhile.
func (g *keyGuard) shutFailure(operation string) *inventory.Failure {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal(operation)
}

func (g *keyGuard) forgotten(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls) == 0 && now.Sub(g.used) > forgetAfter
}
