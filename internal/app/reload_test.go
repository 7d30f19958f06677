// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// reload reloads a configuration by POST.
func (s *scenario) reload(yaml string, status int) string {
	s.Helper()
	s.YAML = yaml
	w := s.Request(http.MethodPost, "/-/reload")
	if w.Code != status {
		s.Errorf("reload answers %d, want %d: %s", w.Code, status, w.Body)
	}
	return w.Body.String()
}

func TestFailedReloadChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
		e := s.WantDesktops(apptest.TwoDesktopsOK)
		loaded := e.Sum("exporter_config_last_reload_success_timestamp_seconds")
		if loaded != float64(time.Now().Unix()) || e.Sum("exporter_config_last_reload_successful") != 1 {
			t.Errorf("loaded at %v with %v", loaded, e.Sum("exporter_config_last_reload_successful"))
		}
		config, snapshot := s.Get("/config"), s.App.Fleet().Snapshots()[0]
		s.logLines()
		time.Sleep(time.Minute)
		for name, bad := range map[string]struct{ yaml, reason string }{
			"not YAML":      {"projects: [", "config.yml:1: invalid YAML"},
			"empty":         {"", "config.yml: file is empty"},
			"unknown key":   {apptest.OfficeYAML + "    regio: x\n", "projects[0].regio"},
			"one bad":       {apptest.OfficeYAML + strings.Replace(apptest.PlantYAML, "region: ap", "region: \"\" #", 1), "projects[1].region"},
			"no CA":         {apptest.OfficeYAML + apptest.PlantYAML + "    http: {tls_config: {ca_file: /nonexistent/ca.pem}}\n", "projects[1].http.tls_config.ca_file"},
			"no secret":     {strings.Replace(apptest.OfficeYAML, "secret_key:", "secret_key_file:", 1), "projects[0].credentials.secret_key_file"},
			"no such place": {strings.Replace(apptest.OfficeYAML, "la-north-2", "la-nowhere-7", 1) + "accounts: [{name: a, regions: '('}]\n", "accounts[0].regions"},
		} {
			answer := s.reload(bad.yaml, http.StatusInternalServerError)
			if !strings.HasPrefix(answer, "reload failed, the old configuration stays in force:\n") || !strings.Contains(answer, bad.reason) {
				t.Errorf("%s: want %q in\n%s", name, bad.reason, answer)
			}
			if logged := s.logLines(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, "Configuration reload failed") {
				t.Errorf("%s: log\n%s", name, logged)
			}
			if s.Get("/config") != config {
				t.Errorf("%s: /config changed", name)
			}
			if s.App.Fleet().Snapshots()[0] != snapshot {
				t.Errorf("%s: the project has another snapshot", name)
			}
			if !strings.Contains(s.Get("/status"), "The last reload failed; the previous configuration is still in force.") {
				t.Errorf("%s: /status does not report it", name)
			}
		}
		e = s.WantDesktops(apptest.TwoDesktopsOK)
		if at := e.Sum("exporter_config_last_reload_success_timestamp_seconds"); at != loaded || e.Sum("exporter_config_last_reload_successful") != 0 {
			t.Errorf("after bad files: loaded at %v, want %v, with %v", at, loaded, e.Sum("exporter_config_last_reload_successful"))
		}
		s.reload(apptest.OfficeYAML, http.StatusOK)
		e = s.Scrape()
		if at := e.Sum("exporter_config_last_reload_success_timestamp_seconds"); at != float64(time.Now().Unix()) || e.Sum("exporter_config_last_reload_successful") != 1 {
			t.Errorf("after a good file: loaded at %v with %v", at, e.Sum("exporter_config_last_reload_successful"))
		}
		if strings.Contains(s.Get("/status"), "reload failed") {
			t.Error("/status still reports the failed reload")
		}
	})
}

