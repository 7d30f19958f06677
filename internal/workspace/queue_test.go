// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestWhoIsSentAwayGetsItsTurn has callers who want most of a budget at once, or
// a little of it, and who come back when they are told to. One of them comes
// before the others each time: it must not be the only one that is served.
func TestWhoIsSentAwayGetsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		var mu sync.Mutex
		served := map[string]int{}
		var callers sync.WaitGroup
		for who, slots := range map[string]int{"first": 80, "second": 80, "third": 50, "small": 1} {
			callers.Go(func() {
				if who != "first" {
					time.Sleep(time.Second)
				}
				for ctx.Err() == nil {
					d := demand{who: who, limit: 100, slots: slots, patience: slotPatience}
					_, err := get(ctx, l, d, 10*time.Millisecond)
					var wait *inventory.QuotaExceeded
					switch {
					case errors.As(err, &wait):
						_ = sleep(ctx, time.Until(wait.Until))
					case err == nil:
						mu.Lock()
						served[who]++
						mu.Unlock()
						_ = sleep(ctx, 50*time.Second)
					}
				}
			})
		}
		callers.Wait()
		// 100 slots a minute for 210: each large one is served every other minute.
		if least := slices.Min(slices.Collect(maps.Values(served))); least < 35 || len(served) != 4 {
			t.Errorf("in two hours they were served %v times", served)
		}
	})
}

// TestTheUrgentGoFirst: neither those who wait nor those who were sent away keep
// an urgent caller from its reserve, nor from the next slot when that is used.
func TestTheUrgentGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		usual := demand{limit: 40, reserve: true, patience: patient}
		var callers sync.WaitGroup
		defer callers.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for i := range 60 { // 38 of them use the budget, the others wait
			callers.Go(func() {
				d := usual
				d.who = i
				_, _ = get(ctx, l, d, time.Duration(i)*time.Second)
			})
		}
		synctest.Wait()
		urgent := demand{limit: 40, patience: patient}
		for range 2 {
			if waited, err := get(ctx, l, urgent, 0); err != nil || waited != 0 {
				t.Errorf("an urgent call waited %s, error %v; want the reserve", waited, err)
			}
		}
		// The reserve is used up: the next slot is free a minute after the first of
		// all calls has ended.
		if waited, err := get(ctx, l, urgent, 0); err != nil || waited > window+time.Second {
			t.Errorf("an urgent call waited %s, error %v; want the first slot that is free", waited, err)
		}
	})
}

// TestEqualShares has callers ask for as much as they can get, each in another
// way: all get the same, and one who wants little gets all of it.
func TestEqualShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter("op", time.Now)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var mu sync.Mutex
		served := map[string]int{}
		var callers sync.WaitGroup
		for who, tt := range map[string]struct {
			workers  int
			pause    time.Duration
			patience time.Duration
		}{
			"many":    {16, 0, patient},
			"usual":   {8, 0, slotPatience},
			"few":     {4, 0, slotPatience},
			"refused": {8, 0, 0},
			"frugal":  {1, 30 * time.Second, slotPatience},
		} {
			for i := range tt.workers {
				callers.Go(func() {
					rng := rand.New(rand.NewPCG(1, uint64(i)))
					for ctx.Err() == nil {
						d := demand{who: who, limit: 42, reserve: true, patience: tt.patience}
						_, err := get(ctx, l, d, time.Duration(100+rng.IntN(1900))*time.Millisecond)
						var wait *inventory.QuotaExceeded
						switch {
						case errors.As(err, &wait):
							_ = sleep(ctx, time.Until(wait.Until))
						case err == nil:
							mu.Lock()
							served[who]++
							mu.Unlock()
							_ = sleep(ctx, tt.pause)
						}
					}
				})
			}
		}
		callers.Wait()
		sum := 0
		for who, n := range served {
			sum += n
			// 40 a minute: nearly two for the frugal, and 9 or 10 for each of the others.
			if who == "frugal" && n < 60 || who != "frugal" && (n < 500 || n > 630) {
				t.Errorf("%s was served %d times in an hour", who, n)
			}
		}
		if len(served) != 5 || sum < 40*55 {
			t.Errorf("%d calls in an hour, of 2400 that were there: %v", sum, served)
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var q queue
	held := map[any]int{}
	a := q.join(demand{who: "a", slots: 10})
	b := q.join(demand{who: "b", slots: 20, reserve: true})
	c := q.join(demand{slots: 1})
	usual := q.join(demand{who: "a", slots: 1, reserve: true})
	ahead := func(want ...int) {
		t.Helper()
		var got []int
		for _, p := range []*place{a, b, c, usual} {
			got = append(got, q.ahead(p, held))
		}
		if !slices.Equal(got, want) {
			t.Errorf("ahead of a, b, c and the usual one of a are %v, want %v", got, want)
		}
	}
	ahead(0, 11, 10, 31)
	// Who has had less goes first, whoever came first, and with each of its places
	// until it has had as much.
	held["b"], held["a"] = 9, 3
	ahead(1, 12, 0, 11)
	held["b"], held["a"], held[nil] = 0, 40, 41
	ahead(0, 11, 10, 31)
	clear(held)
	q.keep(a, now.Add(time.Minute))
	q.keep(c, now.Add(time.Minute)) // nobody knows it again
	ahead(0, 10, 10, 30)
	if len(q) != 3 {
		t.Errorf("%d places, want that of one who is nobody to be gone", len(q))
	}
	second := q.join(demand{who: "a", slots: 7})
	if second != a || a.slots != 7 || !a.kept.IsZero() {
		t.Errorf("who comes back has not got its place: %+v", a)
	}
	third := q.join(demand{who: "a", slots: 5})
	if third == a {
		t.Error("two of the same have one place")
	}
	q.keep(a, now.Add(time.Minute))
	q.keep(third, now.Add(time.Minute))
	if len(q) != 3 {
		t.Errorf("%d places, want one kept for each caller", len(q))
	}
	q.forget(now.Add(time.Minute + expected))
	if len(q) != 3 {
		t.Errorf("%d places, want it kept for a moment longer", len(q))
	}
	q.forget(now.Add(time.Minute + expected + time.Nanosecond))
	ahead(0, 0, 0, 20)
	if slices.Contains(q, a) || len(q) != 2 {
		t.Error("the place of one that did not come back is still kept")
	}
}
