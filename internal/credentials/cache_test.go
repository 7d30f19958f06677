// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// fakeProvider is a Provider whose every key differs from the one before.
type fakeProvider struct {
	mu        sync.Mutex
	latency   time.Duration
	life      time.Duration // 0: no expiry
	err       error
	changed   bool
	retrieved int
	checked   int
	busy      bool
}

func (w *fakeProvider) Retrieve(ctx context.Context) (*Key, error) {
	w.mu.Lock()
	if w.busy {
		panic("concurrent calls of Retrieve")
	}
	w.busy = true
	w.retrieved++
	n, latency := w.retrieved, w.latency
	w.mu.Unlock()
	err := sleep(ctx, latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy, w.changed = false, false
	switch {
	case err != nil:
		return nil, err
	case w.err != nil:
		return nil, w.err
	}
	k := NewKey(fmt.Sprintf("A%d", n), "S", "T")
	if w.life > 0 {
		k.Expires = time.Now().Add(w.life)
	}
	return k, nil
}

func (w *fakeProvider) Changed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked++
	return w.changed
}

func (w *fakeProvider) set(change func(*fakeProvider)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// sleep waits, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newFake(w *fakeProvider) (*fakeProvider, *Cache, *[]string) {
	var rotations []string
	return w, newCache(w, time.Now, func(from, to *Key) { rotations = append(rotations, from.AccessKey+to.AccessKey) }), &rotations
}

// current returns the current access key, or the error.
func current(ctx context.Context, r *Cache) string {
	k, err := r.Key(ctx)
	if err != nil {
		return err.Error()
	}
	return k.AccessKey
}

func TestCacheRetrievesOnceForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newFake(&fakeProvider{latency: time.Second})
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if got := current(t.Context(), r); got != "A1" {
					t.Errorf("key %s, want A1", got)
				}
			})
		}
		callers.Wait()
		if w.retrieved != 1 {
			t.Errorf("retrieved %d keys", w.retrieved)
		}
	})
}

// TestCacheRenewsAheadOfExpiry: one caller waits for the new key, and the others
// use the old one meanwhile.
func TestCacheRenewsAheadOfExpiry(t *testing.T) {
	t.Parallel()
	for range 20 { // the moment is random
		synctest.Test(t, func(t *testing.T) {
			w, r, rotations := newFake(&fakeProvider{life: time.Hour})
			start := time.Now()
			current(t.Context(), r)
			w.set(func(w *fakeProvider) { w.latency = 10 * time.Second })
			time.Sleep(r.renewAt.Sub(start) - time.Nanosecond)
			if got := current(t.Context(), r); got != "A1" || w.retrieved != 1 {
				t.Errorf("key %s after %d calls, want the old one", got, w.retrieved)
			}
			if at := r.renewAt.Sub(start); at < 40*time.Minute || at > 50*time.Minute {
				t.Errorf("to be renewed after %s of an hour", at)
			}
			time.Sleep(time.Nanosecond)
			var first sync.WaitGroup
			first.Go(func() {
				if got := current(t.Context(), r); got != "A2" {
					t.Errorf("key %s, want the new one", got)
				}
			})
			synctest.Wait()
			began := time.Now()
			if got := current(t.Context(), r); got != "A1" || time.Since(began) != 0 {
				t.Errorf("key %s after %s, want the old one at once", got, time.Since(began))
			}
			first.Wait()
			if got := current(t.Context(), r); got != "A2" || w.retrieved != 2 {
				t.Errorf("key %s after %d calls, want the new one", got, w.retrieved)
			}
			if fmt.Sprint(*rotations) != "[A1A2]" {
				t.Errorf("rotations %v", *rotations)
			}
		})
	}
}

func TestCacheChecksForChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newFake(&fakeProvider{})
		for range 100 {
			current(t.Context(), r)
		}
		if w.checked != 0 || w.retrieved != 1 {
			t.Errorf("checked %d times and retrieved %d keys at one moment", w.checked, w.retrieved)
		}
		for range 10 {
			time.Sleep(checkInterval)
			for range 10 {
				current(t.Context(), r)
			}
		}
		if w.checked != 10 || w.retrieved != 1 {
			t.Errorf("checked %d times and retrieved %d keys, want 10 and once", w.checked, w.retrieved)
		}
		w.set(func(w *fakeProvider) { w.changed = true })
		time.Sleep(checkInterval)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("key %s, want the new one", got)
		}
		w.set(func(w *fakeProvider) { w.changed, w.err = true, errors.New("half written") })
		time.Sleep(checkInterval)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("key %s, want the one before", got)
		}
	})
}

func TestCacheWithFailingProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newFake(&fakeProvider{err: errors.New("unavailable")})
		for range 5 {
			if got := current(t.Context(), r); got != "unavailable" {
				t.Errorf("%s, want the provider's error", got)
			}
		}
		if w.retrieved != 1 {
			t.Errorf("retrieved %d keys at one moment", w.retrieved)
		}
		w.set(func(w *fakeProvider) { w.err = nil })
		time.Sleep(errorTTL)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("%s, want a key", got)
		}
	})
}

// TestCacheWithCanceledCallers: their error is not the error of the provider.
func TestCacheWithCanceledCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, r, _ := newFake(&fakeProvider{latency: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var callers sync.WaitGroup
		for range 3 { // one calls the provider, the others wait for it
			callers.Go(func() {
				if _, err := r.Key(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want %v", err, context.Canceled)
				}
			})
		}
		callers.Wait()
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("%s, want a key", got)
		}
		w2, r2, _ := newFake(&fakeProvider{latency: time.Hour})
		if got := current(t.Context(), r2); got != context.DeadlineExceeded.Error() || w2.retrieved != 1 {
			t.Errorf("%s, want an end after %s", got, retrieveTimeout)
		}
		if f := Failure(inventory.ListDesktops, context.DeadlineExceeded); f.Kind != inventory.Transient || f.Detail != "credentials were not retrieved in time" {
			t.Errorf("failure %v, want a transient one", f)
		}
	})
}

func TestCacheRenewsRefusedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newFake(&fakeProvider{})
		refused, err := r.Key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if !r.Renew(t.Context(), refused) {
					t.Error("no other key")
				}
			})
		}
		callers.Wait()
		if got := current(t.Context(), r); got != "A2" || w.retrieved != 2 {
			t.Errorf("key %s after %d calls, want A2 after 2", got, w.retrieved)
		}
		second, err := r.Key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Renew(t.Context(), second) || w.retrieved != 2 {
			t.Errorf("retrieved %d keys though all keys are refused", w.retrieved)
		}
		time.Sleep(renewInterval)
		if !r.Renew(t.Context(), second) || w.retrieved != 3 {
			t.Errorf("retrieved %d keys, want once more after %s", w.retrieved, renewInterval)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.retrieving <- struct{}{}
		if r.Renew(ctx, second) {
			t.Error("a caller whose context ended got another key")
		}
		<-r.retrieving
	})
}
