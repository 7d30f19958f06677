// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// discoveryBlocks returns the blocks of a language in the document on discovery.
func discoveryBlocks(t testing.TB, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of %s in docs/discovery.md, want 2", len(blocks), language)
	}
	return blocks
}

// TestDiscoveryDocument has promtool check the configurations.
func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	for _, config := range discoveryBlocks(t, "yaml") {
		if f := finish(t, "", "promtool", "check", "config", file(t, "prometheus.yml", config)); f.code != 0 || !strings.Contains(f.stdout, "SUCCESS") {
			t.Errorf("promtool check config ends with %d: %s%s\n%s", f.code, f.stdout, f.stderr, config)
		}
	}
}

// startWindowsExporters starts servers that respond to scrapes as windows_exporter on some desktops would: on one
// port of several loopback addresses, which are the desktops' private ones.
func startWindowsExporters(t testing.TB, addresses ...string) (port string, servers map[string]*http.Server) {
	t.Helper()
	for range 20 {
		servers = map[string]*http.Server{}
		port = "0"
		for _, address := range addresses {
			l, err := net.Listen("tcp", net.JoinHostPort(address, port))
			if err != nil {
				break // somebody has the port there
			}
			_, port, _ = net.SplitHostPort(l.Addr().String())
			server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, "windows_os_info{address=%q} 1\n", address)
			})}
			servers[address] = server
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
		}
		if len(servers) == len(addresses) {
			return port, servers
		}
		for _, server := range servers {
			_ = server.Close()
		}
	}
	t.Fatalf("no port is free on all of %v", addresses)
	return "", nil
}

// loopback is a desktop whose private address is a loopback one.
func loopback(n int, status, zone string) simulator.Desktop {
	id, ip := fmt.Sprintf("d%d", n), fmt.Sprintf("127.0.0.%d", n)
	return simulator.Desktop{
		ID: id, Name: "desk-" + id, IP: ip, Status: status, SubnetID: "s1", AvailabilityZone: zone,
		Interfaces: []simulator.Interface{{
			PortID: "p" + id, PrivateIP: ip,
			VPC:    simulator.VPC{ID: "v1", Name: "main", CIDR: "127.0.0.0/8"},
			Subnet: simulator.Subnet{ID: "s1", Name: "floor", CIDR: "127.0.0.0/24"},
			Groups: []simulator.Group{{ID: "g1", Name: "default"}},
		}},
	}
}