func TestReloadKeepsUnchangedProjects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+apptest.PlantYAML, apptest.TwoDesktops()...)
		s.Cloud.PutDesktop(apptest.ProjectB, apptest.Desktop("d7", ""))
		s.wantProjects("office up=1 desktops=2, plant up=1 desktops=1")
		clients := maps.Clone(s.App.Clients())
		snapshots := s.App.Fleet().Snapshots()
		calls := s.Scrape().Sum("exporter_api_requests_total", "operation", list, "region", "la-north-2")

		// A new limit for one of two projects keeps the client of the other one, and
		// the data of both.
		s.Cloud.AddFault(simulator.Fault{Project: apptest.ProjectB, Latency: time.Hour})
		s.reload(apptest.OfficeYAML+apptest.PlantYAML+"    limits: {concurrency: 3}\n", http.StatusOK)
		kept := 0
		for key, client := range s.App.Clients() {
			if clients[key] == client {
				kept++
			}
		}
		if kept != 1 || len(s.App.Clients()) != 2 {
			t.Errorf("%d clients of 2 kept, of %d", kept, len(s.App.Clients()))
		}
		after := s.App.Fleet().Snapshots()
		if after[0].Records[0] != snapshots[0].Records[0] || after[1].Records[0] != snapshots[1].Records[0] {
			t.Error("records were replaced")
		}
		e := s.Scrape()
		if e.Projects() != "office up=1 desktops=2, plant up=1 desktops=1" {
			t.Errorf("projects are %s", e.Projects())
		}
		if n := e.Sum("exporter_api_requests_total", "operation", list, "region", "la-north-2"); n < calls {
			t.Errorf("the counter fell from %v to %v", calls, n)
		}

		// One project is removed while its call hangs: its series and calls end.
		s.reload(apptest.OfficeYAML, http.StatusOK)
		s.Cloud.ResetCounters()
		for range 10 {
			time.Sleep(time.Minute)
			s.wantProjects("office up=1 desktops=2")
		}
		if w := s.Request(http.MethodGet, "/probe?target=plant"); w.Code != http.StatusNotFound {
			t.Errorf("the probe of a removed project returns %d", w.Code)
		}
		for _, c := range s.Cloud.Calls() {
			if c.Project == apptest.ProjectB {
				t.Fatalf("a call for a removed project: %s", c.Operation)
			}
		}
		if s.Cloud.CallCount(list) != 10 {
			t.Errorf("the other was listed %d times in 10 scrapes", s.Cloud.CallCount(list))
		}
	})
}

func TestReloadMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fleet := apptest.TwoDesktops()
		fleet[0].Tags = []simulator.Tag{{Key: "team", Value: "finance"}, {Key: "floor", Value: "3"}}
		fleet[0].Users = []simulator.User{{Name: "ana"}}
		s := newScenario(t, apptest.OfficeYAML, fleet...)
		exposed := func() string {
			e := s.Scrape()
			var families []string
			for name := range e {
				short, ok := strings.CutPrefix(name, "huaweicloud_workspace_desktop_")
				if ok && strings.HasSuffix(short, "_info") && short != "network_info" {
					families = append(families, short)
				}
			}
			e.Each("desktop_tags_info", func(l apptest.Labels, _ float64) {
				for _, pair := range l {
					if strings.HasPrefix(pair.GetName(), "tag_") && l.Get("desktop_id") == "d1" {
						families = append(families, pair.GetName()+"="+pair.GetValue())
					}
				}
			})
			return strings.Join(sorted(families), " ")
		}
		for _, tc := range []struct{ metrics, want string }{
			{"", "security_group_info"},
			{"metrics: {disable: [desktop_security_group_info]}", ""},
			{"metrics: {tags: [team]}", "security_group_info tag_team=finance tags_info"},
			{"metrics: {tags: [floor, team]}", "security_group_info tag_floor=3 tag_team=finance tags_info"},
			{"metrics: {users: true}", "security_group_info user_info"},
			{"metrics: {users: true, tags: [team], disable: [desktop_security_group_info, desktop_user_info]}", "tag_team=finance tags_info"},
			{"", "security_group_info"},
		} {
			s.reload(apptest.OfficeYAML+tc.metrics+"\n", http.StatusOK)
			if got := exposed(); got != tc.want {
				t.Errorf("%q: %q, want %q", tc.metrics, got, tc.want)
			}
			if e := s.Scrape(); e.Sum("desktops") != 2 {
				t.Errorf("%q: %v desktops", tc.metrics, e.Sum("desktops"))
			}
		}
	})
}

