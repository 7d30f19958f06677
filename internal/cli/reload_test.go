// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

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
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// plant is a second project to put beside the office.
const plant = `
  - name: plant
    region: ap-southeast-3
    project_id: ` + projectB + `
    endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + secret + `}
`

// reload has the scene read a configuration by POST.
func (s *scene) reload(yaml string, status int) string {
	s.Helper()
	s.yaml = yaml
	w := s.ask(http.MethodPost, "/-/reload")
	if w.Code != status {
		s.Errorf("reload answers %d, want %d: %s", w.Code, status, w.Body)
	}
	return w.Body.String()
}

func TestAReloadThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, office, both()...)
		e := s.want(bothWell)
		loaded := e.sum("exporter_config_last_reload_success_timestamp_seconds")
		if loaded != float64(time.Now().Unix()) || e.sum("exporter_config_last_reload_successful") != 1 {
			t.Errorf("loaded at %v with %v", loaded, e.sum("exporter_config_last_reload_successful"))
		}
		config, snapshot := s.get("/config"), s.x.fleet.Snapshots()[0]
		s.news()
		time.Sleep(time.Minute)
		for name, bad := range map[string]struct{ yaml, reason string }{
			"not YAML":      {"projects: [", "scene.yml:1: invalid YAML"},
			"empty":         {"", "scene.yml: file is empty"},
			"unknown key":   {office + "    regio: x\n", "projects[0].regio"},
			"one bad":       {office + strings.Replace(plant, "region: ap", "region: \"\" #", 1), "projects[1].region"},
			"no CA":         {office + plant + "    http: {tls_config: {ca_file: /nonexistent/ca.pem}}\n", "projects[1].http.tls_config.ca_file"},
			"no secret":     {strings.Replace(office, "secret_key:", "secret_key_file:", 1), "projects[0].credentials.secret_key_file"},
			"no such place": {strings.Replace(office, "la-north-2", "la-nowhere-7", 1) + "accounts: [{name: a, regions: '('}]\n", "accounts[0].regions"},
		} {
			answer := s.reload(bad.yaml, http.StatusInternalServerError)
			if !strings.HasPrefix(answer, "reload failed, the old configuration stays in force:\n") || !strings.Contains(answer, bad.reason) {
				t.Errorf("%s: it does not say %q:\n%s", name, bad.reason, answer)
			}
			if news := s.news(); strings.Count(news, "\n") != 1 || !strings.Contains(news, "Reload failed") {
				t.Errorf("%s: log\n%s", name, news)
			}
			if s.get("/config") != config {
				t.Errorf("%s: /config changed", name)
			}
			if s.x.fleet.Snapshots()[0] != snapshot {
				t.Errorf("%s: the project lost its snapshot", name)
			}
			if !strings.Contains(s.get("/status"), "The last reload failed, and the configuration before it is still in force.") {
				t.Errorf("%s: /status does not say so", name)
			}
		}
		e = s.want(bothWell)
		if at := e.sum("exporter_config_last_reload_success_timestamp_seconds"); at != loaded || e.sum("exporter_config_last_reload_successful") != 0 {
			t.Errorf("after bad files: loaded at %v, want %v, with %v", at, loaded, e.sum("exporter_config_last_reload_successful"))
		}
		s.reload(office, http.StatusOK)
		e = s.scrape()
		if at := e.sum("exporter_config_last_reload_success_timestamp_seconds"); at != float64(time.Now().Unix()) || e.sum("exporter_config_last_reload_successful") != 1 {
			t.Errorf("after a good file: loaded at %v with %v", at, e.sum("exporter_config_last_reload_successful"))
		}
		if strings.Contains(s.get("/status"), "reload failed") {
			t.Error("/status still speaks of the reload that failed")
		}
	})
}

func TestAReloadTouchesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, office+plant, both()...)
		s.cloud.PutDesktop(projectB, desktop("d7", ""))
		s.wantProjects("office up=1 desktops=2, plant up=1 desktops=1")
		clients := maps.Clone(s.x.clients)
		snapshots := s.x.fleet.Snapshots()
		calls := s.scrape().sum("exporter_api_requests_total", "operation", list, "region", "la-north-2")

		// Another limit for one of two: the other is the same to the pointer, and
		// of the one nothing that is known is lost.
		s.cloud.AddFault(simulator.Fault{Project: projectB, Latency: time.Hour})
		s.reload(office+plant+"    limits: {concurrency: 3}\n", http.StatusOK)
		kept := 0
		for key, client := range s.x.clients {
			if clients[key] == client {
				kept++
			}
		}
		if kept != 1 || len(s.x.clients) != 2 {
			t.Errorf("%d clients of 2 kept, of %d", kept, len(s.x.clients))
		}
		after := s.x.fleet.Snapshots()
		if after[0].Records[0] != snapshots[0].Records[0] || after[1].Records[0] != snapshots[1].Records[0] {
			t.Error("what was known is known anew")
		}
		e := s.scrape()
		if e.projects() != "office up=1 desktops=2, plant up=1 desktops=1" {
			t.Errorf("projects are %s", e.projects())
		}
		if n := e.sum("exporter_api_requests_total", "operation", list, "region", "la-north-2"); n < calls {
			t.Errorf("the counter fell from %v to %v", calls, n)
		}

		// The one goes, hanging as it is: its series and its calls end.
		s.reload(office, http.StatusOK)
		s.cloud.ResetCounters()
		for range 10 {
			time.Sleep(time.Minute)
			s.wantProjects("office up=1 desktops=2")
		}
		if w := s.ask(http.MethodGet, "/probe?target=plant"); w.Code != http.StatusNotFound {
			t.Errorf("the probe of a project that is gone answers %d", w.Code)
		}
		for _, c := range s.cloud.Calls() {
			if c.Project == projectB {
				t.Fatalf("a project that is gone is asked: %s", c.Operation)
			}
		}
		if s.cloud.CallCount(list) != 10 {
			t.Errorf("the other was listed %d times in 10 scrapes", s.cloud.CallCount(list))
		}
	})
}

func TestAReloadChangesWhatIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fleet := both()
		fleet[0].Tags = []simulator.Tag{{Key: "team", Value: "finance"}, {Key: "floor", Value: "3"}}
		fleet[0].Users = []simulator.User{{Name: "ana"}}
		s := newScene(t, office, fleet...)
		said := func() string {
			e := s.scrape()
			var families []string
			for name := range e {
				short, ok := strings.CutPrefix(name, "huaweicloud_workspace_desktop_")
				if ok && strings.HasSuffix(short, "_info") && short != "network_info" {
					families = append(families, short)
				}
			}
			e.each("desktop_tags_info", func(l labels, _ float64) {
				for _, pair := range l {
					if strings.HasPrefix(pair.GetName(), "tag_") && l.of("desktop_id") == "d1" {
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
			s.reload(office+tc.metrics+"\n", http.StatusOK)
			if got := said(); got != tc.want {
				t.Errorf("%q: %q, want %q", tc.metrics, got, tc.want)
			}
			if e := s.scrape(); e.sum("desktops") != 2 {
				t.Errorf("%q: %v desktops", tc.metrics, e.sum("desktops"))
			}
		}
	})
}

// TestVerificationThatIsOffIsSaid looks for it in the metrics, in the log and on
// the status page, for projects and for accounts without any.
func TestVerificationThatIsOffIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const off = "http: {tls_config: {insecure_skip_verify: true}}"
		s := newScene(t, office+"    "+off+"\n"+plant+"accounts:"+accountYAML("org", off, "projects: none")+
			"changes: {webhook: {url: 'https://hooks.example.com', "+off+"}}\n", both()...)
		said := func() string {
			var names []string
			s.scrape().each("exporter_tls_verification_disabled", func(l labels, _ float64) { names = append(names, l.of("project")) })
			return strings.Join(sorted(names), " ")
		}
		if got := said(); got != "changes.webhook office org" {
			t.Errorf("verification is off for %q, want changes.webhook office org", got)
		}
		if n := strings.Count(s.news(), "level=warn msg=\"TLS certificates are not verified"); n != 3 {
			t.Errorf("%d warnings, want 3", n)
		}
		if !strings.Contains(s.get("/status"), "Remove http.tls_config.insecure_skip_verify from office, org, changes.webhook.") {
			t.Error("/status does not say so")
		}
		s.reload(office+plant, http.StatusOK)
		if got := said(); got != "" || strings.Contains(s.get("/status"), "Warning") {
			t.Errorf("verification is on again, and still %q", got)
		}
	})
}

// TestTwentyReloadsAtOnce has twenty reloads at the same time, every second one
// bad, while everybody scrapes and looks.
func TestTwentyReloadsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScene(t, "", both()...)
		s.cloud.PutDesktop(projectB, desktop("d7", ""))
		s.cloud.AddFault(simulator.Fault{Latency: 20 * time.Millisecond})
		var turn atomic.Int64
		configurations := []string{
			office + plant + "    limits: {concurrency: 3}\n",
			office + plant + "    eips: false\nmetrics: {users: true}\n",
			office + plant + "accounts:" + accountYAML("org"),
			office + plant + "refresh: {max_staleness: 20m}\n",
		}
		reads := s.x.load
		s.x.load = func() (*config.Config, error) { // under the exporter's lock
			n := turn.Add(1) - 1
			s.yaml = configurations[int(n/2)%len(configurations)]
			if n%2 == 1 {
				s.yaml += "unknown: true\n"
			}
			return reads()
		}
		s.start()
		turn.Store(0)
		ctx := t.Context()
		var all sync.WaitGroup
		var good, bad atomic.Int64
		for range 20 {
			all.Go(func() {
				switch w := s.ask(http.MethodPost, "/-/reload"); w.Code {
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
						w := s.ask(http.MethodGet, path)
						if w.Code != http.StatusOK && path != "/-/ready" { // it may not be yet
							t.Errorf("%s answers %d: %s", path, w.Code, w.Body)
						}
						if body := w.Body.String(); strings.HasPrefix(path, "/metrics") || strings.HasPrefix(path, "/probe") {
							if e := parse(t, body); e.sum("desktops", "project_id", projectA) != 2 {
								t.Errorf("%s has %v desktops", path, e.sum("desktops", "project_id", projectA))
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
		s.x.load = reads
		s.reload(office+plant, http.StatusOK)
		s.wantProjects("office up=1 desktops=2, plant up=1 desktops=1")
		if n := s.cloud.LockoutCount(); n != 0 {
			t.Errorf("%d lockouts", n)
		}
	})
}

// TestKeysRotateWhileReloadsGoOn replaces the files of the key again and again,
// one after the other as people do, while the configuration is reloaded and
// scraped all the time. No call may be refused.
func TestKeysRotateWhileReloadsGoOn(t *testing.T) {
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
		yaml := strings.Replace(office, "access_key: AKOFFICE, secret_key: "+secret,
			fmt.Sprintf("access_key_file: %[1]s/ak, secret_key_file: %[1]s/sk, security_token_file: %[1]s/token", dir), 1)
		s := prepareScene(t, yaml, both()...)
		s.cloud.AddKey(key(0))
		s.start()

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
			s.x.mu.Lock()
			s.yaml = yaml + fmt.Sprintf("    limits: {concurrency: %d}\n", 1+n%3)
			s.x.mu.Unlock()
			if w := s.ask(http.MethodPost, "/-/reload"); w.Code != http.StatusOK {
				t.Errorf("reload: %d %s", w.Code, w.Body)
			}
		})
		every(900*time.Millisecond, func(int) {
			if e := s.scrape(); e.sum("up") != 1 || e.sum("desktop_eips") != 1 {
				t.Errorf("up %v, %v EIPs while keys rotate", e.sum("up"), e.sum("desktop_eips"))
			}
		})
		used := map[string]bool{}
		for n := 1; n <= 6; n++ {
			next := key(n)
			s.cloud.AddKey(next)
			write("token", next.SecurityToken)
			time.Sleep(600 * time.Millisecond)
			write("sk", next.SecretKey)
			time.Sleep(600 * time.Millisecond)
			write("ak", next.AccessKey)
			time.Sleep(10 * time.Second)
			s.cloud.RemoveKey(key(n - 1).AccessKey)
			time.Sleep(10 * time.Second)
		}
		close(stop)
		all.Wait()
		for _, c := range s.cloud.Calls() {
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
