// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
)

// well is a source for tests: it takes its time, and may be dry.
type well struct {
	mu      sync.Mutex
	takes   time.Duration
	life    time.Duration // 0: for ever
	err     error
	news    bool
	fetched int
	looked  int
	busy    bool
}

func (w *well) fetch(ctx context.Context) (*key, error) {
	w.mu.Lock()
	if w.busy {
		panic("two callers ask the source at once")
	}
	w.busy = true
	w.fetched++
	n, takes := w.fetched, w.takes
	w.mu.Unlock()
	err := ratelimit.Sleep(ctx, takes)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy, w.news = false, false
	switch {
	case err != nil:
		return nil, err
	case w.err != nil:
		return nil, w.err
	}
	k := newKey(fmt.Sprintf("A%d", n), "S", "T")
	if w.life > 0 {
		k.expires = time.Now().Add(w.life)
	}
	return k, nil
}

func (w *well) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked++
	return w.news
}

func (w *well) set(change func(*well)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func newWell(w *well) (*well, *keyring, *[]string) {
	var rotations []string
	return w, newKeyring(w, time.Now, func(from, to *key) { rotations = append(rotations, from.access+to.access) }), &rotations
}

// current gives the access key that is in force, or the error.
func current(ctx context.Context, r *keyring) string {
	k, err := r.current(ctx)
	if err != nil {
		return err.Error()
	}
	return k.access
}

func TestKeyringAsksOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newWell(&well{takes: time.Second})
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if got := current(t.Context(), r); got != "A1" {
					t.Errorf("key %s, want A1", got)
				}
			})
		}
		callers.Wait()
		if w.fetched != 1 {
			t.Errorf("asked %d times", w.fetched)
		}
	})
}

// TestKeyringRenewsAheadOfTime: one caller waits for the new key, the others
// sign with the old one meanwhile.
func TestKeyringRenewsAheadOfTime(t *testing.T) {
	t.Parallel()
	for range 20 { // the moment is random
		synctest.Test(t, func(t *testing.T) {
			w, r, rotations := newWell(&well{life: time.Hour})
			start := time.Now()
			current(t.Context(), r)
			w.set(func(w *well) { w.takes = 10 * time.Second })
			time.Sleep(r.renewAt.Sub(start) - time.Nanosecond)
			if got := current(t.Context(), r); got != "A1" || w.fetched != 1 {
				t.Errorf("key %s after %d questions, want the old one", got, w.fetched)
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
			if got := current(t.Context(), r); got != "A2" || w.fetched != 2 {
				t.Errorf("key %s after %d questions, want the new one", got, w.fetched)
			}
			if fmt.Sprint(*rotations) != "[A1A2]" {
				t.Errorf("rotations %v", *rotations)
			}
		})
	}
}

func TestKeyringLooksNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newWell(&well{})
		for range 100 {
			current(t.Context(), r)
		}
		if w.looked != 0 || w.fetched != 1 {
			t.Errorf("looked %d times and asked %d times at one moment", w.looked, w.fetched)
		}
		for range 10 {
			time.Sleep(lookEvery)
			for range 10 {
				current(t.Context(), r)
			}
		}
		if w.looked != 10 || w.fetched != 1 {
			t.Errorf("looked %d times and asked %d times, want 10 and once", w.looked, w.fetched)
		}
		w.set(func(w *well) { w.news = true })
		time.Sleep(lookEvery)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("key %s, want the new one", got)
		}
		w.set(func(w *well) { w.news, w.err = true, errors.New("half written") })
		time.Sleep(lookEvery)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("key %s, want the one before", got)
		}
	})
}

func TestKeyringWithoutASource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newWell(&well{err: errors.New("dry")})
		for range 5 {
			if got := current(t.Context(), r); got != "dry" {
				t.Errorf("%s, want the source's error", got)
			}
		}
		if w.fetched != 1 {
			t.Errorf("asked %d times at one moment", w.fetched)
		}
		w.set(func(w *well) { w.err = nil })
		time.Sleep(failFor)
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("%s, want a key", got)
		}
	})
}

// TestKeyringOfImpatientCallers: who leaves says nothing about the source.
func TestKeyringOfImpatientCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, r, _ := newWell(&well{takes: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var callers sync.WaitGroup
		for range 3 { // one asks, the others wait for it
			callers.Go(func() {
				if _, err := r.current(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want %v", err, context.Canceled)
				}
			})
		}
		callers.Wait()
		if got := current(t.Context(), r); got != "A2" {
			t.Errorf("%s, want a key", got)
		}
		w2, r2, _ := newWell(&well{takes: time.Hour})
		if got := current(t.Context(), r2); got != context.DeadlineExceeded.Error() || w2.fetched != 1 {
			t.Errorf("%s, want an end after %s", got, fetchTimeout)
		}
		if f := failureOf(t, credentialsFailure(opList, context.DeadlineExceeded)); f.Kind != inventory.Transient || f.Detail != "no credentials in time" {
			t.Errorf("failure %v, want a transient one", &f)
		}
	})
}

func TestKeyringReplacesWhatWasRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _ := newWell(&well{})
		refused, err := r.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if !r.renew(t.Context(), refused) {
					t.Error("no other key")
				}
			})
		}
		callers.Wait()
		if got := current(t.Context(), r); got != "A2" || w.fetched != 2 {
			t.Errorf("key %s after %d questions, want A2 after 2", got, w.fetched)
		}
		second, err := r.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.renew(t.Context(), second) || w.fetched != 2 {
			t.Errorf("asked %d times for keys that are all refused", w.fetched)
		}
		time.Sleep(shortPause)
		if !r.renew(t.Context(), second) || w.fetched != 3 {
			t.Errorf("asked %d times, want once more after %s", w.fetched, shortPause)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.turn <- struct{}{}
		if r.renew(ctx, second) {
			t.Error("who leaves has no other key")
		}
		<-r.turn
	})
}
