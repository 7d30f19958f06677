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

// stage is a webhook before a receiver that does what the test says.
type stage struct {
	*testing.T
	sender *Sender

	mu      sync.Mutex
	answers []reply // for the tries to come; then 204
	tries   []string
	at      []time.Duration // of each try, since the start
	ids     []string
	log     bytes.Buffer
	meter   meter
	start   time.Time
}

// reply is what the receiver does with one try.
type reply struct {
	status     int // 0: none comes
	retryAfter string
	hang       time.Duration
	err        error
	body       io.Reader
}

type meter struct {
	sent, failed, waiting int
	dropped               map[string]int
}

func (s *stage) EventSent()          { s.mu.Lock(); s.meter.sent++; s.mu.Unlock() }
func (s *stage) EventFailed()        { s.mu.Lock(); s.meter.failed++; s.mu.Unlock() }
func (s *stage) EventsWaiting(n int) { s.mu.Lock(); s.meter.waiting = n; s.mu.Unlock() }
func (s *stage) EventsDropped(reason string, n int) {
	s.mu.Lock()
	s.meter.dropped[reason] += n
	s.mu.Unlock()
}

func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func newStage(t *testing.T, answers ...reply) *stage {
	t.Helper()
	s := &stage{T: t, answers: answers, start: time.Now(), meter: meter{dropped: map[string]int{}}}
	s.sender = New(log.NewLogfmtLogger(s), s)
	t.Cleanup(func() { s.sender.Close() })
	return s
}

// receiver is one at a URL, which has room for so many events.
func (s *stage) receiver(url string, queue int) *Target {
	return &Target{
		URL:       func() (string, error) { return url, nil },
		Header:    func() (http.Header, error) { return http.Header{"X-Team": {"vdi"}}, nil },
		Transport: s, DescribeError: func(error) string { return "it broke the connection off" },
		Timeout: 10 * time.Second, QueueSize: queue,
	}
}

// RoundTrip notes a try, and answers it.
func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	var event cloudEvent
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		s.Error(err)
	}
	a := reply{status: http.StatusNoContent}
	s.mu.Lock()
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	s.tries = append(s.tries, r.URL.Host+" "+event.Subject)
	s.at = append(s.at, time.Since(s.start))
	s.ids = append(s.ids, event.ID)
	s.mu.Unlock()
	if a.hang > 0 {
		select {
		case <-time.After(a.hang):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if a.err != nil || a.status == 0 {
		return nil, errors.Join(a.err, errors.New("Post "+r.URL.String()+": broken"))
	}
	header := http.Header{}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	body := a.body
	if body == nil {
		body = strings.NewReader("thanks")
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(body)}, nil
}

// change notices changes of desktops, as one reading would.
func (s *stage) change(desktops ...string) {
	var all []inventory.Change
	for _, id := range desktops {
		all = append(all, inventory.Change{Time: time.Now(), Project: office, DesktopID: id, Kind: inventory.EIPBound, After: "1.1.1.1"})
	}
	s.sender.Enqueue(all)
}

// want compares what the receiver got and what was counted.
func (s *stage) want(tries, counts string) {
	s.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.tries, ", "); got != tries {
		s.Errorf("tries are %s, want %s", got, tries)
	}
	got := fmt.Sprintf("sent=%d failed=%d waiting=%d dropped=%v", s.meter.sent, s.meter.failed, s.meter.waiting, s.meter.dropped)
	if got != counts {
		s.Errorf("counts are %s, want %s", got, counts)
	}
	s.tries = nil
}

// news gives the log since the last time.
func (s *stage) news() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.log.Reset()
	return s.log.String()
}
