// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// callerFunc is a caller that is a function.
type callerFunc func(ctx context.Context, r *request) (*apierror.Response, error)

func (f callerFunc) do(ctx context.Context, r *request) (*apierror.Response, error) { return f(ctx, r) }

// scriptedCaller returns the results in order, and the last one again and again.
type scriptedCaller struct {
	results []result
	calls   []request
}

type result struct {
	resp *apierror.Response
	err  error
}

func (c *scriptedCaller) do(_ context.Context, r *request) (*apierror.Response, error) {
	next := c.results[min(len(c.calls), len(c.results)-1)]
	c.calls = append(c.calls, *r)
	return next.resp, next.err
}

// success is the result of a request with status 200.
func success() result { return result{resp: &apierror.Response{Status: http.StatusOK}} }

// fail returns a result with a failure. Status 0 is that of a request without a
// response.
func fail(kind inventory.FailureKind, status int) result {
	f := &inventory.Failure{Kind: kind, Status: status}
	if status == 0 {
		return result{err: f}
	}
	return result{&apierror.Response{Status: status, Header: http.Header{}}, f}
}

func TestRetryAfterOfResponse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{503, "", 0},
		{503, "7", 7 * time.Second},
		{429, "3600", maxRetryAfter},
		{429, now.Add(30 * time.Second).Format(http.TimeFormat), 30 * time.Second},
		{429, now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{429, "soon", 0},
		{200, "7", 0}, // an error with status 200 is not the gateway's
	} {
		resp := &apierror.Response{Status: tt.status, Header: http.Header{"Retry-After": {tt.value}}}
		if got := retryAfter(resp, now); got != tt.want {
			t.Errorf("status %d, Retry-After %q: %s, want %s", tt.status, tt.value, got, tt.want)
		}
	}
	if got := retryAfter(nil, now); got != 0 {
		t.Errorf("no response: %s, want 0", got)
	}
}
