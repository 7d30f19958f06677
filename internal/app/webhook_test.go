// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// webhookYAML returns OfficeYAML with a webhook and more keys of it.
func webhookYAML(more string) string {
	return apptest.OfficeYAML + "changes: {webhook: {url: 'http://hooks/CANARYPATH?key=CANARYQUERY'" + more + "}}\n"
}

// receiver receives webhook requests over in-memory connections, and records them.
type receiver struct {
	conns chan net.Conn

	mu       sync.Mutex
	handle   http.HandlerFunc // nil: 204
	requests []string         // method, host, path and headers
	bodies   []string
}

// listenAt starts a receiver at an address of the scenario.
func (s *scenario) listenAt(address string) *receiver {
	tap := &receiver{conns: make(chan net.Conn)}
	s.Hosts[address] = func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case tap.conns <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	server := &http.Server{Handler: tap, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(tap) })
	s.Cleanup(func() {
		s.Close()
		_ = server.Close()
		serving.Wait()
	})
	return tap
}

func (w *receiver) Accept() (net.Conn, error) {
	if conn, ok := <-w.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (w *receiver) Close() error   { close(w.conns); return nil }
func (w *receiver) Addr() net.Addr { return &net.UnixAddr{} }

func (w *receiver) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.requests = append(w.requests, fmt.Sprintf("%s %s%s %s %s %s %s", r.Method, r.Host, r.RequestURI, r.Header.Get("Content-Type"),
		r.Header.Get("Authorization"), r.Header.Get("X-Team"), r.UserAgent()))
	w.bodies = append(w.bodies, string(body))
	handle := w.handle
	w.mu.Unlock()
	if handle != nil {
		handle(rw, r)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// setHandler sets the handler of later requests.
func (w *receiver) setHandler(handle http.HandlerFunc) { w.mu.Lock(); w.handle = handle; w.mu.Unlock() }

// received returns the kinds and desktops of the requests since the last call.
func (w *receiver) received(t *testing.T) string {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	text := ""
	for _, body := range w.bodies {
		var e struct {
			Data struct {
				Kind      string
				DesktopID string `json:"desktop_id"`
			}
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Error(err)
		}
		text += e.Data.Kind + " " + e.Data.DesktopID + "; "
	}
	w.bodies, w.requests = nil, nil
	return text
}

// setEIP binds an EIP to the first desktop, or unbinds it, and scrapes.
func (s *scenario) setEIP(address string) {
	s.Helper()
	s.Cloud.PutDesktop(apptest.ProjectA, apptest.Desktop("d1", address))
	start := time.Now()
	s.Scrape()
	if took := time.Since(start); took != 0 {
		s.Errorf("a scrape took %s", took)
	}
	synctest.Wait()
}

// wantWebhookMetrics compares the metrics of the webhook.
func (s *scenario) wantWebhookMetrics(want string) {
	s.Helper()
	e := s.Scrape()
	got := fmt.Sprintf("sent=%v failures=%v queue=%v", e.Sum("exporter_changes_webhook_sent_total"),
		e.Sum("exporter_changes_webhook_failures_total"), e.Sum("exporter_changes_webhook_queue_length"))
	e.Each("exporter_changes_webhook_dropped_total", func(l apptest.Labels, v float64) {
		if v > 0 {
			got += fmt.Sprintf(" %s=%v", l.Get("reason"), v)
		}
	})
	if got != want {
		s.Errorf("counted is %s, want %s", got, want)
	}
}

func TestWebhookDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, webhookYAML(", authorization: {credentials: CANARYTOKEN}, headers: {X-Team: CANARYHEADER}"), apptest.Desktop("d1", ""))
		hooks := s.listenAt("hooks:80")
		s.Start()
		s.wantWebhookMetrics("sent=0 failures=0 queue=0")
		s.setEIP("203.0.113.7")
		time.Sleep(time.Minute)
		s.setEIP("")
		bodies := strings.Join(hooks.bodies, "\n")
		prefix := regexp.MustCompile(`"id":"([0-9a-f]{16})-`).FindStringSubmatch(bodies)
		if prefix == nil {
			t.Fatalf("no ID in %s", bodies)
		}
		event := func(n int, at, kind, before, after string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"/huaweicloud_workspace_exporter/la-north-2/%s",`+
				`"type":"com.huaweicloud.workspace.desktop.%s","subject":"d1","time":"%s","datacontenttype":"application/json",`+
				`"data":{"region":"la-north-2","project_id":"%[3]s","project":"office","desktop_id":"d1","desktop_name":"nd1",`+
				`"kind":"%[4]s","before":"%[6]s","after":"%[7]s"}}`, prefix[1], n, apptest.ProjectA, kind, at, before, after)
		}
		want := event(1, "2000-01-01T00:00:00.000Z", "eip_bound", "", "203.0.113.7") + "\n" +
			event(2, "2000-01-01T00:01:00.000Z", "eip_unbound", "203.0.113.7", "")
		if diff := gocmp.Diff(want, bodies); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		request := "POST hooks/CANARYPATH?key=CANARYQUERY application/cloudevents+json Bearer CANARYTOKEN CANARYHEADER huaweicloud_workspace_exporter/"
		for _, r := range hooks.requests {
			if !strings.HasPrefix(r, request) {
				t.Errorf("request is %s", r)
			}
		}
		s.wantWebhookMetrics("sent=2 failures=0 queue=0")
	})
}

// TestWebhookDoesNotBlock has a receiver that hangs: nothing else is delayed, and
// its URL and credentials appear nowhere.
func TestWebhookDoesNotBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := webhookYAML(", timeout: 45s, queue: 2, authorization: {credentials: CANARYTOKEN}, headers: {X-Team: CANARYHEADER}")
		s := prepareScenario(t, yaml, apptest.Desktop("d1", ""))
		hooks := s.listenAt("hooks:80")
		hooks.setHandler(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.Start()
		s.logLines()
		for i := range 4 {
			s.setEIP([]string{"203.0.113.7", ""}[i%2]) // without delay
		}
		s.wantWebhookMetrics("sent=0 failures=0 queue=3 queue_full=1")
		receiver := s.App.WebhookReceiver()
		s.reload(yaml+"policies: [{name: all, eip: allowed}]\n", http.StatusOK)
		if s.App.WebhookReceiver() != receiver {
			t.Error("a reload that does not change the webhook replaces it")
		}
		time.Sleep(44 * time.Second)
		s.wantWebhookMetrics("sent=0 failures=0 queue=3 queue_full=1")
		time.Sleep(2500 * time.Millisecond)
		s.wantWebhookMetrics("sent=0 failures=1 queue=2 queue_full=2")
		places := s.Get("/metrics") + s.Get("/status") + s.Get("/config") + s.logLines()
		if strings.Contains(places, "CANARY") {
			t.Errorf("something is shown: %s", places)
		}
		if !strings.Contains(places, `key=changes.webhook err="the receiver did not respond in time"`) {
			t.Errorf("the log does not tell\n%s", places)
		}
		hooks.setHandler(nil)
		time.Sleep(time.Minute)
		s.wantWebhookMetrics("sent=2 failures=2 queue=0 queue_full=2")
	})
}

func TestReloadWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, webhookYAML(""), apptest.Desktop("d1", ""))
		hooks, elsewhere := s.listenAt("hooks:80"), s.listenAt("elsewhere:80")
		hooks.setHandler(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		s.Start()
		s.setEIP("203.0.113.7")
		s.setEIP("203.0.113.8")
		s.wantWebhookMetrics("sent=0 failures=1 queue=2")

		// A webhook that cannot be opened changes nothing.
		s.reload(strings.Replace(webhookYAML(""), "hooks", "elsewhere", 1)+"nonsense: 1\n", http.StatusInternalServerError)
		if got := elsewhere.received(t); got != "" {
			t.Errorf("elsewhere gets %s", got)
		}
		s.reload(strings.Replace(webhookYAML(""), "hooks", "elsewhere", 1), http.StatusOK)
		if got := elsewhere.received(t); got != "eip_bound d1; eip_swapped d1; " {
			t.Errorf("elsewhere gets %s", got)
		}
		s.wantWebhookMetrics("sent=2 failures=1 queue=0")

		hooks.received(t)
		s.reload(webhookYAML(""), http.StatusOK)
		s.setEIP("")
		s.setEIP("203.0.113.9")
		s.reload(apptest.OfficeYAML, http.StatusOK)
		s.wantWebhookMetrics("sent=2 failures=2 queue=0 no_receiver=2")
		s.setEIP("")
		time.Sleep(time.Hour)
		if got := hooks.received(t); got != "eip_unbound d1; " {
			t.Errorf("they get %s", got)
		}
		s.wantWebhookMetrics("sent=2 failures=2 queue=0 no_receiver=2")
	})
}

func TestWebhookRedirects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, webhookYAML(", authorization: {credentials: CANARYTOKEN}"), apptest.Desktop("d1", ""))
		hooks, elsewhere := s.listenAt("hooks:80"), s.listenAt("elsewhere:80")
		hooks.setHandler(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere/%zzCANARYLOCATION")
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		s.Start()
		s.setEIP("203.0.113.7")
		s.wantWebhookMetrics("sent=0 failures=1 queue=1")
		logged := s.logLines()
		if got := elsewhere.received(t); got != "" || !strings.Contains(logged, `err="HTTP 307: redirects are not followed; configure the final URL"`) || strings.Contains(logged, "CANARY") {
			t.Errorf("the redirect target got %q; log\n%s", got, logged)
		}
	})
}

func TestWebhookFilesAreReread(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	url, token := filepath.Join(folder, "url"), filepath.Join(folder, "token")
	testutil.ReplaceFile(t, url, "http://hooks/CANARYPATH\n")
	testutil.ReplaceFile(t, token, "old\n")
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, apptest.OfficeYAML+fmt.Sprintf("changes: {webhook: {url_file: %s, authorization: {credentials_file: %s}}}\n", url, token), apptest.Desktop("d1", ""))
		hooks := s.listenAt("hooks:80")
		hooks.setHandler(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer new" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		s.Start()
		s.setEIP("203.0.113.7")
		s.wantWebhookMetrics("sent=0 failures=1 queue=1")
		testutil.ReplaceFile(t, token, "new\n")
		time.Sleep(time.Second)
		s.wantWebhookMetrics("sent=1 failures=1 queue=0")
		s.logLines()

		failures := 1
		for _, test := range []struct{ file, text, good, want string }{
			{url, "ftp://hooks/CANARYPATH", "http://hooks/CANARYPATH", "changes.webhook.url_file: " + url + ": invalid webhook URL; use a URL such as https://hooks.example.com/workspace"},
			{url, "http://CANARYUSER:CANARYPASSWORD@hooks/", "http://hooks/", "changes.webhook.url_file: " + url + ": URL contains a user or a password; use authorization instead"},
			{url, "\n", "http://hooks/", "changes.webhook.url_file: " + url + ": file is empty; write the secret into it"},
			{token, "CANARY\x01TOKEN", "new", "changes.webhook.authorization.credentials_file: " + token + ": contains a line break or another control character; copy it again"},
			{token, "", "new", "changes.webhook.authorization.credentials_file: " + token + ": file is empty; write the secret into it"},
		} {
			testutil.ReplaceFile(t, test.file, test.text)
			s.setEIP([]string{"203.0.113.7", ""}[failures%2])
			failures++
			s.wantWebhookMetrics(fmt.Sprintf("sent=%d failures=%d queue=1", failures-1, failures))
			if logged := s.logLines(); !strings.Contains(logged, `err="`+test.want+`"`) || strings.Contains(logged, "CANARY") {
				t.Errorf("the log lacks %q:\n%s", test.want, logged)
			}
			testutil.ReplaceFile(t, test.file, test.good)
			time.Sleep(time.Second)
			s.wantWebhookMetrics(fmt.Sprintf("sent=%d failures=%d queue=0", failures, failures))
			s.logLines()
		}
		if err := os.Remove(url); err != nil {
			t.Fatal(err)
		}
		s.setEIP("203.0.113.8")
		if logged := s.logLines(); !strings.Contains(logged, "changes.webhook.url_file: "+url+": ") {
			t.Errorf("log\n%s", logged)
		}
	})
}

func TestReloadChangesLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+"changes: {keep: 3}\n", apptest.Desktop("d1", ""))
		for i := range 5 {
			s.setEIP(fmt.Sprintf("203.0.113.%d", i+1))
		}
		kept := func() string {
			var document struct{ Changes []struct{ After string } }
			if err := json.Unmarshal([]byte(s.Get("/changes.json")), &document); err != nil {
				t.Error(err)
			}
			text := ""
			for _, c := range document.Changes {
				text += strings.TrimPrefix(c.After, "203.0.113.")
			}
			return text
		}
		got := []string{kept()}
		for _, keep := range []int{2, 4, 0} {
			s.reload(apptest.OfficeYAML+fmt.Sprintf("changes: {keep: %d}\n", keep), http.StatusOK)
			s.setEIP(fmt.Sprintf("203.0.113.%d", 9-keep))
			got = append(got, kept())
		}
		if diff := gocmp.Diff([]string{"543", "75", "575", ""}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestWebhookHeaders checks the headers of a request.
func TestWebhookHeaders(t *testing.T) {
	t.Parallel()
	w := config.Webhook{Headers: map[string]config.Secret{"authorization": config.NewSecret("Api x"), "x-a": config.NewSecret("1")}}
	header, err := w.ReadHeader()
	if diff := gocmp.Diff(http.Header{"Authorization": {"Api x"}, "X-A": {"1"}}, header); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	w.Authorization = config.Authorization{Type: "Basic", Credentials: config.NewSecret("YQ==")}
	if header, err = w.ReadHeader(); err != nil || header.Get("Authorization") != "Basic YQ==" {
		t.Errorf("%v %v", header, err)
	}
}
