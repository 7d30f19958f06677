// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// source is a project with one desktop, or with a failure.
type source struct {
	project  inventory.Project
	failure  error
	latency  time.Duration
	wait     time.Duration // until the quota for networks is available
	optional bool
}

func (s source) ResolveProject(ctx context.Context) (inventory.Project, error) {
	select {
	case <-time.After(s.latency):
	case <-ctx.Done():
	}
	return s.project, s.failure
}

func (s source) ListDesktops(context.Context) ([]inventory.Desktop, error) {
	return []inventory.Desktop{{ID: "d1"}}, nil
}

func (s source) ListEIPBindings(context.Context) (inventory.EIPBindings, error) { return nil, nil }

func (s source) ReadNetworks(context.Context, []string, bool) (inventory.NetworksResult, error) {
	if s.wait > 0 {
		return inventory.NetworksResult{}, &inventory.QuotaExceeded{Operation: "ShowDesktopNetworks", Until: time.Now().Add(s.wait)}
	}
	return inventory.NetworksResult{Networks: map[string]*inventory.Networks{"d1": {}}}, nil
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hostile = `<script>alert("1")</script>`

func (s source) target() (project inventory.Project, optional bool) { return s.project, s.optional }

func office(name string) source {
	return source{project: inventory.Project{Name: name, Region: "la-north-2", ID: "0123"}}
}

// projectNames is an Options.Metrics that writes the projects it reads, and whether
// the exporter's own metrics are requested.
func projectNames(read ReadFunc, own bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, s := range read(r.Context()) {
			_, _ = fmt.Fprintf(w, "%s tried=%t ", s.Project.Name, s.Health.Refreshed)
		}
		_, _ = fmt.Fprintf(w, "own=%t", own)
	})
}

func handler(t *testing.T, change func(*Options)) http.Handler {
	t.Helper()
	o := Options{
		Metrics:       projectNames,
		Config:        func() string { return "projects: []\n" },
		Reload:        func() error { return nil },
		Quotas:        func() []Quota { return nil },
		Accounts:      func() []Account { return nil },
		Warnings:      func() []string { return nil },
		Version:       "1.2.3",
		TelemetryPath: "/metrics",
		TimeoutOffset: 500 * time.Millisecond,
		Logger:        log.NewNopLogger(),
	}
	change(&o)
	if o.Fleet == nil {
		o.Fleet = newFleet(t, office("bogota"), office("lima"))
	}
	if o.Ready == nil {
		o.Ready = o.Fleet.Ready
	}
	return New(o)
}

