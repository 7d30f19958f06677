// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"os"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// Telemetry counts requests. Its methods may be called concurrently.
type Telemetry interface {
	// Request counts a request; code is its HTTP status, or "error" without a
	// response.
	Request(region, operation, code string, took time.Duration)
	// Retry counts a repetition of a request.
	Retry(region, operation string)
	// ThrottleWait adds time that a request waited for the quota.
	ThrottleWait(region, operation string, waited time.Duration)
	// Dropped counts elements of responses that were dropped.
	Dropped(reason string, n int)
	// Sanitized counts strings whose invalid UTF-8 was replaced.
	Sanitized(n int)
}

// Options of a Client. All are optional.
type Options struct {
	Logger    log.Logger
	Telemetry Telemetry
	Now       func() time.Time    // of the clock of timers
	Getenv    func(string) string // for credentials, proxies and endpoints
	UserAgent string
	// Transports has the connections to the cloud. Nil is a new pool.
	Transports *httptransport.Pool
	// Dial opens the connections to services of this host and, if Transports is
	// nil, to the cloud.
	Dial httptransport.DialFunc
}

// Client has what all projects share, and what outlives a reload: connections,
// quota, credentials and circuit breakers.
type Client struct {
	logger      log.Logger
	telemetry   Telemetry
	now         func() time.Time
	getenv      func(string) string
	userAgent   string
	transports  *httptransport.Pool
	direct      *httptransport.Transport
	limiters    *ratelimit.Registry
	breakers    *credentials.Breakers
	credentials *credentials.Pool
}

// NewClient returns a client. It sends nothing.
func NewClient(o Options) *Client {
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	if o.Telemetry == nil {
		o.Telemetry = noTelemetry{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Transports == nil {
		o.Transports = httptransport.NewPool(o.Dial, o.Getenv)
	}
	if o.UserAgent == "" {
		o.UserAgent = "huaweicloud_workspace_exporter"
	}
	direct, limiters := httptransport.NewDirect(o.Dial), ratelimit.NewRegistry(o.Now)
	return &Client{
		logger:     o.Logger,
		telemetry:  o.Telemetry,
		now:        o.Now,
		getenv:     o.Getenv,
		userAgent:  o.UserAgent,
		transports: o.Transports,
		direct:     direct,
		limiters:   limiters,
		breakers:   credentials.NewBreakers(o.Now),
		credentials: credentials.NewPool(credentials.Options{
			Now: o.Now, Getenv: o.Getenv, UserAgent: o.UserAgent, Direct: direct, KeyRotated: limiters.KeyRotated,
		}),
	}
}

// Close closes idle connections. All projects and accounts must be closed before.
func (c *Client) Close() { c.direct.CloseIdleConnections() }

// Quotas returns the state of each API quota in use, in a fixed order.
func (c *Client) Quotas() []ratelimit.Quota { return c.limiters.Quotas() }

// report counts what was dropped from a response or replaced in it.
func (c *Client) report(counts decode.Counts) {
	for reason, n := range counts.Dropped {
		c.telemetry.Dropped(reason, n)
	}
	if counts.InvalidUTF8 > 0 {
		c.telemetry.Sanitized(counts.InvalidUTF8)
	}
}

// noTelemetry is a Telemetry that counts nothing.
type noTelemetry struct{}

func (noTelemetry) Request(string, string, string, time.Duration) {}
func (noTelemetry) Retry(string, string)                          {}
func (noTelemetry) ThrottleWait(string, string, time.Duration)    {}
func (noTelemetry) Dropped(string, int)                           {}
func (noTelemetry) Sanitized(int)                                 {}
