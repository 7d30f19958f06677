// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// unlimited waits until the context ends.
const unlimited = time.Duration(1<<63 - 1)

// maxWait is the normal longest wait for slots.
const maxWait = 5 * time.Second

// acquire takes its slots one after the other for requests of a duration.
func acquire(ctx context.Context, l *Limiter, r Request, duration time.Duration) (waited time.Duration, err error) {
	r.Slots = max(1, r.Slots)
	reservation, waited, err := l.Acquire(ctx, r)
	if err != nil {
		return waited, err
	}
	for permit, ok := reservation.Take(); ok; permit, ok = reservation.Take() {
		time.Sleep(duration)
		permit.Done()
	}
	return waited, nil
}

func TestWholeBudgetAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		start := time.Now()
		for range 180 {
			if waited, err := acquire(t.Context(), l, Request{Limit: 180, Urgent: true}, 0); err != nil || waited != 0 {
				t.Fatalf("waited %s, error %v", waited, err)
			}
		}
		var wait *ExceededError
		if _, err := acquire(t.Context(), l, Request{Limit: 180, MaxWait: maxWait, Urgent: true}, 0); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		if until := wait.Until.Sub(start); until != window {
			t.Errorf("wait of %s, want %s", until, window)
		}
		time.Sleep(window - time.Second)
		waited, err := acquire(t.Context(), l, Request{Limit: 180, MaxWait: maxWait, Urgent: true}, 0)
		if err != nil || waited != time.Second {
			t.Errorf("waited %s, error %v; want 1s: the slot comes within MaxWait", waited, err)
		}
	})
}

// TestSlotIsInUseForAMinuteAfterCompletion: the cloud may count a slow request
// when it ends.
func TestSlotIsInUseForAMinuteAfterCompletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		start := time.Now()
		if _, err := acquire(t.Context(), l, Request{Limit: 1, Urgent: true}, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		var wait *ExceededError
		if _, err := acquire(t.Context(), l, Request{Limit: 1, Urgent: true}, 0); !errors.As(err, &wait) || wait.Until.Sub(start) != 20*time.Second+window {
			t.Errorf("error %v, want a wait until %s", err, 20*time.Second+window)
		}
	})
}

func TestReserve(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{180: 9, 100: 5, 20: 1, 19: 0, 1: 0} {
		synctest.Test(t, func(t *testing.T) {
			l := NewLimiter(time.Now)
			normal := 0
			for {
				if _, err := acquire(t.Context(), l, Request{Limit: limit}, 0); err != nil {
					break
				}
				normal++
			}
			urgent := 0
			for {
				if _, err := acquire(t.Context(), l, Request{Limit: limit, Urgent: true}, 0); err != nil {
					break
				}
				urgent++
			}
			if normal != limit-want || urgent != want {
				t.Errorf("limit %d: %d normal and %d urgent requests, want %d and %d", limit, normal, urgent, limit-want, want)
			}
		})
	}
}

func TestReservationIsAtomic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		first, _, err := l.Acquire(t.Context(), Request{Limit: 10, Slots: 6, Urgent: true})
		if err != nil {
			t.Fatal(err)
		}
		var wait *ExceededError
		if _, _, err := l.Acquire(t.Context(), Request{Limit: 10, Slots: 6, Urgent: true}); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		permit, _ := first.Take()
		permit.Done()
		first.Release()
		first.Release() // a second call changes nothing
		if free, budget, limit := l.Available(0); free != 9 || budget != 10 || limit != 10 {
			t.Errorf("%d of %d free, limit %d; want 9 of 10: five slots were released", free, budget, limit)
		}
		if _, ok := first.Take(); ok {
			t.Error("a released slot can be taken")
		}
	})
}

func TestBudgetDecreasesAndGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		budget := func() int {
			_, budget, _ := l.Available(180)
			return budget
		}
		var got []int
		got = append(got, budget())
		for range 8 {
			l.throttled(0) // eight requests in flight, throttled together
		}
		got = append(got, budget())
		for range 3 {
			time.Sleep(11 * time.Second)
			l.throttled(0)
			got = append(got, budget())
		}
		for range 9 {
			time.Sleep(time.Minute)
			got = append(got, budget())
		}
		if want := []int{180, 90, 45, 30, 30, 48, 66, 84, 102, 120, 138, 156, 174, 180}; !slices.Equal(got, want) {
			t.Errorf("budgets %v, want %v", got, want)
		}
		if !l.idle() {
			t.Error("the limiter is not idle after nine minutes without a 429")
		}
	})
}

