// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestResponses(t *testing.T) {
	t.Parallel()
	const accepted, rejected, retried = "sent=2 failed=0 waiting=0 dropped=map[]", "sent=1 failed=1 waiting=0 dropped=map[refused:1]", "sent=2 failed=1 waiting=0 dropped=map[]"
	for _, test := range []struct {
		response fakeResponse
		want     string
		reason   string // in the log
	}{
		{fakeResponse{status: 200}, accepted, ""},
		{fakeResponse{status: 202, body: strings.NewReader(strings.Repeat("x", 1<<20))}, accepted, ""},
		{fakeResponse{status: 204}, accepted, ""},
		{fakeResponse{status: 299}, accepted, ""},
		{fakeResponse{status: 400}, rejected, "status=400"},
		{fakeResponse{status: 413}, rejected, "status=413"},
		{fakeResponse{status: 415}, rejected, "status=415"},
		{fakeResponse{status: 422}, rejected, "status=422"},
		{fakeResponse{status: 301}, retried, `err="HTTP 301: redirects are not followed; configure the final URL"`},
		{fakeResponse{status: 307}, retried, `err="HTTP 307: redirects are not followed; configure the final URL"`},
		{fakeResponse{status: 401}, retried, `err="HTTP 401"`},
		{fakeResponse{status: 404}, retried, `err="HTTP 404"`},
		{fakeResponse{status: 408}, retried, `err="HTTP 408"`},
		{fakeResponse{status: 410}, retried, `err="HTTP 410"`},
		{fakeResponse{status: 429}, retried, `err="HTTP 429"`},
		{fakeResponse{status: 500}, retried, `err="HTTP 500"`},
		{fakeResponse{status: 503}, retried, `err="HTTP 503"`},
		{fakeResponse{}, retried, `err="connection broken"`},
		{fakeResponse{status: 200, hang: time.Minute}, retried, `err="connection broken"`},
	} {
		t.Run(fmt.Sprint(test.response.status, test.response.hang), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, test.response)
				h.sender.SetReceiver(h.receiver("https://hook/CANARY", 10))
				h.enqueue("d1", "d2")
				time.Sleep(20 * time.Second)
				attempts := "hook d1, hook d2"
				if test.want == retried {
					attempts = "hook d1, hook d1, hook d2"
				}
				h.want(attempts, test.want)
				if test.want == retried && (h.ids[0] != h.ids[1] || h.ids[1] == h.ids[2]) {
					t.Errorf("IDs are %q", h.ids)
				}
				log := h.newLog()
				lines := map[string]int{accepted: 0, rejected: 1, retried: 2}[test.want]
				if strings.Count(log, "\n") != lines || !strings.Contains(log, test.reason) || strings.Contains(log, "CANARY") {
					t.Errorf("want %d log lines and %q, got\n%s", lines, test.reason, log)
				}
				if test.want == retried && (!strings.Contains(log, "waiting=2") || !strings.Contains(log, "Webhook delivery recovered\" key=changes.webhook waiting=1")) {
					t.Errorf("log\n%s", log)
				}
			})
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := make([]fakeResponse, 14)
		h := newHarness(t, append(failures, fakeResponse{status: 503, retryAfter: "7"}, fakeResponse{status: 429, retryAfter: "0"}, fakeResponse{status: 503, retryAfter: "86400"},
			fakeResponse{status: 302, retryAfter: "99999999999999999999"}, fakeResponse{status: 503, retryAfter: "soon"},
			fakeResponse{status: 503, retryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)},
			fakeResponse{status: 503, retryAfter: time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)})...)
		h.sender.SetReceiver(h.receiver("https://hook", 10))
		h.enqueue("d1")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if log := h.newLog(); strings.Count(log, "\n") != 2 {
			t.Errorf("want 2 log lines for a long outage, got\n%s", log)
		}
		want := []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300, 7, 1, 300, 300, 300, 300, 1}
		if len(h.times) != len(want)+1 || h.counts.sent != 1 {
			t.Fatalf("%d attempts, %d sent, want %d and 1", len(h.times), h.counts.sent, len(want)+1)
		}
		for i, longest := range want {
			got, shortest := (h.times[i+1] - h.times[i]).Seconds(), longest*0.8
			if i >= 14 && i != 18 {
				shortest = longest // requested by the receiver, without jitter
			}
			if got < shortest-1e-6 || got > longest+1e-6 {
				t.Errorf("pause %d takes %v s, want %v to %v", i, got, shortest, longest)
			}
		}
	})
}

func TestQueueOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, fakeResponse{status: 503, hang: 5 * time.Second}, fakeResponse{status: 503, retryAfter: "60"}, fakeResponse{status: 200})
		h.sender.SetReceiver(h.receiver("https://hook", 2))
		h.enqueue("d1")
		synctest.Wait()
		h.enqueue("d2", "d3", "d4")
		// d1 is being delivered, so it does not count.
		h.want("hook d1", "sent=0 failed=0 waiting=3 dropped=map[queue_full:1]")
		time.Sleep(5500 * time.Millisecond)
		h.want("", "sent=0 failed=1 waiting=2 dropped=map[queue_full:2]")
		time.Sleep(time.Second)
		h.want("hook d3", "sent=0 failed=2 waiting=2 dropped=map[queue_full:2]")
		h.enqueue("d5", "d6", "d7")
		h.want("", "sent=0 failed=2 waiting=2 dropped=map[queue_full:5]")
		h.sender.SetReceiver(h.receiver("https://hook", 1))
		h.want("hook d7", "sent=1 failed=2 waiting=0 dropped=map[queue_full:6]")
	})
}

func TestReceiverChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, fakeResponse{status: 503, retryAfter: "300"}, fakeResponse{status: 200, hang: 9 * time.Second})
		h.enqueue("d1") // before a receiver is configured
		h.sender.SetReceiver(h.receiver("https://old", 10))
		h.enqueue("d2")
		h.want("old d1", "sent=0 failed=1 waiting=2 dropped=map[]")
		h.sender.SetReceiver(h.receiver("https://slow", 10)) // ends the pause
		h.want("slow d1", "sent=0 failed=1 waiting=2 dropped=map[]")
		h.sender.SetReceiver(h.receiver("https://new", 10)) // cancels the attempt
		h.want("new d1, new d2", "sent=2 failed=1 waiting=0 dropped=map[]")
		if h.ids[0] != h.ids[1] || h.ids[1] != h.ids[2] {
			t.Errorf("IDs are %q", h.ids)
		}
		if log := h.newLog(); strings.Count(log, "\n") != 1 {
			t.Errorf("log\n%s", log)
		}
	})
}

func TestReceiverRemoved(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]fakeResponse{"during a pause": {status: 503}, "during an attempt": {hang: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, response)
				h.sender.SetReceiver(h.receiver("https://hook", 10))
				h.enqueue("d1", "d2", "d3")
				synctest.Wait()
				failed := h.counts.failed
				h.sender.SetReceiver(nil)
				time.Sleep(time.Minute)
				h.enqueue("d4")
				h.want("hook d1", fmt.Sprintf("sent=0 failed=%d waiting=0 dropped=map[no_receiver:3]", failed))
				h.sender.SetReceiver(h.receiver("https://hook", 10))
				h.enqueue("d5")
				h.want("hook d5", fmt.Sprintf("sent=1 failed=%d waiting=0 dropped=map[no_receiver:3]", failed))
			})
		})
	}
}

func TestURLAndHeaderOfEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		receiver := h.receiver("", 10)
		urls, headers := 0, 0
		receiver.URL = func() (string, error) {
			if urls++; urls == 1 {
				return "", errors.New("changes.webhook.url_file: /there cannot be read")
			}
			return []string{"https://ho ok/CANARY", "https://hook"}[min(urls-2, 1)], nil
		}
		receiver.Header = func() (http.Header, error) {
			if headers++; headers == 2 {
				return nil, errors.New("no credentials")
			}
			return http.Header{}, nil
		}
		h.sender.SetReceiver(receiver)
		h.enqueue("d1")
		time.Sleep(time.Minute)
		h.want("hook d1", "sent=1 failed=3 waiting=0 dropped=map[]")
		if log := h.newLog(); !strings.Contains(log, `err="changes.webhook.url_file: /there cannot be read"`) || strings.Contains(log, "CANARY") {
			t.Errorf("log\n%s", log)
		}
	})
}

func TestRejectionLogIsRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rejections []fakeResponse
		for range 13 {
			rejections = append(rejections, fakeResponse{status: 422})
		}
		h := newHarness(t, rejections...)
		h.sender.SetReceiver(h.receiver("https://hook", 100))
		for range 12 {
			h.enqueue("d1")
		}
		synctest.Wait()
		if log := h.newLog(); strings.Count(log, "rejected an event") != 5 || !strings.Contains(log, "kind=eip_bound project=office desktop_id=d1 status=422") {
			t.Errorf("log\n%s", log)
		}
		time.Sleep(time.Minute)
		h.enqueue("d2", "d3")
		synctest.Wait()
		if log := h.newLog(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "desktop_id=d2") {
			t.Errorf("log a minute later\n%s", log)
		}
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		responses []fakeResponse
		attempts  string
		left      int
		took      time.Duration
	}{
		{"all accepted", []fakeResponse{{status: 503, retryAfter: "99"}}, "hook d1, hook d1, hook d2, hook d3", 0, 0},
		{"an attempt fails", []fakeResponse{{status: 503, retryAfter: "99"}, {status: 204}, {status: 500}}, "hook d1, hook d1, hook d2", 2, 0},
		{"the receiver hangs", []fakeResponse{{status: 503, retryAfter: "99"}, {hang: time.Hour}}, "hook d1, hook d1", 3, 5 * time.Second},
		{"the receiver is slow", []fakeResponse{{status: 200, hang: 3 * time.Second}, {status: 200, hang: 3 * time.Second}}, "hook d1, hook d2", 2, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, test.responses...)
				h.sender.SetReceiver(h.receiver("https://hook", 10))
				h.enqueue("d1", "d2", "d3")
				synctest.Wait()
				start := time.Now()
				left := h.sender.Close()
				if took := time.Since(start); left != test.left || took != test.took {
					t.Errorf("%d are left after %s, want %d after %s", left, took, test.left, test.took)
				}
				if got := strings.Join(h.attempts, ", "); got != test.attempts {
					t.Errorf("attempts are %s, want %s", got, test.attempts)
				}
				if n := len(h.sender.State().Waiting); n != left {
					t.Errorf("%d wait, want %d", n, left)
				}
				h.enqueue("d4") // has no effect, and does not panic
			})
		})
	}
}

// TestRestore asserts that the next process delivers the waiting events with the
// same IDs.
func TestRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newHarness(t, fakeResponse{status: 503, retryAfter: "300"}, fakeResponse{})
		first.sender.SetReceiver(first.receiver("https://hook", 10))
		first.enqueue("d1", "d2")
		synctest.Wait()
		first.sender.Close()
		var file bytes.Buffer
		if err := json.NewEncoder(&file).Encode(first.sender.State()); err != nil {
			t.Fatal(err)
		}
		var state State
		if err := json.NewDecoder(&file).Decode(&state); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.sender.State(), state); diff != "" {
			t.Errorf("(-encoded +decoded)\n%s", diff)
		}

		second := newHarness(t)
		second.enqueue("d3") // before Restore, delivered after
		second.sender.Restore(state)
		second.sender.SetReceiver(second.receiver("https://hook", 10))
		second.want("hook d1, hook d2, hook d3", "sent=3 failed=0 waiting=0 dropped=map[]")
		if second.ids[0] != first.ids[0] {
			t.Errorf("ID %s changed to %s", first.ids[0], second.ids[0])
		}
		for i, id := range append(first.ids, second.ids...) {
			if !regexp.MustCompile(`^[0-9a-f]{16}-[12]$`).MatchString(id) {
				t.Errorf("ID %d is %s", i, id)
			}
		}
		if before, after := first.ids[0][:16], second.ids[2][:16]; before == after {
			t.Errorf("IDs of both processes begin with %s", before)
		}
	})
}