// instances returns the targets of the job desktops, and whether they
// answer.
func instances(all []sample) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, fmt.Sprintf("%s=%g", s.labels.Get("instance"), s.value))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// TestPrometheusDiscoversDesktops has a real Prometheus find the desktops by
// the document's configuration, and runs the document's queries.
func TestPrometheusDiscoversDesktops(t *testing.T) {
	t.Parallel()
	port, servers := startWindowsExporters(t, "127.0.0.42", "127.0.0.43", "127.0.0.44")
	cloud, yaml := startCloud(t, 0)
	cloud.SetDesktops(projectID, []simulator.Desktop{loopback(42, "ACTIVE", "az1"), loopback(43, "ACTIVE", "az2"), loopback(45, "SHUTOFF", "az2")})
	x := exporterWithConfig(t, yaml+"refresh: {timeout: 2s, max_staleness: 2s}\n")
	config := discoveryBlocks(t, "yaml")[0]
	for _, change := range [][3]string{
		{"localhost:10045", strings.TrimPrefix(x.url, "http://"), "2"},
		{"port=9182", "port=" + port, "1"},
		{"refresh_interval: 1m", "refresh_interval: 1s", "1"},
		{"scrape_configs:\n", "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n", "1"},
	} {
		if n, _ := strconv.Atoi(change[2]); strings.Count(config, change[0]) != n {
			t.Fatalf("docs/discovery.md must hold %q %d times", change[0], n)
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	prometheus := startPrometheus(t, config)
	await := func(want string) {
		t.Helper()
		got := ""
		defer func() {
			if t.Failed() {
				t.Logf("the targets are %q, want %q", got, want)
			}
		}()
		prometheus.await(t, waitTimeout, `up{job="desktops"}`, func(all []sample) bool {
			got = instances(all)
			return got == want
		})
	}
	await("desk-d42=1 desk-d43=1")
	if got := prometheus.query(t, "windows_os_info", time.Now()); len(got) != 2 || got[0].labels.Get("project_id") != projectID || got[0].labels.Get("region") != "la-north-2" {
		t.Errorf("%v, want the metrics of both stand-ins, with the project", texts(got))
	}

	questions := discoveryBlocks(t, "promql")
	byZone := prometheus.await(t, waitTimeout, questions[1], func(all []sample) bool { return len(all) == 2 })
	for _, s := range byZone {
		if s.value != 1 || !strings.HasPrefix(s.labels.Get("availability_zone"), "az") {
			t.Errorf("%s: %g, want one desktop in each zone", s.labels, s.value)
		}
	}
	_ = servers["127.0.0.43"].Close()
	await("desk-d42=1 desk-d43=0")
	if got := prometheus.query(t, questions[0], time.Now()); len(got) != 1 || got[0].labels.Get("desktop_id") != "d43" || got[0].labels.Get("subnet_name") != "floor" {
		t.Errorf("%v, want where the silent desktop is", texts(got))
	}

	cloud.PutDesktop(projectID, loopback(44, "ACTIVE", "az1"))
	await("desk-d42=1 desk-d43=0 desk-d44=1")
	cloud.DeleteDesktop(projectID, "d43")
	await("desk-d42=1 desk-d44=1")

	// While the cloud is down, and long after anything is held, the targets stay.
	heal := cloud.AddFault(simulator.Fault{Status: 503})
	path := "/sd?status=ACTIVE&port=" + port
	x.eventually(t, waitTimeout, "/sd refuses to answer", func() bool { return x.get(t, path).status == http.StatusServiceUnavailable })
	time.Sleep(3 * time.Second) // several refreshes
	await("desk-d42=1 desk-d44=1")
	if targets := x.get(t, path); targets.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s: the cloud was not down for long enough", targets.status, targets.body)
	}
	heal()
	cloud.DeleteDesktop(projectID, "d44")
	await("desk-d42=1")
}

// TestDumpCommand runs the binary once and looks at what others make of it.
func TestDumpCommand(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("promtool", func(t *testing.T) {
		out := t.TempDir() + "/workspace.prom"
		if f := finish(t, "", path, "--demo", "dump", "--format=prometheus", "--strict", "--output="+out); f.code != 0 || f.stdout+f.stderr != "" {
			t.Fatalf("ends with %d: %s%s", f.code, f.stdout, f.stderr)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if f := finish(t, string(text), "promtool", "check", "metrics"); f.code != 0 || f.stdout+f.stderr != "" {
			t.Errorf("promtool check metrics ends with %d: %s%s", f.code, f.stdout, f.stderr)
		}
		if info, err := os.Stat(out); err != nil || info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("%v, %v: node_exporter, another user, cannot read it", info.Mode(), err)
		}
	})
	t.Run("the page", func(t *testing.T) {
		_, yaml := startCloud(t, 250)
		x := exporterWithConfig(t, yaml)
		x.eventually(t, waitTimeout, "ready", func() bool { return x.get(t, "/-/ready").status == http.StatusOK })
		var served, dumped struct{ Desktops []any }
		f := finish(t, "", path, "dump", "--format=json", "--filter=eip=none", "--config.file="+file(t, "exporter.yml", yaml))
		if f.code != 0 || f.stderr != "" {
			t.Fatalf("ends with %d: %s", f.code, f.stderr)
		}
		if err := json.Unmarshal([]byte(f.stdout), &dumped); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(x.get(t, "/inventory.json?eip=none").body), &served); err != nil {
			t.Fatal(err)
		}
		if n := len(dumped.Desktops); n < 100 || n > 200 || fmt.Sprint(served) != fmt.Sprint(dumped) {
			t.Errorf("%d desktops without an EIP, the server returned others", n)
		}
	})
	t.Run("an outage", func(t *testing.T) {
		cloud, yaml := startCloud(t, 3)
		cloud.AddFault(simulator.Fault{Status: 403})
		out := file(t, "desktops.csv", "the last good one\n")
		f := finish(t, "", path, "dump", "--format=csv", "--strict", "--output="+out, "--config.file="+file(t, "exporter.yml", yaml))
		if f.code != 2 || !strings.Contains(f.stderr, ": incomplete: project office: ") {
			t.Errorf("ends with %d: %s", f.code, f.stderr)
		}
		if text, err := os.ReadFile(out); err != nil || string(text) != "the last good one\n" {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("a signal", func(t *testing.T) {
		cloud, yaml := startCloud(t, 3)
		cloud.AddFault(simulator.Fault{HangBeforeHeader: true})
		// timeout sends SIGTERM, and exits with the code of that process.
		f := finish(t, "", "timeout", "--preserve-status", "2", path, "dump", "--config.file="+file(t, "exporter.yml", yaml))
		if f.code != 3 || f.stdout != "" || !strings.Contains(f.stderr, "interrupted, nothing written") {
			t.Errorf("ends with %d: %s%s", f.code, f.stdout, f.stderr)
		}
	})
}
