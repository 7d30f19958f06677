// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strings"
	"time"
)

// FailureKind classifies a failure by what must change before a retry can succeed.
type FailureKind int

// The kinds, in ascending order of severity.
const (
	Transient      FailureKind = iota // temporary: 5xx, connection reset, timeout
	Throttled                         // 429: the API quota is exceeded
	Incomplete                        // the list changed while it was read
	Refused                           // the request is invalid for these desktops: 400, 404
	Malformed                         // the response violates the API's documentation
	Denied                            // 403: the access key lacks a permission
	Disabled                          // Workspace is not enabled in the project
	Authentication                    // 401: the access key is invalid
	Misconfigured                     // the configuration is wrong: credentials, endpoint or project
)

var failureKindNames = [...]string{
	"transient", "throttled", "incomplete", "refused", "malformed", "denied", "disabled", "authentication", "setup",
}

// String returns the name of the kind in logs, pages and JSON.
func (k FailureKind) String() string {
	if k < 0 || int(k) >= len(failureKindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return failureKindNames[k]
}

// Failure is a failed API call. It is safe to show: it has no secret, no canonical
// request and no response body.
type Failure struct {
	Kind      FailureKind
	Operation string // name of the SDK's method
	Status    int    // HTTP status; 0: no response
	Code      string // error code of the API, such as APIGW.0301
	RequestID string
	Detail    string // what failed
	Hint      string // what to do about it
	Cause     error  // for errors.Is; may be nil; never printed
}

// Error returns the operation, kind, status, code, detail, request ID and hint on
// one line.
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

// Unwrap returns the cause, in which errors.Is finds an exceeded deadline.
func (f *Failure) Unwrap() error { return f.Cause }

// QuotaExceeded means that a call was not sent because the API quota is used up
// until a time. It is not a failure: the call can be sent then.
type QuotaExceeded struct {
	Operation string
	Until     time.Time
}

// Error returns the operation and the time.
func (e *QuotaExceeded) Error() string {
	return fmt.Sprintf("%s: API quota exceeded until %s", e.Operation, e.Until.Format(time.RFC3339))
}
