// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// requestID finds the ID that the cloud's support asks for.
func requestID(a *answer, c decode.ErrorBody) string {
	for _, name := range []string{"X-Request-Id", "X-Iam-Trace-Id"} {
		if id := decode.Identifier(a.header.Get(name), decode.MaxRequestID); id != "" {
			return id
		}
	}
	return c.RequestID
}

// maxSkew is the clock's error that the cloud may still accept: 15 minutes by
// the documentation. A third of it is worth a word.
const maxSkew = 5 * time.Minute

// refusal makes a failure of an answer that is none: of another status than
// 200, or without the list that was asked for.
func refusal(operation string, a *answer, now time.Time) *inventory.Failure {
	c := decode.Error(a.body)
	f := &inventory.Failure{
		Kind:      classify(a.status, c.Code),
		Operation: operation,
		Status:    a.status,
		Code:      c.Code,
		RequestID: requestID(a, c),
	}
	f.Hint = remedy(operation, f.Kind, c.Code)
	if c.EncodedMessage {
		f.Hint += "; the answer had an encoded_authorization_message: make the call by hand" +
			" and decode it with STS (POST /v5/decode-authorization-message) to see which policy denies it"
	}
	switch {
	case a.status == http.StatusProxyAuthRequired:
		e := httptransport.Explain("", &httptransport.ProxyError{Status: a.status})
		f.Detail, f.Hint = e.Detail, e.Hint
	case a.status >= 300 && a.status < 400:
		f.Detail = "a redirect, which the API never sends"
	case f.Kind == inventory.Malformed:
		f.Detail = "an answer without the list that was asked for"
	case f.Kind == inventory.Disabled:
		f.Detail = "Workspace is not enabled in this project"
	}
	if f.Kind != inventory.Authentication {
		return f
	}
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
		if skew := now.Sub(date).Round(time.Second); skew.Abs() > maxSkew {
			f.Detail = fmt.Sprintf("the clock of this host is off by %s", skew)
			f.Hint = "set the clock of this host (NTP): the cloud refuses signatures that are more than 15 minutes off"
		}
	}
	return f
}

// broken makes a failure of an answer with status 200 that cannot be read.
func broken(operation string, a *answer, err error) *inventory.Failure {
	f := &inventory.Failure{
		Kind:      inventory.Malformed,
		Operation: operation,
		Status:    a.status,
		RequestID: requestID(a, decode.ErrorBody{}),
		Detail:    err.Error(),
		Cause:     err,
	}
	if errors.Is(err, decode.ErrTruncated) {
		f.Kind = inventory.Transient
	}
	f.Hint = remedy(operation, f.Kind, "")
	return f
}

// noAnswer makes a failure of a call that brought no answer. Errors of the
// network are put in our own words: theirs may hold URLs.
func noAnswer(operation, host string, err error) *inventory.Failure {
	f := &inventory.Failure{Kind: inventory.Transient, Operation: operation, Cause: err}
	switch {
	case errors.Is(err, errSDK):
		f.Kind, f.Detail = inventory.Misconfigured, err.Error()
	case errors.Is(err, errTooLarge):
		f.Kind, f.Detail = inventory.Malformed, fmt.Sprintf("%s sent more than %d MiB", host, maxAnswer>>20)
	default:
		e := httptransport.Explain(host, err)
		f.Detail, f.Hint = e.Detail, e.Hint
		if e.Misconfigured {
			f.Kind = inventory.Misconfigured
		}
	}
	return f
}
