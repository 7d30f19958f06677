// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
)

const (
	// minBackoff is the first one after a failure, and the least that the
	// receiver can ask for.
	minBackoff = time.Second
	// maxBackoff bounds what pauses grow to, and what the receiver can ask for.
	maxBackoff = 5 * time.Minute
	// maxResponseBytes is how much of an answer is read, so that its connection can be
	// used again. Nobody looks at it.
	maxResponseBytes = 64 << 10
)

// cloudEvent is an event as CloudEvents 1.0 has it in JSON.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            string    `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            eventData `json:"data"`
}

type eventData struct {
	Region      string `json:"region"`
	ProjectID   string `json:"project_id"`
	Project     string `json:"project"`
	DesktopID   string `json:"desktop_id"`
	DesktopName string `json:"desktop_name"`
	Kind        string `json:"kind"`
	Before      string `json:"before"`
	After       string `json:"after"`
}

// encode gives the event as it is sent.
func (e Event) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(cloudEvent{
		SpecVersion: "1.0", ID: e.ID,
		Source:          "/huaweicloud_workspace_exporter/" + url.PathEscape(e.Project.Region) + "/" + url.PathEscape(e.Project.ID),
		Type:            "com.huaweicloud.workspace.desktop." + string(e.Kind),
		Subject:         e.DesktopID,
		Time:            e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		DataContentType: "application/json",
		Data: eventData{
			Region: e.Project.Region, ProjectID: e.Project.ID, Project: e.Project.Name, DesktopID: e.DesktopID, DesktopName: e.DesktopName,
			Kind: string(e.Kind), Before: e.Before, After: e.After,
		},
	})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// attempt is one attempt to send one event.
type attempt struct {
	ctx    context.Context
	cancel context.CancelFunc
	target *Target
	event  Event
}

// result is what came of a try.
type result struct {
	status     int // 0: none came
	retryAfter time.Duration
	err        error
}

// send sends the event once. The transport is asked, not a client: that one
// follows redirects, and quotes URLs in its errors.
func (t *attempt) send() result {
	request, err := t.request()
	if err != nil {
		return result{err: err}
	}
	response, err := t.target.Transport.RoundTrip(request)
	if err != nil {
		return result{err: errors.New(t.target.Explain(err))}
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxResponseBytes) // the status has said all
	_ = response.Body.Close()
	after, ok := httpheader.RetryAfter(response.Header, time.Now())
	if ok {
		after = max(after, minBackoff)
	}
	return result{status: response.StatusCode, retryAfter: after}
}

func (t *attempt) request() (*http.Request, error) {
	target, err := t.target.URL()
	if err != nil {
		return nil, err
	}
	header, err := t.target.Header()
	if err != nil {
		return nil, err
	}
	body, err := t.event.encode()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(t.ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL is none") // the error would quote it
	}
	request.Header = header.Clone()
	request.Header.Set("Content-Type", "application/cloudevents+json")
	// Not sent: it tells net/http that the event may be sent again where an idle
	// connection turns out to be closed.
	request.Header["Idempotency-Key"] = []string{}
	return request, nil
}

func (a result) accepted() bool { return a.status >= 200 && a.status < 300 }

// rejected tells whether the receiver will never take this event.
func (a result) rejected() bool {
	switch a.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// reason says why a try failed.
func (a result) reason() string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.status >= 300 && a.status < 400:
		return "HTTP " + strconv.Itoa(a.status) + ", a redirect, which is not followed"
	}
	return "HTTP " + strconv.Itoa(a.status)
}

// backoff tells how long to wait after so many failures in a row. Chance keeps
// exporters that met the same outage from coming back at once.
func (a result) backoff(failures int) time.Duration {
	if a.retryAfter > 0 {
		return min(max(a.retryAfter, minBackoff), maxBackoff)
	}
	pause := min(minBackoff<<min(failures-1, 20), maxBackoff)
	return pause - rand.N(pause/5)
}
