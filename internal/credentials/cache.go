// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const (
	checkInterval   = 2 * time.Second  // between two calls of Provider.Changed
	retryInterval   = 15 * time.Second // after a failure, while the last key is valid
	errorTTL        = 5 * time.Second  // of a failure, without a valid key
	retrieveTimeout = 20 * time.Second
	renewInterval   = shortestPause // between two renewals because of a refusal
)

// Cache has the current key of one provider. It renews keys that expire ahead of
// time, with one call of the provider at a time; if that fails, the old key
// stays current until it expires.
type Cache struct {
	provider Provider
	now      func() time.Time
	rotated  func(from, to *Key)

	// retrieving is a lock for calls of the provider. A channel, because waiting
	// for it ends with the context.
	retrieving chan struct{}

	mu          sync.Mutex
	key         *Key      // nil: none yet
	renewAt     time.Time // zero: never
	lastCheck   time.Time // of Provider.Changed
	err         error     // of the last retrieval
	failedAt    time.Time
	lastRenewal time.Time // because of a refusal
}

// newCache returns an empty cache. rotated is called when a key replaces another
// one.
func newCache(p Provider, now func() time.Time, rotated func(from, to *Key)) *Cache {
	return &Cache{provider: p, now: now, rotated: rotated, retrieving: make(chan struct{}, 1)}
}

// Key returns the current key.
func (c *Cache) Key(ctx context.Context) (*Key, error) {
	s := c.state()
	if s.valid && !s.renew && !s.check {
		return s.key, nil
	}
	if s.valid {
		select {
		case c.retrieving <- struct{}{}:
		default:
			return s.key, nil // another caller renews it
		}
	} else if err := c.lock(ctx); err != nil {
		return nil, err
	}
	defer c.unlock()

	s = c.state()
	if s.check {
		s.renew = c.provider.Changed() || s.renew
		c.mu.Lock()
		c.lastCheck = c.now()
		c.mu.Unlock()
	}
	if s.valid && !s.renew {
		return s.key, nil
	}
	if err := c.recentError(); !s.valid && err != nil {
		return nil, err
	}
	key, err := c.retrieve(ctx)
	if err != nil && s.valid {
		return s.key, nil
	}
	return key, err
}

// lock takes the lock for calls of the provider.
func (c *Cache) lock(ctx context.Context) error {
	select {
	case c.retrieving <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Cache) unlock() { <-c.retrieving }

// cacheState is the state of a Cache at one time.
type cacheState struct {
	key   *Key
	valid bool
	renew bool // the key is to be renewed
	check bool // Provider.Changed is to be called
}

func (c *Cache) state() cacheState {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	s := cacheState{key: c.key}
	s.valid = c.key != nil && (c.key.Expires.IsZero() || now.Before(c.key.Expires))
	s.renew = !s.valid || !c.renewAt.IsZero() && !now.Before(c.renewAt)
	s.check = s.valid && now.Sub(c.lastCheck) >= checkInterval
	return s
}

// recentError returns the error of a provider that failed just now.
func (c *Cache) recentError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && c.now().Sub(c.failedAt) < errorTTL {
		return c.err
	}
	return nil
}

// retrieve calls the provider. The caller holds the lock for that.
func (c *Cache) retrieve(ctx context.Context) (*Key, error) {
	ctx, cancel := context.WithTimeout(ctx, retrieveTimeout)
	defer cancel()
	k, err := c.provider.Retrieve(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.lastCheck = now
	if err == nil && !k.Expires.IsZero() && !now.Before(k.Expires) {
		err = errors.New("the retrieved key has already expired")
	}
	if err != nil {
		if !errors.Is(err, context.Canceled) { // the caller's context, not the provider, is the cause
			c.err, c.failedAt = err, now
		}
		if !c.renewAt.IsZero() {
			c.renewAt = now.Add(retryInterval)
		}
		return nil, err
	}
	if c.key != nil && c.key.AccessKey != k.AccessKey {
		c.rotated(c.key, k)
	}
	if c.key == nil || c.key.Fingerprint() != k.Fingerprint() || !c.key.Expires.Equal(k.Expires) {
		c.key = k
	}
	c.err = nil
	c.renewAt = renewalTime(now, k.Expires)
	return c.key, nil
}

// renewalTime returns a random time between two thirds and five sixths of a
// key's life, so that exporters that started together do not renew together.
func renewalTime(now, expires time.Time) time.Time {
	if expires.IsZero() {
		return time.Time{}
	}
	life := expires.Sub(now)
	return now.Add(life*2/3 + rand.N(life/6+1))
}

// Renew replaces a key that the cloud refused, and reports whether the current
// key is another one now. A provider whose keys are all refused is not called
// again for five minutes.
func (c *Cache) Renew(ctx context.Context, refused *Key) bool {
	if c.lock(ctx) != nil {
		return false
	}
	defer c.unlock()
	c.mu.Lock()
	k := c.key
	replaced := k != nil && k.Fingerprint() != refused.Fingerprint() // by another caller
	recent := !c.lastRenewal.IsZero() && c.now().Sub(c.lastRenewal) < renewInterval
	if !replaced && !recent {
		c.lastRenewal = c.now()
	}
	c.mu.Unlock()
	if replaced || recent {
		return replaced
	}
	k, err := c.retrieve(ctx)
	return err == nil && k.Fingerprint() != refused.Fingerprint()
}

// Failure returns the failure of an operation for which [Cache.Key] returned err.
func Failure(operation string, err error) *inventory.Failure {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &inventory.Failure{Kind: inventory.Transient, Operation: operation, Detail: "credentials were not retrieved in time", Cause: err}
	}
	return &inventory.Failure{
		Kind:      inventory.Misconfigured,
		Operation: operation,
		Detail:    fmt.Sprintf("no credentials: %s", err),
		Hint:      "check credentials",
		Cause:     err,
	}
}
