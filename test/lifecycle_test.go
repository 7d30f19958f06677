// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestGracefulShutdown ends the exporter while a scrape waits for the cloud: the
// scrape still gets its answer, new connections are refused, and the exit code is 0.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, yaml := startCloud(t, 3)
			x := exporterWithConfig(t, yaml)
			x.eventually(t, waitTimeout, "ready", func() bool { return x.get(t, "/-/ready").status == http.StatusOK })

			asked := make(chan struct{}, 100)
			cloud.OnCall(func(simulator.Call) { asked <- struct{}{} })
			cloud.AddFault(simulator.Fault{Operation: simulator.ShowDesktopNetworks, Latency: time.Second})
			scraped := make(chan answer, 1)
			go func() {
				a, _ := x.tryGet(t, "/metrics") // a failed one has no status
				scraped <- a
			}()
			<-asked
			x.signal(t, signal)
			x.eventually(t, waitTimeout, "refusing", func() bool {
				conn, err := net.Dial("tcp", strings.TrimPrefix(x.url, "http://"))
				if err == nil {
					_ = conn.Close()
				}
				return err != nil
			})
			a := <-scraped
			if a.status != http.StatusOK {
				t.Fatalf("the scrape under way got %d", a.status)
			}
			if got := len(samplesNamed(parse(t, a), prefix+"desktop_eips")); got != 3 {
				t.Errorf("the scrape under way got %d desktops, want 3", got)
			}
			if code := x.wait(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
}

// TestExitCodes looks at everything that ends by itself: its exit code, and what it
// prints to which stream.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	_, good := startCloud(t, 1)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}

	const prog = "huaweicloud_workspace_exporter: error: "
	for name, c := range map[string]struct {
		yaml   string
		args   []string
		code   int
		stdout string   // all of it; "…": anything
		stderr []string // in one line; none: nothing is said
	}{
		"check good": {yaml: good, args: []string{"--config.check"}, stdout: "configuration is valid\n"},
		"check unknown key": {
			yaml: good + "    regio: la-north-2\n", args: []string{"--config.check"},
			code: 1, stderr: []string{prog, "projects[0].regio"},
		},
		"check absent": {
			args: []string{"--config.check", "--config.file=absent.yml"},
			code: 1, stderr: []string{prog, "absent.yml"},
		},
		"check nothing": {args: []string{"--config.check"}, code: 1, stderr: []string{prog, "HUAWEICLOUD_REGION", "--region"}},
		"start with unknown region": {
			yaml: strings.Replace(strings.Replace(good, "la-north-2", "la-nowhere-9", 1), "endpoint:", "iam_endpoint:", 1),
			code: 1, stderr: []string{prog, "projects[0].region", "projects[0].endpoint"},
		},
		"start without secret": {
			yaml: strings.Replace(good, ", secret_key: SKTEST", "", 1),
			code: 1, stderr: []string{prog, "projects[0].credentials.secret_key"},
		},
		"port taken": {
			yaml: good, args: []string{"--web.listen-address=" + taken.Addr().String()},
			code: 1, stderr: []string{prog, taken.Addr().String(), "address already in use"},
		},
		"wrong flag":  {args: []string{"--web.listen"}, code: 1, stderr: []string{prog, "--web.listen", "--help"}},
		"wrong level": {args: []string{"--log.level=loud"}, code: 1, stderr: []string{prog, "loud"}},
		"two sources": {yaml: good, args: []string{"--demo"}, code: 1, stderr: []string{prog, "--demo", "--config.file"}},
		"version":     {args: []string{"--version"}, stdout: "…"},
		"help":        {args: []string{"--help"}, stdout: "…"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.yaml != "" {
				c.args = append(c.args, "--config.file="+file(t, "exporter.yml", c.yaml))
			}
			f := finish(t, "", path, c.args...)
			if f.code != c.code {
				t.Errorf("exit code %d, want %d", f.code, c.code)
			}
			if f.stdout != c.stdout && (c.stdout != "…" || f.stdout == "") {
				t.Errorf("stdout %q, want %q", f.stdout, c.stdout)
			}
			lines := warningLines(f.stderr)
			if len(c.stderr) == 0 && len(lines) == 0 {
				return
			}
			if len(lines) != 1 {
				t.Fatalf("%d lines of complaint, want one:\n%s", len(lines), f.stderr)
			}
			for _, part := range c.stderr {
				if !strings.Contains(lines[0], part) {
					t.Errorf("missing %q in the error: %s", part, lines[0])
				}
			}
		})
	}
}

