// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// request is one request to the API, possibly sent several times.
type request struct {
	operation
	urgent    bool                    // may use the reserve of the quota
	reserved  *ratelimit.Reservation  // slots that are used first; nil: none
	projectID string                  // "": of no project, as requests to IAM
	decode    func(body []byte) error // decodes the body of a response with status 200
	key       *credentials.Key        // signs the request; set by authenticator
}

// caller sends a request. Callers are stacked as middleware: a retrier calls an
// authenticator, which calls a circuitBreaker, a rateLimiter, a decoder, a
// recorder and at last an sdkCaller, see newEndpointClient.
type caller interface {
	// do returns the response, and an error if it is not the wanted one. The
	// response is nil if none was received. The errors of all callers above the
	// decoder are *inventory.Failure or *inventory.QuotaExceeded.
	do(ctx context.Context, r *request) (*apierror.Response, error)
}

// maxRetryAfter is the longest Retry-After that is honoured.
const maxRetryAfter = time.Minute

// retryAfter returns the pause that a response demands; 0 means none.
func retryAfter(resp *apierror.Response, now time.Time) time.Duration {
	if resp == nil || resp.Status == http.StatusOK {
		return 0
	}
	pause, _ := httpheader.RetryAfter(resp.Header, now)
	return min(pause, maxRetryAfter)
}

// fromWait converts the error of a wait for permission to send a request.
func fromWait(operation, host string, err error) error {
	var (
		exceeded *ratelimit.ExceededError
		blocked  *ratelimit.BlockedError
		quota    *inventory.QuotaExceeded
		failure  *inventory.Failure
	)
	switch {
	case errors.As(err, &exceeded):
		return &inventory.QuotaExceeded{Operation: operation, Until: exceeded.Until}
	case errors.As(err, &blocked):
		return &inventory.Failure{
			Kind: inventory.Throttled, Operation: operation,
			Detail: blocked.Error(), Hint: apierror.Hint(operation, inventory.Throttled, ""),
		}
	case errors.As(err, &quota):
		return quota
	case errors.As(err, &failure):
		return failure
	default:
		return apierror.FromTransport(operation, host, err)
	}
}
