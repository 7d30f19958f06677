// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// source is a place where keys come from.
type source interface {
	// fetch asks the source afresh.
	fetch(ctx context.Context) (*key, error)
	// look tells whether the source may have another key than it gave last, as
	// cheaply as it can. Sources that say so by an expiry always say false.
	look() bool
	// Neither is called while the other, or itself, is under way.
}

const (
	lookEvery    = 2 * time.Second  // how often files are looked at
	retryFetch   = 15 * time.Second // after a source failed while its last key is still good
	failFor      = 5 * time.Second  // how long a failure stands for an answer, without a good key
	fetchTimeout = 20 * time.Second
)

// keyring holds the key in force of one source, for all who sign with it. Keys
// that expire are replaced ahead of time, by one caller at a time; while that
// fails, the old key is used as long as it is good.
type keyring struct {
	source  source
	now     func() time.Time
	rotated func(from, to *key)

	turn chan struct{} // held by the caller that asks the source

	mu      sync.Mutex
	key     *key      // nil: none yet
	renewAt time.Time // zero: never
	looked  time.Time
	err     error // of the last fetch
	failed  time.Time
	renewed time.Time // when a key was last replaced because the cloud refused it
}

func newKeyring(s source, now func() time.Time, rotated func(from, to *key)) *keyring {
	return &keyring{source: s, now: now, rotated: rotated, turn: make(chan struct{}, 1)}
}

// current gives the key to sign with now.
func (r *keyring) current(ctx context.Context) (*key, error) {
	k, good, due, look := r.state()
	if good && !due && !look {
		return k, nil
	}
	if good {
		select {
		case r.turn <- struct{}{}:
		default:
			return k, nil // somebody is at it
		}
	} else if err := r.wait(ctx); err != nil {
		return nil, err
	}
	defer func() { <-r.turn }()

	k, good, due, look = r.state()
	if look {
		due = r.source.look() || due
		r.mu.Lock()
		r.looked = r.now()
		r.mu.Unlock()
	}
	if good && !due {
		return k, nil
	}
	if err := r.recentError(); !good && err != nil {
		return nil, err
	}
	fetched, err := r.fetch(ctx)
	if err != nil && good {
		return k, nil
	}
	return fetched, err
}

// wait takes the turn to ask the source.
func (r *keyring) wait(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// state tells the key, whether it is good, whether to ask for another, and
// whether to look for one.
func (r *keyring) state() (k *key, good, due, look bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	good = r.key != nil && (r.key.expires.IsZero() || now.Before(r.key.expires))
	due = !good || !r.renewAt.IsZero() && !now.Before(r.renewAt)
	look = good && now.Sub(r.looked) >= lookEvery
	return r.key, good, due, look
}

// recentError gives the error of a source that failed just now.
func (r *keyring) recentError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil && r.now().Sub(r.failed) < failFor {
		return r.err
	}
	return nil
}

// fetch asks the source. The caller holds the turn.
func (r *keyring) fetch(ctx context.Context) (*key, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	k, err := r.source.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.looked = now
	if err == nil && !k.expires.IsZero() && !now.Before(k.expires) {
		err = errors.New("the keys that came are already expired")
	}
	if err != nil {
		if !errors.Is(err, context.Canceled) { // the caller's own hurry says nothing about the source
			r.err, r.failed = err, now
		}
		if !r.renewAt.IsZero() {
			r.renewAt = now.Add(retryFetch)
		}
		return nil, err
	}
	if r.key != nil && r.key.access != k.access {
		r.rotated(r.key, k)
	}
	if r.key == nil || r.key.id() != k.id() || !r.key.expires.Equal(k.expires) {
		r.key = k
	}
	r.err = nil
	r.renewAt = time.Time{}
	if !k.expires.IsZero() {
		// Between two thirds and five sixths of its life, so that exporters
		// that started together do not ask together.
		life := k.expires.Sub(now)
		r.renewAt = now.Add(life*2/3 + rand.N(life/6+1))
	}
	return r.key, nil
}

// renew asks for another key than refused, which the cloud did not accept. It
// says false if there is none. A source whose keys are all refused is not asked
// again and again.
func (r *keyring) renew(ctx context.Context, refused *key) bool {
	if r.wait(ctx) != nil {
		return false
	}
	defer func() { <-r.turn }()
	r.mu.Lock()
	k := r.key
	replaced := k != nil && k.id() != refused.id() // by somebody, meanwhile
	recent := !r.renewed.IsZero() && r.now().Sub(r.renewed) < shortPause
	if !replaced && !recent {
		r.renewed = r.now()
	}
	r.mu.Unlock()
	if replaced || recent {
		return replaced
	}
	k, err := r.fetch(ctx)
	return err == nil && k.id() != refused.id()
}

// credentialsFailure says that there is no key to sign with.
func credentialsFailure(operation string, err error) error {
	var f *inventory.Failure
	if errors.As(err, &f) {
		g := *f
		return &g
	}
	f = &inventory.Failure{
		Kind:      inventory.Misconfigured,
		Operation: operation,
		Detail:    fmt.Sprintf("no credentials: %s", err),
		Hint:      "check credentials",
		Cause:     err,
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		f.Kind, f.Detail, f.Hint = inventory.Transient, "no credentials in time", ""
	}
	return f
}
