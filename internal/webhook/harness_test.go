// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

var office = inventory.Project{Name: "office", Region: "r", ID: "p"}

// harness is a Sender with a simulated receiver, whose responses the test sets.
// It is the transport, the metrics and the log of the Sender.
type harness struct {
	*testing.T
	sender *Sender

	mu        sync.Mutex
	responses []fakeResponse  // to the next attempts; then 204
	attempts  []string        // host and subject of each attempt
	times     []time.Duration // of each attempt, since start
	ids       []string
	log       bytes.Buffer
	counts    counts
	start     time.Time
}

// fakeResponse is the receiver's response to one attempt.
type fakeResponse struct {
	status     int // 0: none, the connection breaks
	retryAfter string
	hang       time.Duration
	err        error
	body       io.Reader
}

type counts struct {
	sent, failed, waiting int
	dropped               map[string]int
}

func (h *harness) EventSent()          { h.mu.Lock(); h.counts.sent++; h.mu.Unlock() }
func (h *harness) EventFailed()        { h.mu.Lock(); h.counts.failed++; h.mu.Unlock() }
func (h *harness) EventsWaiting(n int) { h.mu.Lock(); h.counts.waiting = n; h.mu.Unlock() }
func (h *harness) EventsDropped(reason string, n int) {
	h.mu.Lock()
	h.counts.dropped[reason] += n
	h.mu.Unlock()
}

func (h *harness) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func newHarness(t *testing.T, responses ...fakeResponse) *harness {
	t.Helper()
	h := &harness{T: t, responses: responses, start: time.Now(), counts: counts{dropped: map[string]int{}}}
	h.sender = New(log.NewLogfmtLogger(h), h)
	t.Cleanup(func() { h.sender.Close() })
	return h
}

// receiver returns a receiver with the given URL and queue size.
func (h *harness) receiver(url string, queueSize int) *Receiver {
	return &Receiver{
		URL:       func() (string, error) { return url, nil },
		Header:    func() (http.Header, error) { return http.Header{"X-Team": {"vdi"}}, nil },
		Transport: h, DescribeError: func(error) string { return "connection broken" },
		Timeout: 10 * time.Second, QueueSize: queueSize,
	}
}

// RoundTrip records an attempt and returns the next response.
func (h *harness) RoundTrip(r *http.Request) (*http.Response, error) {
	var event cloudEvent
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		h.Error(err)
	}
	response := fakeResponse{status: http.StatusNoContent}
	h.mu.Lock()
	if len(h.responses) > 0 {
		response, h.responses = h.responses[0], h.responses[1:]
	}
	h.attempts = append(h.attempts, r.URL.Host+" "+event.Subject)
	h.times = append(h.times, time.Since(h.start))
	h.ids = append(h.ids, event.ID)
	h.mu.Unlock()
	if response.hang > 0 {
		select {
		case <-time.After(response.hang):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if response.err != nil || response.status == 0 {
		return nil, errors.Join(response.err, errors.New("Post "+r.URL.String()+": broken"))
	}
	header := http.Header{}
	if response.retryAfter != "" {
		header.Set("Retry-After", response.retryAfter)
	}
	body := response.body
	if body == nil {
		body = strings.NewReader("thanks")
	}
	return &http.Response{StatusCode: response.status, Header: header, Body: io.NopCloser(body)}, nil
}

// enqueue enqueues a change for each desktop, as one snapshot does.
func (h *harness) enqueue(desktops ...string) {
	var all []inventory.Change
	for _, id := range desktops {
		all = append(all, inventory.Change{Time: time.Now(), Project: office, DesktopID: id, Kind: inventory.EIPBound, After: "1.1.1.1"})
	}
	h.sender.Enqueue(all)
}

// want compares the attempts since the last call, and the counts.
func (h *harness) want(attempts, counts string) {
	h.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := strings.Join(h.attempts, ", "); got != attempts {
		h.Errorf("attempts are %s, want %s", got, attempts)
	}
	got := fmt.Sprintf("sent=%d failed=%d waiting=%d dropped=%v", h.counts.sent, h.counts.failed, h.counts.waiting, h.counts.dropped)
	if got != counts {
		h.Errorf("counts are %s, want %s", got, counts)
	}
	h.attempts = nil
}

// newLog returns the log since the last call.
func (h *harness) newLog() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.log.Reset()
	return h.log.String()
}
