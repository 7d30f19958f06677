// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// TestCircuitBreaker checks what each result reports to the breaker of the key:
// whether another request is sent, and whether many may be in flight.
func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result result
		open   bool
		closed bool
	}{
		"success":                       {success(), false, true},
		"malformed response":            {result{&apierror.Response{Status: 200}, &inventory.Failure{Kind: inventory.Malformed, Status: 200}}, false, true},
		"refused key":                   {fail(inventory.Authentication, 401), true, false},
		"refused key with status 200":   {fail(inventory.Authentication, 200), false, true},
		"denied":                        {fail(inventory.Denied, 403), false, true},
		"Workspace is not enabled":      {fail(inventory.Disabled, 403), false, true},
		"server error":                  {fail(inventory.Transient, 500), false, false},
		"throttled":                     {fail(inventory.Throttled, 429), false, false},
		"no response":                   {fail(inventory.Transient, 0), false, false},
		"quota exceeded, so not sent":   {result{err: &inventory.QuotaExceeded{}}, false, false},
		"transport of another software": {fail(inventory.Malformed, 302), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := &scriptedCaller{results: []result{tt.result}}
				c := &circuitBreaker{next: next, breakers: credentials.NewBreakers(time.Now), endpoint: "https://h"}
				r := &request{operation: operation{name: inventory.ListDesktops}, key: credentials.NewKey("AK", "SK", "")}
				resp, err := c.do(t.Context(), r)
				if resp != tt.result.resp || !errors.Is(err, tt.result.err) {
					t.Errorf("response %v, error %v; want those of the next caller", resp, err)
				}
				breaker := c.breakers.Breaker(r.key)
				if open := breaker.OpenError(inventory.ListDesktops) != nil; open != tt.open {
					t.Errorf("open: %t, want %t", open, tt.open)
				}
				if tt.open {
					if _, err := c.do(t.Context(), r); err == nil || len(next.calls) != 1 {
						t.Errorf("error %v, %d requests; want no second one", err, len(next.calls))
					}
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				for range 2 {
					_, _, err = breaker.Acquire(ctx, inventory.ListDesktops, c.endpoint)
				}
				if closed := err == nil; closed != tt.closed {
					t.Errorf("closed: %t, want %t", closed, tt.closed)
				}
			})
		})
	}
}

// TestCircuitBreakerCancelsRequestsInFlight checks that a refusal ends the other
// requests with the key, with the refusal as their error.
func TestCircuitBreakerCancelsRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		breakers := credentials.NewBreakers(time.Now)
		r := &request{operation: operation{name: inventory.ListDesktops}, key: credentials.NewKey("AK", "SK", "")}
		hanging := &circuitBreaker{breakers: breakers, endpoint: "https://a", next: callerFunc(func(ctx context.Context, r *request) (*apierror.Response, error) {
			<-ctx.Done()
			return nil, apierror.FromTransport(r.name, "a", ctx.Err())
		})}
		errs := make(chan error, 1)
		go func() {
			_, err := hanging.do(t.Context(), r)
			errs <- err
		}()
		synctest.Wait()
		refused := &circuitBreaker{breakers: breakers, endpoint: "https://b", next: &scriptedCaller{results: []result{fail(inventory.Authentication, http.StatusUnauthorized)}}}
		if _, err := refused.do(t.Context(), r); err == nil {
			t.Error("no error of the refused request")
		}
		if f := requireFailure(t, <-errs); f.Kind != inventory.Authentication || f.Status != http.StatusUnauthorized {
			t.Errorf("failure %v, want the refusal", &f)
		}
	})
}

func TestCircuitBreakerWaitReturnsOnCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &circuitBreaker{breakers: credentials.NewBreakers(time.Now), endpoint: "https://h", next: &scriptedCaller{results: []result{success()}}}
		r := &request{operation: operation{name: inventory.ListDesktops}, key: credentials.NewKey("AK", "SK", "")}
		_, permit, err := c.breakers.Breaker(r.key).Acquire(t.Context(), inventory.ListDesktops, c.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer permit.Release(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.do(ctx, r)
		if f := requireFailure(t, err); f.Kind != inventory.Transient || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("failure %v, want a transient one", &f)
		}
	})
}
