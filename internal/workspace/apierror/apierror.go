// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package apierror converts the errors of API calls into [inventory.Failure]:
// what failed, whether a retry can help, and what the operator has to do.
//
// It is our own because the SDK's errors contain the raw message of the cloud,
// which may contain the access key or the canonical request, and because the
// HTTP status alone is misleading: the API sends "not found" with status 500,
// "busy" with status 400, and refusals with status 200. The kind of a failure
// decides over retries, over pausing an access key and over splitting a batch.
package apierror

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// ErrSDK is the error of a request that the SDK cannot build.
var ErrSDK = errors.New("SDK cannot build the request")

// TooLargeError is the error of a response body that exceeds the limit.
type TooLargeError struct {
	Limit int64 // bytes
}

// Error implements error.
func (e TooLargeError) Error() string {
	return fmt.Sprintf("response body is larger than %d MiB", e.Limit>>20)
}

// ErrNotHTTP is the error of a response that violates HTTP.
var ErrNotHTTP = errors.New("response is not valid HTTP")

// Response is an HTTP response whose body has been read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// RequestID returns the ID of the request, which the cloud's support needs to
// find it, or "" if the header has none.
func RequestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "X-Iam-Trace-Id"} {
		if id := decode.Identifier(h.Get(name), decode.MaxRequestID); id != "" {
			return id
		}
	}
	return ""
}

// FromResponse converts a response with another status than 200, or one with
// status 200 that lacks the requested list. now is the local time: a refused
// signature is often caused by a wrong clock, which the Date header shows.
func FromResponse(operation string, r *Response, now time.Time) *inventory.Failure {
	body := decode.Error(r.Body)
	f := &inventory.Failure{
		Kind:      classify(r.Status, body.Code),
		Operation: operation,
		Status:    r.Status,
		Code:      body.Code,
		RequestID: cmp.Or(RequestID(r.Header), body.RequestID),
	}
	f.Hint = Hint(operation, f.Kind, body.Code)
	if body.EncodedMessage {
		f.Hint += "; the response has an encoded_authorization_message: repeat the request with another client" +
			" and decode the message with STS (POST /v5/decode-authorization-message) to see which policy denies it"
	}
	switch {
	case r.Status == http.StatusProxyAuthRequired:
		e := httptransport.Explain("", &httptransport.ProxyError{Status: r.Status})
		f.Detail, f.Hint = e.Detail, e.Hint
	case r.Status >= 300 && r.Status < 400:
		f.Detail = "unexpected redirect"
	case f.Kind == inventory.Malformed:
		f.Detail = "response lacks the requested list"
	case f.Kind == inventory.Disabled:
		f.Detail = "Workspace is not enabled in this project"
	}
	if f.Kind == inventory.Authentication {
		addClockSkew(f, r.Header, now)
	}
	return f
}

// maxSkew is the clock skew from which a refused signature is attributed to the
// clock: a third of the 15 minutes that the cloud accepts by its documentation.
const maxSkew = 5 * time.Minute

func addClockSkew(f *inventory.Failure, h http.Header, now time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	if skew := now.Sub(date).Round(time.Second); skew.Abs() > maxSkew {
		f.Detail = fmt.Sprintf("clock of this host is off by %s", skew)
		f.Hint = "synchronize the clock of this host (NTP); the cloud refuses signatures that are more than 15 minutes off"
	}
}

// FromDecode converts an error of decoding a response with status 200.
func FromDecode(operation string, r *Response, err error) *inventory.Failure {
	f := &inventory.Failure{
		Kind:      inventory.Malformed,
		Operation: operation,
		Status:    r.Status,
		RequestID: RequestID(r.Header),
		Detail:    err.Error(),
		Cause:     err,
	}
	if errors.Is(err, decode.ErrTruncated) {
		f.Kind = inventory.Transient
	}
	f.Hint = Hint(operation, f.Kind, "")
	return f
}

// FromTransport converts an error of a request that got no response. host is the
// host of the endpoint. The text of a network error is not used, since it may
// contain URLs.
func FromTransport(operation, host string, err error) *inventory.Failure {
	f := &inventory.Failure{Kind: inventory.Transient, Operation: operation, Cause: err}
	if errors.Is(err, ErrSDK) {
		f.Kind, f.Detail = inventory.Misconfigured, err.Error()
		return f
	}
	if tooLarge, ok := errors.AsType[TooLargeError](err); ok {
		f.Kind, f.Detail = inventory.Malformed, fmt.Sprintf("%s: %s", host, tooLarge)
		return f
	}
	if errors.Is(err, ErrNotHTTP) {
		f.Kind, f.Detail = inventory.Malformed, fmt.Sprintf("%s: %s", host, ErrNotHTTP)
		f.Hint = Hint(operation, f.Kind, "")
		return f
	}
	e := httptransport.Explain(host, err)
	f.Detail, f.Hint = e.Detail, e.Hint
	if e.Misconfigured {
		f.Kind = inventory.Misconfigured
	}
	return f
}
