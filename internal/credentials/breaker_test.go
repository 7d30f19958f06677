// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		breakers := NewBreakers(time.Now)
		b := breakers.Breaker(NewKey("a", "b", ""))
		acquire := func(endpoint string) *Permit {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, p, err := b.Acquire(ctx, inventory.ListDesktops, endpoint)
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			return p
		}
		a := acquire("a")
		if acquire("a") != nil {
			t.Error("two requests try a new key at one endpoint")
		}
		second, third := acquire("b"), acquire("c")
		if second == nil || third == nil || acquire("d") != nil {
			t.Errorf("a new key is not tried by %d requests", maxTrials)
		}
		a.Release(true)
		var more []*Permit
		for range 100 {
			more = append(more, acquire("a"))
		}
		if more[99] == nil {
			t.Fatal("a closed breaker limits the requests")
		}
		for _, p := range append(more, second, third) {
			p.Release(false)
		}
		time.Sleep(successTTL)
		var f *inventory.Failure
		first := acquire("a")
		if acquire("a") != nil {
			t.Error("a breaker is closed a minute after the last success")
		}
		for _, want := range []time.Duration{5, 10, 20, 30, 30} {
			first.Refuse(&inventory.Failure{Kind: inventory.Authentication})
			if _, _, err := b.Acquire(t.Context(), inventory.ListDesktops, "a"); !errors.As(err, &f) || f.Kind != inventory.Authentication {
				t.Errorf("error %v, want the refusal", err)
			}
			time.Sleep(want*time.Minute - time.Second)
			if b.OpenError(inventory.ListDesktops) == nil {
				t.Errorf("not open any more before %d minutes are over", want)
			}
			time.Sleep(time.Second)
			if first = acquire("a"); first == nil {
				t.Fatalf("still open after %d minutes", want)
			}
			if acquire("b") != nil {
				t.Error("a half-open breaker permits two requests")
			}
		}
		first.Release(true)
		if acquire("x") == nil || b.pause != 0 {
			t.Error("a success does not reset the breaker")
		}
		time.Sleep(breakerTTL + time.Second)
		breakers.Breaker(NewKey("other", "", ""))
		if len(breakers.breakers) != 2 {
			t.Errorf("%d breakers, want 2: one has a request in flight", len(breakers.breakers))
		}
	})
}