// TestDisabledTLSVerificationIsReported checks metrics, log and status page, for
// projects and for accounts without projects.
func TestDisabledTLSVerificationIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const off = "http: {tls_config: {insecure_skip_verify: true}}"
		s := newScenario(t, apptest.OfficeYAML+"    "+off+"\n"+apptest.PlantYAML+"accounts:"+apptest.AccountYAML("org", off, "projects: none")+
			"changes: {webhook: {url: 'https://hooks.example.com', "+off+"}}\n", apptest.TwoDesktops()...)
		unverified := func() string {
			var names []string
			s.Scrape().Each("exporter_tls_verification_disabled", func(l apptest.Labels, _ float64) { names = append(names, l.Get("project")) })
			return strings.Join(sorted(names), " ")
		}
		if got := unverified(); got != "changes.webhook office org" {
			t.Errorf("verification is off for %q, want changes.webhook office org", got)
		}
		if n := strings.Count(s.logLines(), "level=warn msg=\"TLS certificate verification is disabled"); n != 3 {
			t.Errorf("%d warnings, want 3", n)
		}
		if !strings.Contains(s.Get("/status"), "Remove http.tls_config.insecure_skip_verify from office, org, changes.webhook.") {
			t.Error("/status does not report it")
		}
		s.reload(apptest.OfficeYAML+apptest.PlantYAML, http.StatusOK)
		if got := unverified(); got != "" || strings.Contains(s.Get("/status"), "Warning") {
			t.Errorf("verification is on again, but reported for %q", got)
		}
	})
}

// TestConcurrentReloads has twenty reloads at the same time, every second one invalid,
// during scrapes and page views.
func TestConcurrentReloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, "", apptest.TwoDesktops()...)
		s.Cloud.PutDesktop(apptest.ProjectB, apptest.Desktop("d7", ""))
		s.Cloud.AddFault(simulator.Fault{Latency: 20 * time.Millisecond})
		var turn atomic.Int64
		configurations := []string{
			apptest.OfficeYAML + apptest.PlantYAML + "    limits: {concurrency: 3}\n",
			apptest.OfficeYAML + apptest.PlantYAML + "    eips: false\nmetrics: {users: true}\n",
			apptest.OfficeYAML + apptest.PlantYAML + "accounts:" + apptest.AccountYAML("org"),
			apptest.OfficeYAML + apptest.PlantYAML + "refresh: {max_staleness: 20m}\n",
		}
		reads := s.Load
		s.Load = func() (*config.Config, error) { // only the reconcile goroutine calls it
			n := turn.Add(1) - 1
			s.YAML = configurations[int(n/2)%len(configurations)]
			if n%2 == 1 {
				s.YAML += "unknown: true\n"
			}
			return reads()
		}
		s.Start()
		turn.Store(0)
		ctx := t.Context()
		var all sync.WaitGroup
		var good, bad atomic.Int64
		for range 20 {
			all.Go(func() {
				switch w := s.Request(http.MethodPost, "/-/reload"); w.Code {
				case http.StatusOK:
					good.Add(1)
				case http.StatusInternalServerError:
					bad.Add(1)
				default:
					t.Errorf("a reload answers %d", w.Code)
				}
			})
		}
		for _, path := range []string{"/metrics", "/probe?target=office", "/status", "/", "/config", "/-/ready"} {
			for range 3 {
				all.Go(func() {
					for range 20 {
						w := s.Request(http.MethodGet, path)
						if w.Code != http.StatusOK && path != "/-/ready" { // may not be ready yet
							t.Errorf("%s answers %d: %s", path, w.Code, w.Body)
						}
						if body := w.Body.String(); strings.HasPrefix(path, "/metrics") || strings.HasPrefix(path, "/probe") {
							if e := apptest.Parse(t, body); e.Sum("desktops", "project_id", apptest.ProjectA) != 2 {
								t.Errorf("%s has %v desktops", path, e.Sum("desktops", "project_id", apptest.ProjectA))
							}
						}
						time.Sleep(5 * time.Millisecond)
					}
				})
			}
		}
		all.Wait()
		if good.Load() != 10 || bad.Load() != 10 || ctx.Err() != nil {
			t.Errorf("%d reloads succeeded and %d failed, want ten each", good.Load(), bad.Load())
		}
		s.Load = reads
		s.reload(apptest.OfficeYAML+apptest.PlantYAML, http.StatusOK)
		s.wantProjects("office up=1 desktops=2, plant up=1 desktops=1")
		if n := s.Cloud.LockoutCount(); n != 0 {
			t.Errorf("%d lockouts", n)
		}
	})
}

