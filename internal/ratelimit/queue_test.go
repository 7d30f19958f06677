// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

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
)

// TestReturningTenantsAreServed has tenants that want most of a budget at once,
// or a little of it, and return when the error says. One of them returns before
// the others each time: it must not be the only one that is served.
func TestReturningTenantsAreServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
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
					d := Request{Tenant: who, Limit: 100, Slots: slots, MaxWait: maxWait, Urgent: true}
					_, err := acquire(ctx, l, d, 10*time.Millisecond)
					var wait *ExceededError
					switch {
					case errors.As(err, &wait):
						_ = Sleep(ctx, time.Until(wait.Until))
					case err == nil:
						mu.Lock()
						served[who]++
						mu.Unlock()
						_ = Sleep(ctx, 50*time.Second)
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

// TestUrgentFirst checks that waiting requests, and tenants that are expected
// back, take neither the reserve nor the next free slot from an urgent request.
func TestUrgentFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
		usual := Request{Limit: 40, MaxWait: unlimited}
		var callers sync.WaitGroup
		defer callers.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for i := range 60 { // 38 of them use the budget, the others wait
			callers.Go(func() {
				d := usual
				d.Tenant = i
				_, _ = acquire(ctx, l, d, time.Duration(i)*time.Second)
			})
		}
		synctest.Wait()
		urgent := Request{Limit: 40, MaxWait: unlimited, Urgent: true}
		for range 2 {
			if waited, err := acquire(ctx, l, urgent, 0); err != nil || waited != 0 {
				t.Errorf("an urgent request waited %s, error %v; want the reserve", waited, err)
			}
		}
		// The reserve is in use: the next slot is free a window after the first
		// request completed.
		if waited, err := acquire(ctx, l, urgent, 0); err != nil || waited > window+time.Second {
			t.Errorf("an urgent request waited %s, error %v; want the first free slot", waited, err)
		}
	})
}

// TestEqualShares has tenants that send as many requests as they can, each in
// another way: all get the same share, and one that wants little gets all of it.
func TestEqualShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(time.Now)
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
			"many":    {16, 0, unlimited},
			"usual":   {8, 0, maxWait},
			"few":     {4, 0, maxWait},
			"refused": {8, 0, 0},
			"frugal":  {1, 30 * time.Second, maxWait},
		} {
			for i := range tt.workers {
				callers.Go(func() {
					rng := rand.New(rand.NewPCG(1, uint64(i)))
					for ctx.Err() == nil {
						d := Request{Tenant: who, Limit: 42, MaxWait: tt.patience}
						_, err := acquire(ctx, l, d, time.Duration(100+rng.IntN(1900))*time.Millisecond)
						var wait *ExceededError
						switch {
						case errors.As(err, &wait):
							_ = Sleep(ctx, time.Until(wait.Until))
						case err == nil:
							mu.Lock()
							served[who]++
							mu.Unlock()
							_ = Sleep(ctx, tt.pause)
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
			t.Errorf("%d requests in an hour, of a budget of 2400: %v", sum, served)
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var q queue
	held := map[any]int{}
	a := q.enqueue(Request{Tenant: "a", Slots: 10, Urgent: true})
	b := q.enqueue(Request{Tenant: "b", Slots: 20})
	c := q.enqueue(Request{Slots: 1, Urgent: true})
	usual := q.enqueue(Request{Tenant: "a", Slots: 1})
	ahead := func(want ...int) {
		t.Helper()
		var got []int
		for _, p := range []*waiter{a, b, c, usual} {
			got = append(got, q.slotsAhead(p, held))
		}
		if !slices.Equal(got, want) {
			t.Errorf("slots ahead of a, b, c and the normal one of a are %v, want %v", got, want)
		}
	}
	ahead(0, 11, 10, 31)
	// The tenant with fewer slots goes first with each of its waiters, until it has
	// as many.
	held["b"], held["a"] = 9, 3
	ahead(1, 12, 0, 11)
	held["b"], held["a"], held[nil] = 0, 40, 41
	ahead(0, 11, 10, 31)
	clear(held)
	q.hold(a, now.Add(time.Minute))
	q.hold(c, now.Add(time.Minute)) // a request without a tenant is not expected back
	ahead(0, 10, 10, 30)
	if len(q) != 3 {
		t.Errorf("%d places, want the one without a tenant to be gone", len(q))
	}
	second := q.enqueue(Request{Tenant: "a", Slots: 7, Urgent: true})
	if second != a || a.Slots != 7 || !a.heldUntil.IsZero() {
		t.Errorf("a tenant that returns did not get its place: %+v", a)
	}
	third := q.enqueue(Request{Tenant: "a", Slots: 5, Urgent: true})
	if third == a {
		t.Error("two requests of one tenant have the same place")
	}
	q.hold(a, now.Add(time.Minute))
	q.hold(third, now.Add(time.Minute))
	if len(q) != 3 {
		t.Errorf("%d places, want one held for each tenant", len(q))
	}
	q.expire(now.Add(time.Minute + returnGrace))
	if len(q) != 3 {
		t.Errorf("%d places, want it held during the grace", len(q))
	}
	q.expire(now.Add(time.Minute + returnGrace + time.Nanosecond))
	ahead(0, 0, 0, 20)
	if slices.Contains(q, a) || len(q) != 2 {
		t.Error("the place of a tenant that did not return is still held")
	}
}
