// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strings"
	"time"
)

// FailureKind classifies a failure by what has to happen before it can go away.
type FailureKind int

// The kinds, the least grave first.
const (
	Transient      FailureKind = iota // may pass by itself: 5xx, resets, timeouts
	Throttled                         // 429: somebody spent the quota
	Incomplete                        // the list moved while it was read
	Refused                           // the cloud refuses these desktops: 400, 404
	Malformed                         // the answer is not what the API promises
	Denied                            // 403: the key lacks a permission
	Disabled                          // Workspace is not enabled in the project
	Authentication                    // 401: the key is not accepted
	Misconfigured                     // the configuration cannot work: no credentials, no endpoint, no project
)

var failureKindNames = [...]string{
	"transient", "throttled", "incomplete", "refused", "malformed", "denied", "disabled", "authentication", "setup",
}

// String gives the kind's name as logs and pages show it.
func (k FailureKind) String() string {
	if k < 0 || int(k) >= len(failureKindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return failureKindNames[k]
}

// Failure is a question that the cloud did not answer, cleaned for people: it
// holds no secret, no canonical request and no body of an answer.
type Failure struct {
	Kind      FailureKind
	Operation string // the SDK's name of the call
	Status    int    // HTTP status; 0: no answer came
	Code      string // the cloud's error code, such as APIGW.0301
	RequestID string
	Detail    string // what happened, in our words
	Hint      string // what to do about it
	Cause     error  // for errors.Is; may be nil, and is never printed
}

// Error says operation, kind, status, code and remedy on one line.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Operation, f.Kind)
	if f.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", f.Status)
	}
	if f.Code != "" {
		fmt.Fprintf(&b, " %s", f.Code)
	}
	if f.Detail != "" {
		fmt.Fprintf(&b, ": %s", f.Detail)
	}
	if f.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", f.RequestID)
	}
	if f.Hint != "" {
		fmt.Fprintf(&b, "; %s", f.Hint)
	}
	return b.String()
}

// Unwrap gives the cause, so that errors.Is finds a deadline in it.
func (f *Failure) Unwrap() error { return f.Cause }

// QuotaExceeded says that the API quota is spent. It is no failure: ask again then.
type QuotaExceeded struct {
	Operation string
	Until     time.Time
}

// Error names the operation and the time.
func (w *QuotaExceeded) Error() string {
	return fmt.Sprintf("%s: quota spent until %s", w.Operation, w.Until.Format(time.RFC3339))
}
