// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

const maxAttempts = 4

// retrier repeats requests whose failure may pass, with exponential backoff and
// full jitter, or after the response's Retry-After if that is longer.
//
// The SDK's own retries are not used: they have no context, so they would sleep
// through a cancelled scrape; they ignore Retry-After; and they would bypass the
// rate limiter and the circuit breaker.
type retrier struct {
	next    caller
	now     func() time.Time
	onRetry func(operation string)
}

func (c *retrier) do(ctx context.Context, r *request) (*apierror.Response, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 250 * time.Millisecond
	pauses.Multiplier = 3
	pauses.RandomizationFactor = 1 // full jitter
	for attempt := 1; ; attempt++ {
		resp, err := c.next.do(ctx, r)
		if permanent, ok := errors.AsType[*backoff.PermanentError](err); ok {
			return resp, permanent.Unwrap()
		}
		if !isRetryable(err) || attempt == maxAttempts || ctx.Err() != nil {
			return resp, err
		}
		pause := max(retryAfter(resp, c.now()), pauses.NextBackOff())
		if deadline, ok := ctx.Deadline(); ok && c.now().Add(pause).After(deadline) {
			return resp, err
		}
		c.onRetry(r.name)
		if ratelimit.Sleep(ctx, pause) != nil {
			return resp, err
		}
	}
}

// isRetryable reports whether a request may succeed when it is repeated. After a
// 429 it may; but if it was not sent because of an earlier 429, the pause is too
// long for this request.
func isRetryable(err error) bool {
	f, ok := errors.AsType[*inventory.Failure](err)
	return ok && (f.Kind == inventory.Transient || f.Kind == inventory.Throttled && f.Status != 0)
}
