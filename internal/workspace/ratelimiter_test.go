// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

func newTestRateLimiter(next caller, limit int) (c *rateLimiter, waits *[]time.Duration) {
	waits = new([]time.Duration)
	return &rateLimiter{
		next: next, limiters: ratelimit.NewRegistry(time.Now), endpoint: "https://h", tenant: "tenant", limit: limit, now: time.Now,
		onWait: func(_ string, waited time.Duration) { *waits = append(*waits, waited) },
	}, waits
}

func newLimitedRequest() *request {
	return &request{operation: operation{name: inventory.ListDesktops}, urgent: true, key: credentials.NewKey("AK", "SK", "")}
}

func TestRateLimiterWaitsOrReturnsQuotaExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &scriptedCaller{results: []result{success(), fail(inventory.Transient, 0)}}
		c, waits := newTestRateLimiter(next, 2)
		start := time.Now()
		for range 2 { // the one that fails uses a slot, too
			_, _ = c.do(t.Context(), newLimitedRequest())
		}
		var quota *inventory.QuotaExceeded
		_, err := c.do(t.Context(), newLimitedRequest())
		if !errors.As(err, &quota) || quota.Operation != inventory.ListDesktops || quota.Until.Sub(start) < time.Minute || len(next.calls) != 2 {
			t.Fatalf("error %v after %d requests, want the quota to be exceeded for a minute", err, len(next.calls))
		}
		time.Sleep(time.Until(quota.Until) - time.Second)
		if _, err := c.do(t.Context(), newLimitedRequest()); errors.As(err, &quota) || len(*waits) != 1 || (*waits)[0] != time.Second {
			t.Errorf("error %v, waits %v; want one of 1s", err, *waits)
		}
	})
}

func TestRateLimiterDecreasesBudgetOn429(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttled := result{
			&apierror.Response{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}},
			&inventory.Failure{Kind: inventory.Throttled, Status: http.StatusTooManyRequests},
		}
		next := &scriptedCaller{results: []result{fail(inventory.Throttled, http.StatusOK), throttled}}
		c, _ := newTestRateLimiter(next, 100)
		r := newLimitedRequest()
		_, _ = c.do(t.Context(), r)
		if got := c.budget(r.key, inventory.ListDesktops); got != 100 {
			t.Errorf("budget %d after an error with status 200, want 100", got)
		}
		_, _ = c.do(t.Context(), r)
		if got := c.budget(r.key, inventory.ListDesktops); got != 50 {
			t.Errorf("budget %d after a 429, want 50", got)
		}
		_, err := c.do(t.Context(), r)
		f := requireFailure(t, err)
		if f.Kind != inventory.Throttled || f.Status != 0 || f.Operation != inventory.ListDesktops || f.Hint == "" || len(next.calls) != 2 {
			t.Errorf("failure %v after %d requests, want that no request is sent during Retry-After", &f, len(next.calls))
		}
	})
}

func TestRateLimiterTakesReservedSlotsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &scriptedCaller{results: []result{success()}}
		c, _ := newTestRateLimiter(next, 3)
		r := newLimitedRequest()
		reserved, err := c.reserve(t.Context(), r.key, inventory.ListDesktops, 2, true)
		if err != nil {
			t.Fatal(err)
		}
		r.reserved = reserved
		for range 3 { // two reserved slots, and the last one
			if _, err := c.do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		var quota *inventory.QuotaExceeded
		if _, err := c.do(t.Context(), r); !errors.As(err, &quota) {
			t.Errorf("error %v, want the quota to be exceeded", err)
		}
	})
}
