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

	"github.com/cenkalti/backoff/v5"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

func TestRetrier(t *testing.T) {
	t.Parallel()
	quota := result{err: &inventory.QuotaExceeded{}}
	final := result{err: backoff.Permanent(&inventory.Failure{Kind: inventory.Transient})}
	for name, tt := range map[string]struct {
		results []result
		calls   int
		failed  bool
	}{
		"success":                     {[]result{success()}, 1, false},
		"transient, then success":     {[]result{fail(inventory.Transient, 503), success()}, 2, false},
		"no response, then success":   {[]result{fail(inventory.Transient, 0), success()}, 2, false},
		"throttled, then success":     {[]result{fail(inventory.Throttled, 429), success()}, 2, false},
		"transient, and no end":       {[]result{fail(inventory.Transient, 503)}, maxAttempts, true},
		"throttled before it is sent": {[]result{fail(inventory.Throttled, 0)}, 1, true},
		"denied":                      {[]result{fail(inventory.Denied, 403)}, 1, true},
		"refused key":                 {[]result{fail(inventory.Authentication, 401)}, 1, true},
		"quota":                       {[]result{quota}, 1, true},
		"permanent":                   {[]result{final}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := &scriptedCaller{results: tt.results}
				retries := 0
				c := &retrier{next: next, now: time.Now, onRetry: func(string) { retries++ }}
				_, err := c.do(t.Context(), &request{})
				if len(next.calls) != tt.calls || retries != tt.calls-1 || (err != nil) != tt.failed {
					t.Errorf("%d calls, %d retries, error %v; want %d calls, failed %t", len(next.calls), retries, err, tt.calls, tt.failed)
				}
				if _, ok := errors.AsType[*backoff.PermanentError](err); ok {
					t.Errorf("error %v is for the retrier alone", err)
				}
			})
		})
	}
}

func TestRetrierHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := result{
			&apierror.Response{Status: 503, Header: http.Header{"Retry-After": {"20"}}},
			&inventory.Failure{Kind: inventory.Transient, Status: 503},
		}
		c := &retrier{next: &scriptedCaller{results: []result{busy, success()}}, now: time.Now, onRetry: func(string) {}}
		start := time.Now()
		if _, err := c.do(t.Context(), &request{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("took %s, want 20s", took)
		}
		// A retry after the deadline is useless, so the failure returns at once.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c.next = &scriptedCaller{results: []result{busy}}
		start = time.Now()
		if _, err := c.do(ctx, &request{}); err == nil || time.Since(start) != 0 {
			t.Errorf("error %v after %s, want the failure at once", err, time.Since(start))
		}
		// A context that ends during the pause ends the pause.
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start = time.Now()
		if _, err := c.do(ctx, &request{}); err == nil || time.Since(start) != time.Second {
			t.Errorf("error %v after %s, want the failure after 1s", err, time.Since(start))
		}
	})
}
