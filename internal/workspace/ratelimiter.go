// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// maxQuotaWait is the longest wait for slots of the quota.
const maxQuotaWait = 5 * time.Second

// rateLimiter sends requests when the quota of their key, operation and endpoint
// permits it, and lowers the quota after a 429.
type rateLimiter struct {
	next     caller
	limiters *ratelimit.Registry
	endpoint string
	tenant   any
	limit    int // requests per minute
	now      func() time.Time
	onWait   func(operation string, waited time.Duration)
}

func (c *rateLimiter) do(ctx context.Context, r *request) (*apierror.Response, error) {
	permit, ok := r.reserved.Take()
	if !ok {
		reserved, err := c.reserve(ctx, r.key, r.name, 1, r.urgent)
		if err != nil {
			return nil, err
		}
		permit, _ = reserved.Take()
	}
	defer permit.Done()
	resp, err := c.next.do(ctx, r)
	if f, ok := errors.AsType[*inventory.Failure](err); ok && f.Kind == inventory.Throttled && resp != nil && resp.Status != http.StatusOK {
		permit.Throttled(retryAfter(resp, c.now()))
	}
	return resp, err
}

// reserve waits for slots.
func (c *rateLimiter) reserve(ctx context.Context, k *credentials.Key, operation string, slots int, urgent bool) (*ratelimit.Reservation, error) {
	reserved, waited, err := c.limiters.Limiter(operation, c.endpoint, k.AccessKey).Acquire(ctx, ratelimit.Request{
		Tenant: c.tenant, Limit: c.limit, Slots: slots, Urgent: urgent, MaxWait: maxQuotaWait,
	})
	if waited > 0 {
		c.onWait(operation, waited)
	}
	if err != nil {
		return nil, fromWait(operation, hostOf(c.endpoint), err)
	}
	return reserved, nil
}

// budget returns the slots per minute that are in force.
func (c *rateLimiter) budget(k *credentials.Key, operation string) int {
	_, budget, _ := c.limiters.Limiter(operation, c.endpoint, k.AccessKey).Available(c.limit)
	return budget
}
