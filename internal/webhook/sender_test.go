// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestWhatEachAnswerMeans(t *testing.T) {
	t.Parallel()
	const taken, refused, retried = "sent=2 failed=0 waiting=0 dropped=map[]", "sent=1 failed=1 waiting=0 dropped=map[refused:1]", "sent=2 failed=1 waiting=0 dropped=map[]"
	for _, test := range []struct {
		answer reply
		want   string
		reason string // in the log
	}{
		{reply{status: 200}, taken, ""},
		{reply{status: 202, body: strings.NewReader(strings.Repeat("x", 1<<20))}, taken, ""},
		{reply{status: 204}, taken, ""},
		{reply{status: 299}, taken, ""},
		{reply{status: 400}, refused, "status=400"},
		{reply{status: 413}, refused, "status=413"},
		{reply{status: 415}, refused, "status=415"},
		{reply{status: 422}, refused, "status=422"},
		{reply{status: 301}, retried, `err="HTTP 301: redirects are not followed; configure the final URL"`},
		{reply{status: 307}, retried, `err="HTTP 307: redirects are not followed; configure the final URL"`},
		{reply{status: 401}, retried, `err="HTTP 401"`},
		{reply{status: 404}, retried, `err="HTTP 404"`},
		{reply{status: 408}, retried, `err="HTTP 408"`},
		{reply{status: 410}, retried, `err="HTTP 410"`},
		{reply{status: 429}, retried, `err="HTTP 429"`},
		{reply{status: 500}, retried, `err="HTTP 500"`},
		{reply{status: 503}, retried, `err="HTTP 503"`},
		{reply{}, retried, `err="it broke the connection off"`},
		{reply{status: 200, hang: time.Minute}, retried, `err="it broke the connection off"`},
	} {
		t.Run(fmt.Sprint(test.answer.status, test.answer.hang), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, test.answer)
				s.sender.SetTarget(s.receiver("https://hook/CANARY", 10))
				s.change("d1", "d2")
				time.Sleep(20 * time.Second)
				tries := "hook d1, hook d2"
				if test.want == retried {
					tries = "hook d1, hook d1, hook d2"
				}
				s.want(tries, test.want)
				if test.want == retried && (s.ids[0] != s.ids[1] || s.ids[1] == s.ids[2]) {
					t.Errorf("IDs are %q", s.ids)
				}
				news := s.news()
				lines := map[string]int{taken: 0, refused: 1, retried: 2}[test.want]
				if strings.Count(news, "\n") != lines || !strings.Contains(news, test.reason) || strings.Contains(news, "CANARY") {
					t.Errorf("log, of which %d lines and %q are wanted:\n%s", lines, test.reason, news)
				}
				if test.want == retried && (!strings.Contains(news, "waiting=2") || !strings.Contains(news, "Webhook delivery recovered\" key=changes.webhook waiting=1")) {
					t.Errorf("log\n%s", news)
				}
			})
		})
	}
}

func TestPausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := make([]reply, 14)
		s := newStage(t, append(answers, reply{status: 503, retryAfter: "7"}, reply{status: 429, retryAfter: "0"}, reply{status: 503, retryAfter: "86400"},
			reply{status: 302, retryAfter: "99999999999999999999"}, reply{status: 503, retryAfter: "soon"},
			reply{status: 503, retryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)},
			reply{status: 503, retryAfter: time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)})...)
		s.sender.SetTarget(s.receiver("https://hook", 10))
		s.change("d1")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if news := s.news(); strings.Count(news, "\n") != 2 {
			t.Errorf("a long outage is told more than once:\n%s", news)
		}
		want := []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300, 7, 1, 300, 300, 300, 300, 1}
		if len(s.at) != len(want)+1 || s.meter.sent != 1 {
			t.Fatalf("%d tries, %d sent, want %d and 1", len(s.at), s.meter.sent, len(want)+1)
		}
		for i, most := range want {
			got, least := (s.at[i+1] - s.at[i]).Seconds(), most*0.8
			if i >= 14 && i != 18 {
				least = most // the receiver said so
			}
			if got < least-1e-6 || got > most+1e-6 {
				t.Errorf("pause %d takes %v s, want %v to %v", i, got, least, most)
			}
		}
	})
}

func TestTheQueueDropsTheOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, reply{status: 503, hang: 5 * time.Second}, reply{status: 503, retryAfter: "60"}, reply{status: 200})
		s.sender.SetTarget(s.receiver("https://hook", 2))
		s.change("d1")
		synctest.Wait()
		s.change("d2", "d3", "d4")
		// What is under way does not wait.
		s.want("hook d1", "sent=0 failed=0 waiting=3 dropped=map[queue_full:1]")
		time.Sleep(5500 * time.Millisecond)
		s.want("", "sent=0 failed=1 waiting=2 dropped=map[queue_full:2]")
		time.Sleep(time.Second)
		s.want("hook d3", "sent=0 failed=2 waiting=2 dropped=map[queue_full:2]")
		s.change("d5", "d6", "d7")
		s.want("", "sent=0 failed=2 waiting=2 dropped=map[queue_full:5]")
		s.sender.SetTarget(s.receiver("https://hook", 1))
		s.want("hook d7", "sent=1 failed=2 waiting=0 dropped=map[queue_full:6]")
	})
}

func TestAnotherReceiverGetsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, reply{status: 503, retryAfter: "300"}, reply{status: 200, hang: 9 * time.Second})
		s.change("d1") // before it is known whether anybody wants it
		s.sender.SetTarget(s.receiver("https://old", 10))
		s.change("d2")
		s.want("old d1", "sent=0 failed=1 waiting=2 dropped=map[]")
		s.sender.SetTarget(s.receiver("https://slow", 10)) // a pause ends at once
		s.want("slow d1", "sent=0 failed=1 waiting=2 dropped=map[]")
		s.sender.SetTarget(s.receiver("https://new", 10)) // and so does a try
		s.want("new d1, new d2", "sent=2 failed=1 waiting=0 dropped=map[]")
		if s.ids[0] != s.ids[1] || s.ids[1] != s.ids[2] {
			t.Errorf("IDs are %q", s.ids)
		}
		if news := s.news(); strings.Count(news, "\n") != 1 {
			t.Errorf("log\n%s", news)
		}
	})
}

func TestWithoutAReceiverNothingWaits(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]reply{"in a pause": {status: 503}, "while it is sent": {hang: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, answer)
				s.sender.SetTarget(s.receiver("https://hook", 10))
				s.change("d1", "d2", "d3")
				synctest.Wait()
				failed := s.meter.failed
				s.sender.SetTarget(nil)
				time.Sleep(time.Minute)
				s.change("d4")
				s.want("hook d1", fmt.Sprintf("sent=0 failed=%d waiting=0 dropped=map[no_receiver:3]", failed))
				s.sender.SetTarget(s.receiver("https://hook", 10))
				s.change("d5")
				s.want("hook d5", fmt.Sprintf("sent=1 failed=%d waiting=0 dropped=map[no_receiver:3]", failed))
			})
		})
	}
}

func TestWhatIsAskedForEachTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.receiver("", 10)
		urls, headers := 0, 0
		r.URL = func() (string, error) {
			if urls++; urls == 1 {
				return "", errors.New("changes.webhook.url_file: /there cannot be read")
			}
			return []string{"https://ho ok/CANARY", "https://hook"}[min(urls-2, 1)], nil
		}
		r.Header = func() (http.Header, error) {
			if headers++; headers == 2 {
				return nil, errors.New("no credentials")
			}
			return http.Header{}, nil
		}
		s.sender.SetTarget(r)
		s.change("d1")
		time.Sleep(time.Minute)
		s.want("hook d1", "sent=1 failed=3 waiting=0 dropped=map[]")
		if news := s.news(); !strings.Contains(news, `err="changes.webhook.url_file: /there cannot be read"`) || strings.Contains(news, "CANARY") {
			t.Errorf("log\n%s", news)
		}
	})
}

func TestRefusalsDoNotFloodTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answers []reply
		for range 13 {
			answers = append(answers, reply{status: 422})
		}
		s := newStage(t, answers...)
		s.sender.SetTarget(s.receiver("https://hook", 100))
		for range 12 {
			s.change("d1")
		}
		synctest.Wait()
		if news := s.news(); strings.Count(news, "rejected an event") != 5 || !strings.Contains(news, "kind=eip_bound project=office desktop_id=d1 status=422") {
			t.Errorf("log\n%s", news)
		}
		time.Sleep(time.Minute)
		s.change("d2", "d3")
		synctest.Wait()
		if news := s.news(); strings.Count(news, "\n") != 1 || !strings.Contains(news, "desktop_id=d2") {
			t.Errorf("log a minute later\n%s", news)
		}
	})
}

