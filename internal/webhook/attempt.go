// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
)

const (
	// minBackoff is the pause after the first failure, and the lower bound of a
	// Retry-After.
	minBackoff = time.Second
	// maxBackoff is the upper bound of the backoff and of a Retry-After.
	maxBackoff = 5 * time.Minute
	// maxResponseBytes bounds how much of a response body is read and discarded so
	// that the connection can be reused.
	maxResponseBytes = 64 << 10
)

// attempt is one HTTP request that delivers one event.
type attempt struct {
	ctx      context.Context
	cancel   context.CancelFunc
	receiver *Receiver
	event    Event
}

// result is the outcome of an attempt.
type result struct {
	status     int           // 0: no response
	retryAfter time.Duration // 0: not requested by the receiver
	err        error
}

// send delivers the event once. It uses the transport without an http.Client,
// which follows redirects and quotes URLs in its errors.
func (a *attempt) send() result {
	request, err := a.request()
	if err != nil {
		return result{err: err}
	}
	response, err := a.receiver.Transport.RoundTrip(request)
	if err != nil {
		return result{err: errors.New(a.receiver.DescribeError(err))}
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxResponseBytes) // only the status counts
	_ = response.Body.Close()
	retryAfter, ok := httpheader.RetryAfter(response.Header, time.Now())
	if ok {
		retryAfter = max(retryAfter, minBackoff)
	}
	return result{status: response.StatusCode, retryAfter: retryAfter}
}

func (a *attempt) request() (*http.Request, error) {
	url, err := a.receiver.URL()
	if err != nil {
		return nil, err
	}
	header, err := a.receiver.Header()
	if err != nil {
		return nil, err
	}
	body, err := a.event.encode()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(a.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("invalid webhook URL") // the original error quotes the URL
	}
	request.Header = header.Clone()
	request.Header.Set("Content-Type", "application/cloudevents+json")
	// An empty Idempotency-Key is not sent. It allows net/http to send the request
	// again if an idle connection turns out to be closed.
	request.Header["Idempotency-Key"] = []string{}
	return request, nil
}

// accepted reports whether the receiver accepted the event.
func (r result) accepted() bool { return r.status >= 200 && r.status < 300 }

// rejected reports whether the receiver rejected the event for good: sending the
// same event again cannot succeed.
func (r result) rejected() bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// reason returns why the attempt failed.
func (r result) reason() string {
	switch {
	case r.err != nil:
		return r.err.Error()
	case r.status >= 300 && r.status < 400:
		return "HTTP " + strconv.Itoa(r.status) + ": redirects are not followed; configure the final URL"
	}
	return "HTTP " + strconv.Itoa(r.status)
}

// backoff returns the pause after a number of consecutive failures. Random
// jitter keeps exporters that met the same outage from retrying at the same time.
func (r result) backoff(failures int) time.Duration {
	if r.retryAfter > 0 {
		return min(max(r.retryAfter, minBackoff), maxBackoff)
	}
	pause := min(minBackoff<<min(failures-1, 20), maxBackoff)
	return pause - rand.N(pause/5)
}