// TestKeyRotationDuringReloads replaces the files of an access key repeatedly, one after
// the other, during reloads and scrapes. No call may be refused.
func TestKeyRotationDuringReloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write := func(name, text string) {
			path := filepath.Join(dir, name)
			for _, err := range []error{
				os.WriteFile(path+".new", []byte(text), 0o600),
				os.Chtimes(path+".new", time.Now(), time.Now()), // of the virtual clock
				os.Rename(path+".new", path),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		key := func(n int) simulator.Key {
			return simulator.Key{AccessKey: fmt.Sprint("AKROTATED", n), SecretKey: fmt.Sprint("secret", n), SecurityToken: fmt.Sprint("token", n), User: "one"}
		}
		write("ak", key(0).AccessKey)
		write("sk", key(0).SecretKey)
		write("token", key(0).SecurityToken)
		yaml := strings.Replace(apptest.OfficeYAML, "access_key: AKOFFICE, secret_key: "+apptest.SecretKey,
			fmt.Sprintf("access_key_file: %[1]s/ak, secret_key_file: %[1]s/sk, security_token_file: %[1]s/token", dir), 1)
		s := prepareScenario(t, yaml, apptest.TwoDesktops()...)
		s.Cloud.AddKey(key(0))
		s.Start()

		stop := make(chan struct{})
		var all sync.WaitGroup
		every := func(pause time.Duration, do func(n int)) {
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(pause):
						do(n)
					}
				}
			})
		}
		every(700*time.Millisecond, func(n int) {
			s.YAML = yaml + fmt.Sprintf("    limits: {concurrency: %d}\n", 1+n%3)
			if w := s.Request(http.MethodPost, "/-/reload"); w.Code != http.StatusOK {
				t.Errorf("reload: %d %s", w.Code, w.Body)
			}
		})
		every(900*time.Millisecond, func(int) {
			if e := s.Scrape(); e.Sum("up") != 1 || e.Sum("desktop_eips") != 1 {
				t.Errorf("up %v, %v EIPs while keys rotate", e.Sum("up"), e.Sum("desktop_eips"))
			}
		})
		used := map[string]bool{}
		for n := 1; n <= 6; n++ {
			next := key(n)
			s.Cloud.AddKey(next)
			write("token", next.SecurityToken)
			time.Sleep(600 * time.Millisecond)
			write("sk", next.SecretKey)
			time.Sleep(600 * time.Millisecond)
			write("ak", next.AccessKey)
			time.Sleep(10 * time.Second)
			s.Cloud.RemoveKey(key(n - 1).AccessKey)
			time.Sleep(10 * time.Second)
		}
		close(stop)
		all.Wait()
		for _, c := range s.Cloud.Calls() {
			used[c.AccessKey] = true
			if c.Status == http.StatusUnauthorized {
				t.Errorf("%s was refused for %s at %s", c.AccessKey, c.Operation, c.Time)
			}
		}
		if n := len(used); n != 7 {
			t.Errorf("%d keys were used, want 7: %v", n, slices.Sorted(maps.Keys(used)))
		}
	})
}
