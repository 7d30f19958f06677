// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"
)

// Deadlines of a response: slow clients are served, but each piece must be sent
// within writeTimeout and the whole response within responseTimeout.
const (
	writeTimeout    = 15 * time.Second
	responseTimeout = 10 * time.Minute
	pieceSize       = 64 << 10 // bytes
)

// deadlineWriter is a response writer that sets a deadline for each piece of the
// body and for the whole response, so that a client that stops reading does not
// keep its slot.
type deadlineWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	deadline time.Time // of the whole response
}

func newDeadlineWriter(w http.ResponseWriter) *deadlineWriter {
	return &deadlineWriter{w, http.NewResponseController(w), time.Now().Add(responseTimeout)}
}

// Unwrap returns the writer for http.ResponseController.
func (d *deadlineWriter) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// Write writes p in pieces, and fails if one is not sent within writeTimeout.
func (d *deadlineWriter) Write(p []byte) (n int, err error) {
	for {
		deadline := time.Now().Add(writeTimeout)
		if deadline.After(d.deadline) {
			deadline = d.deadline
		}
		_ = d.control.SetWriteDeadline(deadline) // not supported by httptest.ResponseRecorder
		written, err := d.ResponseWriter.Write(p[n:min(len(p), n+pieceSize)])
		n += written
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// limitResponse sets the deadline of the whole response.
func limitResponse(w http.ResponseWriter, timeout time.Duration) {
	if d, ok := w.(*deadlineWriter); ok {
		d.deadline = time.Now().Add(timeout)
	}
}
