// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"net/http"
	"os"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// Telemetry is told what the cloud is asked. Its methods may be called at once.
type Telemetry interface {
	// Request is one call that ended; code is its HTTP status, or "error".
	Request(region, operation, code string, took time.Duration)
	Retry(region, operation string)
	// ThrottleWait is time that a call waited for quota.
	ThrottleWait(region, operation string, waited time.Duration)
	// Dropped counts parts of answers that were left out.
	Dropped(reason string, n int)
	// Sanitized counts texts that were no valid UTF-8.
	Sanitized(n int)
}

// Options of a Client. All may be absent.
type Options struct {
	Logger    log.Logger
	Telemetry Telemetry
	Now       func() time.Time    // of the same clock as the timers
	Getenv    func(string) string // of the environment: credentials, proxies, endpoints
	UserAgent string
	// Transports has the connections to the cloud. Nil: a pool of its own.
	Transports *httptransport.Pool
	// Dial opens the connections to this host's own services and, without
	// Transports, to the cloud.
	Dial httptransport.DialFunc
}

// Client is what all projects share, and what survives a reload: connections,
// quota, credentials and the state of access keys.
type Client struct {
	logger      log.Logger
	telemetry   Telemetry
	now         func() time.Time
	getenv      func(string) string
	userAgent   string
	transports  *httptransport.Pool
	direct      *http.Transport
	limiters    *ratelimit.Registry
	breakers    *credentials.Breakers
	credentials *credentials.Pool
}

// NewClient makes a cloud. It asks nothing yet.
func NewClient(o Options) *Client {
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	if o.Telemetry == nil {
		o.Telemetry = silent{}
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

// Close lets go of idle connections, after all projects are closed.
func (c *Client) Close() { c.direct.CloseIdleConnections() }

// Quotas returns the state of each API quota in use, in a fixed order.
func (c *Client) Quotas() []ratelimit.Quota { return c.limiters.Quotas() }

// report counts what was dropped from an answer and cleaned in it.
func (c *Client) report(counts decode.Counts) {
	for reason, n := range counts.Dropped {
		c.telemetry.Dropped(reason, n)
	}
	if counts.InvalidUTF8 > 0 {
		c.telemetry.Sanitized(counts.InvalidUTF8)
	}
}

// silent is a Telemetry that tells nobody.
type silent struct{}

func (silent) Request(string, string, string, time.Duration) {}
func (silent) Retry(string, string)                          {}
func (silent) ThrottleWait(string, string, time.Duration)    {}
func (silent) Dropped(string, int)                           {}
func (silent) Sanitized(int)                                 {}
