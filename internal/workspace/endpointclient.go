// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
)

// endpointClient sends requests to one endpoint for one project or account.
type endpointClient struct {
	chain         caller
	authenticator *authenticator
	rateLimiter   *rateLimiter
	sdk           *sdkCaller
}

// endpointOptions are the options of an endpointClient.
type endpointOptions struct {
	endpoint   string
	connection *connection
	limits     config.Limits
	tenant     any    // for fair shares of the quota; nil: none in particular
	region     string // for metrics and log
	name       string // of the project or account, for the log
}

// newEndpointClient returns a client whose requests pass, from the outside in, a
// retrier, an authenticator, a circuit breaker, a rate limiter, a decoder and a
// recorder, before the SDK builds and signs them.
func (c *Client) newEndpointClient(o endpointOptions) *endpointClient {
	host := hostOf(o.endpoint)
	sdk := &sdkCaller{transport: o.connection.transport, endpoint: o.endpoint, userAgent: c.userAgent}
	recorder := &recorder{
		next: sdk, now: c.now, logger: c.logger, telemetry: c.telemetry, project: o.name, region: o.region, host: host,
	}
	decoder := &decoder{next: recorder, host: host, now: c.now}
	rateLimiter := &rateLimiter{
		next: decoder, limiters: c.limiters, endpoint: o.endpoint, tenant: o.tenant, limit: o.limits.RequestsPerMinute, now: c.now,
		onWait: func(operation string, waited time.Duration) { c.telemetry.ThrottleWait(o.region, operation, waited) },
	}
	breaker := &circuitBreaker{next: rateLimiter, breakers: c.breakers, endpoint: o.endpoint}
	authenticator := &authenticator{next: breaker, keys: o.connection.keys}
	retrier := &retrier{next: authenticator, now: c.now, onRetry: func(operation string) { c.telemetry.Retry(o.region, operation) }}
	return &endpointClient{chain: retrier, authenticator: authenticator, rateLimiter: rateLimiter, sdk: sdk}
}

// do sends a request. Its errors are *inventory.Failure or
// *inventory.QuotaExceeded.
func (c *endpointClient) do(ctx context.Context, r *request) error {
	_, err := c.chain.do(ctx, r)
	return err
}

// reserve reserves slots of the quota for several requests of an operation. If
// they exceed the budget of a minute, it reserves none: each request then waits
// for its own slot.
func (c *endpointClient) reserve(ctx context.Context, operation string, slots int) (*ratelimit.Reservation, error) {
	k, err := c.authenticator.keys.Key(ctx)
	if err != nil {
		return nil, credentials.Failure(operation, err)
	}
	if slots > c.rateLimiter.budget(k, operation) {
		return nil, nil
	}
	return c.rateLimiter.reserve(ctx, k, operation, slots, true)
}