// TestBudgetDecreasesWhileItGrows: a 429 right after a step of growth halves the
// budget, and the growth restarts.
func TestBudgetDecreasesWhileItGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		budget := func() int {
			_, budget, _ := l.Available(180)
			return budget
		}
		var got []int
		l.throttled(0)
		for range 3 {
			time.Sleep(time.Minute)
			got = append(got, budget())
		}
		l.throttled(0)
		got = append(got, budget())
		time.Sleep(9 * time.Second)
		l.throttled(0) // too early for another decrease, but it restarts the quiet minute
		time.Sleep(55 * time.Second)
		got = append(got, budget())
		time.Sleep(5 * time.Second)
		got = append(got, budget())
		if want := []int{108, 126, 144, 72, 72, 90}; !slices.Equal(got, want) {
			t.Errorf("budgets %v, want %v", got, want)
		}
	})
}

func TestRetryAfterBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		l.throttled(30 * time.Second)
		var f *BlockedError
		if _, err := acquire(t.Context(), l, Request{Limit: 180, MaxWait: maxWait, Urgent: true}, 0); !errors.As(err, &f) || !f.Until.Equal(time.Now().Add(30*time.Second)) {
			t.Errorf("error %v, want a BlockedError: the cloud asked for the pause", err)
		}
		if free, _, _ := l.Available(180); free != 0 {
			t.Errorf("%d slots free, want none", free)
		}
		waited, err := acquire(t.Context(), l, Request{Limit: 180, MaxWait: unlimited, Urgent: true}, 0)
		if err != nil || waited != 30*time.Second {
			t.Errorf("waited %s, error %v; want 30s", waited, err)
		}
	})
}

func TestAcquireReturnsOnCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		if _, err := acquire(t.Context(), l, Request{Limit: 1, Urgent: true}, 0); err != nil {
			t.Fatal(err)
		}
		// The deadline is before the slot is free: do not wait for it.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var wait *ExceededError
		if waited, err := acquire(ctx, l, Request{Limit: 1, MaxWait: unlimited, Urgent: true}, 0); !errors.As(err, &wait) || waited != 0 {
			t.Errorf("waited %s, error %v; want a wait at once", waited, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if waited, err := acquire(ctx, l, Request{Limit: 1, MaxWait: unlimited, Urgent: true}, 0); !errors.Is(err, context.Canceled) || waited != time.Second {
			t.Errorf("waited %s, error %v; want cancelled after 1s", waited, err)
		}
		if len(l.queue) != 0 {
			t.Errorf("%d waiters are still in the queue", len(l.queue))
		}
	})
}

// TestAnySlidingMinute has workers send requests of random duration as fast as
// they can, and counts every sliding minute as the cloud does, whenever within
// its duration a request arrives there.
func TestAnySlidingMinute(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			const limit = 60
			l := NewLimiter(time.Now)
			var (
				mu      sync.Mutex
				arrived []time.Time
				callers sync.WaitGroup
			)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
			defer cancel()
			for i := range uint64(12) {
				callers.Go(func() {
					rng := rand.New(rand.NewPCG(seed, i))
					for ctx.Err() == nil {
						s, _, err := l.Acquire(ctx, Request{Limit: limit, Slots: 1 + rng.IntN(4), Urgent: rng.IntN(2) != 0, MaxWait: unlimited})
						if err != nil {
							return // the next slot comes after the end
						}
						for permit, ok := s.Take(); ok; permit, ok = s.Take() {
							time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
							mu.Lock()
							arrived = append(arrived, time.Now())
							mu.Unlock()
							time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
							permit.Done()
							if rng.IntN(5) == 0 {
								break
							}
						}
						s.Release()
					}
				})
			}
			callers.Wait()
			slices.SortFunc(arrived, time.Time.Compare)
			from, most := 0, 0
			for to := range arrived {
				for arrived[to].Sub(arrived[from]) > time.Minute {
					from++
				}
				most = max(most, to-from+1)
			}
			if most > limit {
				t.Errorf("seed %d: %d requests in one minute, want at most %d", seed, most, limit)
			}
			// A worker needs 8s for a request: all together could send 90 a minute.
			if got := len(arrived); got < 20*limit*2/3 {
				t.Errorf("seed %d: %d requests in 20 minutes: the budget is not used up", seed, got)
			}
		})
	}
}
