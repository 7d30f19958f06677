// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package apptest runs an exporter before a simulated cloud, for tests of package
// app and of the command line.
package apptest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
)

// Scenario is an App and a simulated cloud, connected by the SDK over in-memory
// connections, so that it runs in virtual time.
type Scenario struct {
	*testing.T
	Cloud   *simulator.Cloud
	App     *app.App
	Handler http.Handler
	Log     *testutil.Buffer
	YAML    string // the configuration that Load parses
	Dial    httptransport.DialFunc
	Hosts   map[string]httptransport.DialFunc // by address; all other addresses are the cloud
	Close   func()
	Load    func() (*config.Config, error) // parses YAML, unless replaced
}

// New returns a started Scenario in which ProjectA has the given desktops. It must
// be called in a synctest bubble.
func New(t *testing.T, yaml string, desktops ...simulator.Desktop) *Scenario {
	t.Helper()
	s := Prepare(t, yaml, desktops...)
	s.Start()
	return s
}

// Prepare returns a Scenario that has not sent a request yet.
func Prepare(t *testing.T, yaml string, desktops ...simulator.Desktop) *Scenario {
	t.Helper()
	s := &Scenario{T: t, Cloud: simulator.New(simulator.Options{Seed: 1}), Log: &testutil.Buffer{}, YAML: yaml, Hosts: map[string]httptransport.DialFunc{}}
	s.Cloud.AddProject(simulator.Project{ID: ProjectA, Name: "la-north-2", Region: "la-north-2"})
	s.Cloud.AddProject(simulator.Project{ID: ProjectB, Name: "ap-southeast-3", Region: "ap-southeast-3"})
	s.Cloud.AddKey(simulator.Key{AccessKey: "AKOFFICE", SecretKey: SecretKey})
	s.Cloud.SetDesktops(ProjectA, desktops)
	cloud, stop := s.Cloud.StartInMemory()
	s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if other := s.Hosts[address]; other != nil {
			return other(ctx, network, address)
		}
		return cloud(ctx, network, address)
	}
	s.Load = func() (*config.Config, error) {
		return config.Parse("config.yml", []byte(s.YAML), config.Options{Families: collector.FamilyNames()})
	}
	s.Open()
	s.Close = func() {
		s.App.Close()
		s.Cloud.Close()
		stop()
	}
	t.Cleanup(s.Close)
	return s
}

// Open makes a new App, which has not sent a request yet.
func (s *Scenario) Open() {
	s.App = app.New(app.Options{
		Logger: log.NewLogfmtLogger(s.Log), UserAgent: "huaweicloud_workspace_exporter/test",
		Load: func() (*config.Config, error) { return s.Load() }, SaveState: true, Dial: s.Dial,
	})
	s.Handler = s.App.Handler(web.Options{TelemetryPath: "/metrics", TimeoutOffset: 500 * time.Millisecond})
}

// Restart closes the App and starts a new one after some time.
func (s *Scenario) Restart(away time.Duration) {
	s.Helper()
	s.App.Close()
	time.Sleep(away)
	s.Open()
	s.Start()
}

// Start loads the configuration and waits for the first refresh.
func (s *Scenario) Start() {
	s.Helper()
	if err := s.App.Reload(); err != nil {
		s.Fatal(err)
	}
	synctest.Wait()
	s.Cloud.ResetCounters()
}

// Request sends a request to the exporter.
func (s *Scenario) Request(method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w
}

// Get returns the body of a response, which must have status 200 and arrive within
// the scrape timeout.
func (s *Scenario) Get(path string) string {
	s.Helper()
	start := time.Now()
	w := s.Request(http.MethodGet, path)
	if took := time.Since(start); took > 9500*time.Millisecond {
		s.Errorf("%s took %s of 10s", path, took)
	}
	if w.Code != http.StatusOK {
		s.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// Scrape returns the metrics of all projects.
func (s *Scenario) Scrape() Exposition { s.Helper(); return Parse(s.T, s.Get("/metrics")) }

// WantDesktops scrapes and compares the desktops of ProjectA.
func (s *Scenario) WantDesktops(text string) Exposition {
	s.Helper()
	e := s.Scrape()
	if diff := gocmp.Diff(strings.TrimSpace(text), e.Desktops(ProjectA)); diff != "" {
		s.Errorf("(-want +got)\n%s", diff)
	}
	return e
}
