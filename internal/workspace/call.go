// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

const (
	callTimeout  = 30 * time.Second // of one call, from dialling to the end of the answer
	maxTries     = 4
	maxPause     = time.Minute // the longest Retry-After that is obeyed
	slotPatience = 5 * time.Second
)

// line makes calls to one endpoint in the name of one project: it takes a slot
// of the quota, gets past the guard of the key, asks, classifies and retries.
type line struct {
	cloud   *Cloud
	wire    wire
	keys    *credentials.Cache
	limit   int // requests per minute
	who     any // on whose behalf slots are taken
	region  string
	project string // its name, for the log
}

// ask makes a call and lets decode read its answer. decode's error says that
// the answer is not what it should be. Slots that were reserved before are used up
// first.
func (l *line) ask(ctx context.Context, op operation, urgent bool, reserved *ratelimit.Reservation, decode func(body []byte) error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 250 * time.Millisecond
	pauses.Multiplier = 3
	pauses.RandomizationFactor = 1 // full jitter
	renewed := false
	for try := 1; ; try++ {
		k, err := l.keys.Key(ctx)
		if err != nil {
			return credentials.Failure(op.name, err)
		}
		pause, err := l.try(ctx, k, op, urgent, reserved, decode)
		var f *inventory.Failure
		if !errors.As(err, &f) {
			return err // none, or an *inventory.QuotaExceeded
		}
		switch f.Kind {
		case inventory.Authentication:
			// Temporary keys may end before they said they would.
			if renewed || !l.keys.Renew(ctx, k) {
				return f
			}
			renewed = true
			continue
		case inventory.Transient, inventory.Throttled:
		default:
			return f
		}
		if f.Kind == inventory.Throttled && f.Status == 0 {
			return f // the cloud's silence lasts too long for a retry
		}
		if try == maxTries || ctx.Err() != nil {
			return f
		}
		pause = max(pause, pauses.NextBackOff())
		if deadline, ok := ctx.Deadline(); ok && l.cloud.now().Add(pause).After(deadline) {
			return f
		}
		l.cloud.telemetry.Retry(l.region, op.name)
		if ratelimit.Sleep(ctx, pause) != nil {
			return f
		}
	}
}

// try makes a call once. pause is how long the cloud wants to be left alone.
func (l *line) try(ctx context.Context, k *credentials.Key, op operation, urgent bool, reserved *ratelimit.Reservation, decode func(body []byte) error) (pause time.Duration, err error) {
	guard := l.cloud.breakers.Breaker(k)
	if f := guard.OpenError(op.name); f != nil {
		return 0, f // before a slot is spent on it
	}
	permit, ok := reserved.Take()
	if !ok {
		granted, err := l.reserve(ctx, k, op.name, urgent, 1)
		if err != nil {
			return 0, err
		}
		permit, _ = granted.Take()
	}
	callCtx, pass, err := guard.Acquire(ctx, op.name, l.wire.endpoint)
	if err != nil {
		permit.Cancel()
		return 0, l.givenUp(op.name, err)
	}
	defer permit.Done()
	callCtx, cancel := context.WithTimeout(callCtx, callTimeout)
	defer cancel()

	start := l.cloud.now()
	a, err := l.wire.do(callCtx, k, op)
	took := l.cloud.now().Sub(start)
	l.record(op.name, a, took, err)

	switch {
	case err != nil && errors.Is(context.Cause(callCtx), credentials.ErrBreakerOpened):
		pass.Release(false)
		if f := guard.OpenError(op.name); f != nil {
			return 0, f
		}
		return 0, apierror.FromTransport(op.name, hostOf(l.wire.endpoint), err)
	case err != nil:
		pass.Release(false)
		return 0, apierror.FromTransport(op.name, hostOf(l.wire.endpoint), err)
	}
	if a.Status == http.StatusOK {
		pass.Release(true)
		return 0, l.read(op.name, a, decode)
	}
	f := apierror.FromResponse(op.name, a, l.cloud.now())
	if f.Kind == inventory.Authentication {
		pass.Refuse(f)
		return 0, f
	}
	pass.Release(f.Kind == inventory.Denied || f.Kind == inventory.Disabled)
	pause, _ = httpheader.RetryAfter(a.Header, l.cloud.now())
	pause = min(pause, maxPause)
	if f.Kind == inventory.Throttled {
		permit.Throttled(pause)
	}
	return pause, f
}

// reserve waits for slots of the quota.
func (l *line) reserve(ctx context.Context, k *credentials.Key, operation string, urgent bool, slots int) (*ratelimit.Reservation, error) {
	reserved, waited, err := l.cloud.limiters.Limiter(operation, l.wire.endpoint, k.AccessKey).Acquire(ctx, ratelimit.Request{
		Tenant: l.who, Limit: l.limit, Slots: slots, Urgent: urgent, MaxWait: slotPatience,
	})
	if waited > 0 {
		l.cloud.telemetry.ThrottleWait(l.region, operation, waited)
	}
	if err != nil {
		return nil, l.givenUp(operation, err)
	}
	return reserved, nil
}

// read decodes an answer with status 200. One without the list may hold an
// error instead.
func (l *line) read(operation string, a *apierror.Response, decodeBody func(body []byte) error) error {
	err := decodeBody(a.Body)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, decode.ErrNoList):
		return apierror.FromResponse(operation, a, l.cloud.now())
	default:
		return apierror.FromDecode(operation, a, err)
	}
}

// givenUp makes a failure of a wait that ended before the call was made.
func (l *line) givenUp(operation string, err error) error {
	var (
		exceeded *ratelimit.ExceededError
		blocked  *ratelimit.BlockedError
		wait     *inventory.QuotaExceeded
		f        *inventory.Failure
	)
	switch {
	case errors.As(err, &exceeded):
		return &inventory.QuotaExceeded{Operation: operation, Until: exceeded.Until}
	case errors.As(err, &blocked):
		return &inventory.Failure{
			Kind: inventory.Throttled, Operation: operation, Detail: blocked.Error(), Hint: apierror.Hint(operation, inventory.Throttled, ""),
		}
	case errors.As(err, &wait):
		return wait
	case errors.As(err, &f):
		return f
	default:
		return apierror.FromTransport(operation, hostOf(l.wire.endpoint), err)
	}
}

// record counts and logs a call. The log knows neither key nor query.
func (l *line) record(operation string, a *apierror.Response, took time.Duration, err error) {
	code, id := "error", ""
	if a != nil {
		code = strconv.Itoa(a.Status)
		id = apierror.RequestID(a.Header)
	}
	l.cloud.telemetry.Request(l.region, operation, code, took)
	logger := level.Debug(l.cloud.logger)
	if err != nil {
		logger = log.With(logger, "err", apierror.FromTransport(operation, hostOf(l.wire.endpoint), err).Detail)
	}
	_ = logger.Log("msg", "API call", "project", l.project, "region", l.region,
		"operation", operation, "status", code, "duration", took, "request_id", id)
}