func request(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestResponses(t *testing.T) {
	get, head, post := http.MethodGet, http.MethodHead, http.MethodPost
	for _, tc := range []struct {
		method, target string
		change         func(*Options)
		status         int
		body           string
	}{
		{get, "/metrics", nil, 200, "bogota tried=true lima tried=true own=true"},
		{head, "/metrics", nil, 200, "bogota tried=true lima tried=true own=true"}, // the server omits the body
		{post, "/metrics", nil, 405, "/metrics accepts GET and HEAD\n"},
		{get, "/metrics?collect[]=x", nil, 400, "unknown parameter \"collect[]\": /metrics accepts no parameters\n"},
		{get, "/other", func(o *Options) { o.TelemetryPath = "/other" }, 200, "bogota tried=true lima tried=true own=true"},
		{get, "/metrics", func(o *Options) { o.TelemetryPath = "/other" }, 404, "404 page not found\n"},
		{get, "/probe?target=lima", nil, 200, "lima tried=true own=false"},
		{get, "/probe", nil, 400, "parameter \"target\" is missing: the name of a project in the configuration\n"},
		{get, "/probe?target=", nil, 400, "parameter \"target\" is missing: the name of a project in the configuration\n"},
		{get, "/probe?target=quito", nil, 404, "unknown target \"quito\": no project in the configuration has this name\n"},
		{get, "/probe?target=lima&target=bogota", nil, 400, "parameter \"target\" has 2 values: /probe accepts one\n"},
		{get, "/probe?target=lima&module=x", nil, 400, "unknown parameter \"module\": /probe accepts target\n"},
		{post, "/probe?target=lima", nil, 405, "/probe accepts GET and HEAD\n"},
		{get, "/-/healthy", nil, 200, "healthy\n"},
		{get, "/-/ready", func(o *Options) { o.Ready = func() bool { return false } }, 503, "not ready: the first refresh of some projects has not finished; scrape /metrics\n"},
		{get, "/-/ready", func(o *Options) { o.Ready = func() bool { return true } }, 200, "ready\n"},
		{post, "/-/reload", nil, 200, "reloaded\n"},
		{get, "/-/reload", nil, 405, "/-/reload accepts POST\n"},
		{post, "/-/reload", func(o *Options) { o.Reload = func() error { return errors.New("projects[0]: no") } }, 500, "reload failed, the old configuration stays in force:\nprojects[0]: no\n"},
		{get, "/config", nil, 200, "projects: []\n"},
		{get, "/nothing", nil, 404, "404 page not found\n"},
		{get, "/debug/pprof/", nil, 404, "404 page not found\n"},
		{get, "/debug/pprof/cmdline", nil, 404, "404 page not found\n"},
		{get, "/x/metrics", func(o *Options) { o.RoutePrefix = "/x" }, 200, "bogota tried=true lima tried=true own=true"},
		{get, "/x/-/healthy", func(o *Options) { o.RoutePrefix = "/x" }, 200, "healthy\n"},
		{get, "/metrics", func(o *Options) { o.RoutePrefix = "/x" }, 404, "404 page not found\n"},
		{get, "/metrics", func(o *Options) { o.DisableExporterMetrics = true }, 200, "bogota tried=true lima tried=true own=false"},
		{get, "/", func(o *Options) { o.RoutePrefix, o.LinkPrefix = "/x", "/x" }, 302, "<a href=\"/x/\">Found</a>.\n\n"},
		{get, "/x", func(o *Options) { o.RoutePrefix, o.LinkPrefix = "/x", "/outside/x" }, 302, "<a href=\"/outside/x/\">Found</a>.\n\n"},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			if tc.change == nil {
				tc.change = func(*Options) {}
			}
			w := request(handler(t, tc.change), tc.method, tc.target)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			if diff := cmp.Diff(tc.body, w.Body.String()); diff != "" {
				t.Errorf("body (-want +got)\n%s", diff)
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
				t.Errorf("Content-Security-Policy is %q", csp)
			}
			if tc.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestPprof(t *testing.T) {
	for _, prefix := range []string{"", "/x"} {
		h := handler(t, func(o *Options) { o.Pprof, o.RoutePrefix = true, prefix })
		for path, want := range map[string]string{
			"/debug/pprof/":                  "full goroutine stack dump",
			"/debug/pprof/cmdline":           "web.test",
			"/debug/pprof/goroutine?debug=1": "goroutine profile: total",
			"/debug/pprof/nonesuch":          "Unknown profile",
		} {
			if w := request(h, http.MethodGet, prefix+path); !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s%s: %d without %q:\n%s", prefix, path, w.Code, want, w.Body)
			}
		}
	}
}

func TestScrapeTimeouts(t *testing.T) {
	for _, tc := range []struct {
		header      string
		wait, total time.Duration
	}{
		{"", 9500 * time.Millisecond, 10 * time.Second},
		{"30", 29500 * time.Millisecond, 30 * time.Second},
		{"2.5", 2 * time.Second, 2500 * time.Millisecond},
		{"0.6", 300 * time.Millisecond, 600 * time.Millisecond},
		{"0", 9500 * time.Millisecond, 10 * time.Second},
		{"-3", 9500 * time.Millisecond, 10 * time.Second},
		{"NaN", 9500 * time.Millisecond, 10 * time.Second},
		{"+Inf", 2*time.Minute - 500*time.Millisecond, 2 * time.Minute},
		{"1e300", 2*time.Minute - 500*time.Millisecond, 2 * time.Minute},
		{"soon", 9500 * time.Millisecond, 10 * time.Second},
	} {
		wait, total := scrapeTimeouts(tc.header, 500*time.Millisecond)
		if wait != tc.wait || total != tc.total {
			t.Errorf("%q: %s, %s; want %s, %s", tc.header, wait, total, tc.wait, tc.total)
		}
	}
}

func TestScrapeRespondsBeforeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := office("lima")
		slow.latency = 30 * time.Second
		h := handler(t, func(o *Options) { o.Fleet = newFleet(t, office("bogota"), slow) })
		start := time.Now()
		w := request(h, http.MethodGet, "/metrics", scrapeTimeoutHeader, "5")
		if took := time.Since(start); took != 4500*time.Millisecond {
			t.Errorf("took %s, want 4.5s", took)
		}
		if got, want := w.Body.String(), "bogota tried=true lima tried=false own=true"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestMaxRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := office("lima")
		slow.latency = 5 * time.Second
		h := handler(t, func(o *Options) { o.Fleet, o.MaxRequests = newFleet(t, slow), 1 })
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- request(h, http.MethodGet, "/metrics") }()
		synctest.Wait()
		w := request(h, http.MethodGet, "/probe?target=lima")
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("status %d, Retry-After %q; want 503, 1", w.Code, w.Header().Get("Retry-After"))
		}
		if w := request(h, http.MethodGet, "/-/healthy"); w.Code != 200 {
			t.Errorf("health is %d while scrapes run, want 200", w.Code)
		}
		if w := <-first; w.Code != 200 {
			t.Errorf("the first scrape got %d, want 200", w.Code)
		}
		if w := request(h, http.MethodGet, "/metrics"); w.Code != 200 {
			t.Errorf("the next scrape got %d, want 200", w.Code)
		}
	})
}

func TestClientThatDoesNotReadReleasesSlot(t *testing.T) {
	// The write deadline ends the response to a client that does not read it.
	big := func(read ReadFunc, _ bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			read(r.Context())
			for range 1000 {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		})
	}
	server := httptest.NewServer(handler(t, func(o *Options) { o.Metrics, o.MaxRequests = big, 1 }))
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/metrics", nil)
	r.Header.Set(scrapeTimeoutHeader, "0.2")
	stalled, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stalled.Body.Close() }()
	for range 100 {
		next, err := http.Get(server.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, next.Body)
		_ = next.Body.Close()
		if next.StatusCode == 200 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("a client that does not read keeps the only slot for five seconds")
}
