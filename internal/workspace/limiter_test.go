// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// patient waits as long as the context lasts.
const patient = time.Duration(1<<63 - 1)

// get takes one slot and makes a call that lasts so long.
func get(ctx context.Context, l *limiter, d demand, call time.Duration) (waited time.Duration, err error) {
	d.slots = max(1, d.slots)
	s, waited, err := l.acquire(ctx, d)
	if err != nil {
		return waited, err
	}
	for s.take() {
		time.Sleep(call)
		l.end(d.who)
	}
	return waited, nil
}

func TestLimiterGivesTheWholeBudgetAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		start := time.Now()
		for range 180 {
			if waited, err := get(t.Context(), l, demand{limit: 180}, 0); err != nil || waited != 0 {
				t.Fatalf("waited %s, error %v", waited, err)
			}
		}
		var wait *inventory.QuotaExceeded
		if _, err := get(t.Context(), l, demand{limit: 180, patience: slotPatience}, 0); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		if until := wait.Until.Sub(start); until != window || wait.Operation != "op" {
			t.Errorf("wait for %s until %s, want op and %s", wait.Operation, until, window)
		}
		time.Sleep(window - time.Second)
		waited, err := get(t.Context(), l, demand{limit: 180, patience: slotPatience}, 0)
		if err != nil || waited != time.Second {
			t.Errorf("waited %s, error %v; want 1s: the slot comes within patience", waited, err)
		}
	})
}

// TestLimiterCountsFromTheEndOfACall: the cloud may see a slow call late.
func TestLimiterCountsFromTheEndOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		start := time.Now()
		if _, err := get(t.Context(), l, demand{limit: 1}, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		var wait *inventory.QuotaExceeded
		if _, err := get(t.Context(), l, demand{limit: 1}, 0); !errors.As(err, &wait) || wait.Until.Sub(start) != 20*time.Second+window {
			t.Errorf("error %v, want a wait until %s", err, 20*time.Second+window)
		}
	})
}

func TestLimiterKeepsAReserve(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{180: 9, 100: 5, 20: 1, 19: 0, 1: 0} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter("op", time.Now)
			usual := 0
			for {
				if _, err := get(t.Context(), l, demand{limit: limit, reserve: true}, 0); err != nil {
					break
				}
				usual++
			}
			urgent := 0
			for {
				if _, err := get(t.Context(), l, demand{limit: limit}, 0); err != nil {
					break
				}
				urgent++
			}
			if usual != limit-want || urgent != want {
				t.Errorf("limit %d: %d usual and %d urgent calls, want %d and %d", limit, usual, urgent, limit-want, want)
			}
		})
	}
}

func TestLimiterGrantsTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		first, _, err := l.acquire(t.Context(), demand{limit: 10, slots: 6})
		if err != nil {
			t.Fatal(err)
		}
		var wait *inventory.QuotaExceeded
		if _, _, err := l.acquire(t.Context(), demand{limit: 10, slots: 6}); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		first.take()
		l.end(nil)
		first.giveBack()
		first.giveBack() // once more changes nothing
		if free, budget, limit := l.left(0); free != 9 || budget != 10 || limit != 10 {
			t.Errorf("%d of %d free, limit %d; want 9 of 10: five slots came back", free, budget, limit)
		}
		if first.take() {
			t.Error("a slot that was given back can be used")
		}
	})
}

func TestLimiterShrinksAndGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		budget := func() int {
			_, budget, _ := l.left(180)
			return budget
		}
		var got []int
		got = append(got, budget())
		for range 8 {
			l.refused(0) // eight calls in flight, refused together
		}
		got = append(got, budget())
		for range 3 {
			time.Sleep(11 * time.Second)
			l.refused(0)
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
			t.Error("after all that time something is still to be remembered")
		}
	})
}

// TestLimiterShrinksAsOftenAsItIsRefused: a refusal right after a step of growth
// is news, and the growth begins anew.
func TestLimiterShrinksAsOftenAsItIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		budget := func() int {
			_, budget, _ := l.left(180)
			return budget
		}
		var got []int
		l.refused(0)
		for range 3 {
			time.Sleep(time.Minute)
			got = append(got, budget())
		}
		l.refused(0)
		got = append(got, budget())
		time.Sleep(9 * time.Second)
		l.refused(0) // still of the same moment, but it is not quiet
		time.Sleep(55 * time.Second)
		got = append(got, budget())
		time.Sleep(5 * time.Second)
		got = append(got, budget())
		if want := []int{108, 126, 144, 72, 72, 90}; !slices.Equal(got, want) {
			t.Errorf("budgets %v, want %v", got, want)
		}
	})
}

func TestLimiterObeysRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		l.refused(30 * time.Second)
		var f *inventory.Failure
		if _, err := get(t.Context(), l, demand{limit: 180, patience: slotPatience}, 0); !errors.As(err, &f) || f.Kind != inventory.Throttled {
			t.Errorf("error %v, want that of the cloud: the quota is not ours to judge", err)
		}
		if free, _, _ := l.left(180); free != 0 {
			t.Errorf("%d slots free, want none", free)
		}
		waited, err := get(t.Context(), l, demand{limit: 180, patience: patient}, 0)
		if err != nil || waited != 30*time.Second {
			t.Errorf("waited %s, error %v; want 30s", waited, err)
		}
	})
}

func TestLimiterGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		if _, err := get(t.Context(), l, demand{limit: 1}, 0); err != nil {
			t.Fatal(err)
		}
		// A deadline before the slot comes: there is no point in waiting for it.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var wait *inventory.QuotaExceeded
		if waited, err := get(ctx, l, demand{limit: 1, patience: patient}, 0); !errors.As(err, &wait) || waited != 0 {
			t.Errorf("waited %s, error %v; want a wait at once", waited, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if waited, err := get(ctx, l, demand{limit: 1, patience: patient}, 0); !errors.Is(err, context.Canceled) || waited != time.Second {
			t.Errorf("waited %s, error %v; want cancelled after 1s", waited, err)
		}
		if len(l.queue) != 0 {
			t.Errorf("%d are still in the queue", len(l.queue))
		}
	})
}

// TestLimiterInAnySlidingMinute lets callers with calls of random length ask as
// fast as they can, and checks every minute as the cloud sees it, wherever in
// its call a request arrives there.
func TestLimiterInAnySlidingMinute(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			const limit = 60
			l := newLimiter("op", time.Now)
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
						s, _, err := l.acquire(ctx, demand{limit: limit, slots: 1 + rng.IntN(4), reserve: rng.IntN(2) == 0, patience: patient})
						if err != nil {
							return // the next slot comes after the end
						}
						for s.take() {
							time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
							mu.Lock()
							arrived = append(arrived, time.Now())
							mu.Unlock()
							time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
							l.end(nil)
							if rng.IntN(5) == 0 {
								break
							}
						}
						s.giveBack()
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
				t.Errorf("seed %d: %d calls in one minute, want at most %d", seed, most, limit)
			}
			// The callers are busy 8s for a call: they could make 90 a minute.
			if got := len(arrived); got < 20*limit*2/3 {
				t.Errorf("seed %d: %d calls in 20 minutes: the budget is not used", seed, got)
			}
		})
	}
}