func TestFarewell(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		answers []reply
		tries   string
		left    int
		took    time.Duration
	}{
		{"all is taken", []reply{{status: 503, retryAfter: "99"}}, "hook d1, hook d1, hook d2, hook d3", 0, 0},
		{"it fails", []reply{{status: 503, retryAfter: "99"}, {status: 204}, {status: 500}}, "hook d1, hook d1, hook d2", 2, 0},
		{"it hangs", []reply{{status: 503, retryAfter: "99"}, {hang: time.Hour}}, "hook d1, hook d1", 3, 5 * time.Second},
		{"it is slow", []reply{{status: 200, hang: 3 * time.Second}, {status: 200, hang: 3 * time.Second}}, "hook d1, hook d2", 2, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, test.answers...)
				s.sender.SetTarget(s.receiver("https://hook", 10))
				s.change("d1", "d2", "d3")
				synctest.Wait()
				start := time.Now()
				left := s.sender.Close()
				if took := time.Since(start); left != test.left || took != test.took {
					t.Errorf("%d are left after %s, want %d after %s", left, took, test.left, test.took)
				}
				if got := strings.Join(s.tries, ", "); got != test.tries {
					t.Errorf("tries are %s, want %s", got, test.tries)
				}
				if n := len(s.sender.State().Waiting); n != left {
					t.Errorf("%d wait", n)
				}
				s.change("d4") // nobody sends it any more, and nobody breaks
			})
		})
	}
}

// TestAnotherProcessGoesOn sends what one process could not in the next one,
// under the same IDs.
func TestAnotherProcessGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newStage(t, reply{status: 503, retryAfter: "300"}, reply{})
		first.sender.SetTarget(first.receiver("https://hook", 10))
		first.change("d1", "d2")
		synctest.Wait()
		first.sender.Close()
		var file bytes.Buffer
		if err := gob.NewEncoder(&file).Encode(first.sender.State()); err != nil {
			t.Fatal(err)
		}
		var waiting State
		if err := gob.NewDecoder(&file).Decode(&waiting); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.sender.State(), waiting); diff != "" {
			t.Errorf("(-saved +read)\n%s", diff)
		}

		second := newStage(t)
		second.change("d3") // before what is old is there
		second.sender.Restore(waiting)
		second.sender.SetTarget(second.receiver("https://hook", 10))
		second.want("hook d1, hook d2, hook d3", "sent=3 failed=0 waiting=0 dropped=map[]")
		if second.ids[0] != first.ids[0] {
			t.Errorf("%s became %s", first.ids[0], second.ids[0])
		}
		for i, id := range append(first.ids, second.ids...) {
			if !regexp.MustCompile(`^[0-9a-f]{16}-[12]$`).MatchString(id) {
				t.Errorf("ID %d is %s", i, id)
			}
		}
		if before, after := first.ids[0][:16], second.ids[2][:16]; before == after {
			t.Errorf("both processes begin their IDs with %s", before)
		}
	})
}

func TestEventsAsCloudEvents(t *testing.T) {
	t.Parallel()
	e := Event{"0f-1", inventory.Change{
		Time:    time.Date(2026, 1, 31, 9, 0, 0, 5e8, time.FixedZone("", 3600)),
		Project: inventory.Project{Name: "a & b", Region: "r/1", ID: "p 1"}, DesktopID: "d1", DesktopName: "<\"安娜\">\xff",
		Kind: inventory.EIPSwapped, Before: "1.1.1.1", After: "2.2.2.2,3.3.3.3",
	}}
	got, err := e.encode()
	want := `{"specversion":"1.0","id":"0f-1","source":"/huaweicloud_workspace_exporter/r%2F1/p%201",` +
		`"type":"com.huaweicloud.workspace.desktop.eip_swapped","subject":"d1","time":"2026-01-31T08:00:00.500Z","datacontenttype":"application/json",` +
		`"data":{"region":"r/1","project_id":"p 1","project":"a & b","desktop_id":"d1","desktop_name":"<\"安娜\">\ufffd",` +
		`"kind":"eip_swapped","before":"1.1.1.1","after":"2.2.2.2,3.3.3.3"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