// TestConfigCheckSendsNoRequest checks a configuration without a word to the cloud.
func TestConfigCheckSendsNoRequest(t *testing.T) {
	t.Parallel()
	cloud, yaml := startCloud(t, 1)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if f := finish(t, "", path, "--config.check", "--config.file="+file(t, "exporter.yml", yaml)); f.code != 0 {
		t.Errorf("exit code %d: %s", f.code, f.stderr)
	}
	if got := cloud.CallCount(""); got != 0 {
		t.Errorf("the check asked the cloud %d times", got)
	}
}

// warningLines returns the lines of a log above level info.
func warningLines(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "level=info") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestStartDuringCloudOutage starts while the cloud is silent and then refuses:
// the exporter runs, reports the failure, is ready after the first attempt, and recovers.
func TestStartDuringCloudOutage(t *testing.T) {
	t.Parallel()
	cloud, yaml := startCloud(t, 3)
	up := cloud.AddFault(simulator.Fault{HangBeforeHeader: true})
	x := exporterWithConfig(t, yaml+"refresh: {timeout: 5s}\n")

	if a := x.get(t, "/-/healthy"); a.status != http.StatusOK {
		t.Errorf("/-/healthy answers %d", a.status)
	}
	if a := x.get(t, "/-/ready"); a.status != http.StatusServiceUnavailable {
		t.Errorf("/-/ready answers %d before the first try has ended", a.status)
	}
	begun := time.Now()
	page := x.metrics(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "2")
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the scrape took %s, which is longer than its timeout", took)
	}
	if got := samplesNamed(page, prefix+"up"); len(got) > 0 {
		t.Errorf("%v, while the first try goes on", texts(got))
	}
	x.eventually(t, waitTimeout, "ready, though the cloud is down", func() bool { return x.get(t, "/-/ready").status == http.StatusOK })
	page = x.metrics(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "5")
	if got := value(t, page, prefix+"up"); got != 0 {
		t.Errorf("up is %g while the cloud is down", got)
	}
	if got := samplesNamed(page, prefix+"desktop_info"); len(got) > 0 {
		t.Errorf("desktops from nowhere: %v", texts(got))
	}
	if a := x.get(t, "/-/healthy"); a.status != http.StatusOK {
		t.Errorf("/-/healthy answers %d while the cloud is down", a.status)
	}

	up()
	x.eventually(t, waitTimeout, "reading the cloud that came back", func() bool {
		page = x.metrics(t, "/metrics")
		return value(t, page, prefix+"up") == 1
	})
	if got := len(samplesNamed(page, prefix+"desktop_eips")); got != 3 {
		t.Errorf("%d desktops after the recovery, want 3", got)
	}
}

// TestReload has SIGHUP and POST read a changed file, and a bad one change
// nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	_, yaml := startCloud(t, 3)
	path := file(t, "exporter.yml", yaml)
	x := exporter(t, "--config.file="+path)
	name := func() string {
		all := samplesNamed(x.metrics(t, "/metrics"), prefix+"project_info")
		if len(all) != 1 {
			t.Fatalf("%v, want one project", texts(all))
		}
		return all[0].labels.Get("project")
	}
	post := func() int {
		response, err := http.Post(x.url+"/-/reload", "", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}

	rewrite(t, path, strings.Replace(yaml, "name: office", "name: renamed", 1))
	x.signal(t, syscall.SIGHUP)
	x.eventually(t, waitTimeout, "renamed by SIGHUP", func() bool { return name() == "renamed" })

	rewrite(t, path, "projects: [{name: bad}]")
	if got := post(); got != http.StatusInternalServerError {
		t.Errorf("reload of a bad file answers %d, want 500", got)
	}
	if got := name(); got != "renamed" {
		t.Errorf("a bad file made it %q", got)
	}
	if got := value(t, x.metrics(t, "/metrics"), prefix+"exporter_config_last_reload_successful"); got != 0 {
		t.Errorf("config_last_reload_successful is %g after a bad file", got)
	}

	rewrite(t, path, yaml)
	if got := post(); got != http.StatusOK {
		t.Errorf("reload of a good file answers %d, want 200", got)
	}
	if got := name(); got != "office" {
		t.Errorf("after the reload it is %q, want office", got)
	}
}
