// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const composeDir = "../deploy/compose"

// TestComposeTour walks the tour of deploy/compose with programs in place of containers:
// the demo, the real Prometheus and the real Alertmanager with the tour's own
// files, but for addresses and haste.
func TestComposeTour(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Alertmanager the first time")
	}
	pager := alertmanager(t) // before any test that measures runs beside it
	t.Parallel()
	shipped := func(path ...string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(append([]string{composeDir}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	demo := exporter(t, "--demo")
	manager := serve(t, pager, "--storage.path="+t.TempDir(), "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
		"--config.file="+file(t, "alertmanager.yml", shipped("alertmanager.yml")))
	config := shipped("prometheus.yml")
	for _, change := range []struct {
		from, to string
		times    int
	}{
		{"exporter:10045", strings.TrimPrefix(demo.url, "http://"), 1},
		{"alertmanager:9093", strings.TrimPrefix(manager.url, "http://"), 2},
		{"localhost:9090", strings.TrimPrefix(manager.url, "http://"), 1}, // its address is unknown before it starts
		{"- rules.yml", "- " + absolute(t, rulesDir, "rules.yml"), 1},
		{"- alerts.yml", "- " + absolute(t, rulesDir, "alerts.yml"), 1},
		{"scrape_interval: 1m", "scrape_interval: 1s\n  scrape_timeout: 1s", 1},
		{"evaluation_interval: 1m", "evaluation_interval: 1s", 1},
		{"scrape_interval: 15s", "scrape_interval: 1s", 1},
		{"scrape_timeout: 10s", "scrape_timeout: 1s", 1},
	} {
		if n := strings.Count(config, change.from); n != change.times {
			t.Fatalf("prometheus.yml has %q %d times, want %d", change.from, n, change.times)
		}
		config = strings.ReplaceAll(config, change.from, change.to)
	}
	prometheus := startPrometheus(t, config)

	prometheus.await(t, 2*waitTimeout, `up`, func(all []sample) bool {
		for _, s := range all {
			if s.value != 1 {
				return false
			}
		}
		return len(all) == 3
	})
	prometheus.await(t, waitTimeout, prefix+"desktops", func(all []sample) bool { return len(all) == 2 })
	prometheus.await(t, waitTimeout, "region_project_id:"+prefix+"desktops_without_eip:count", func(all []sample) bool { return len(all) == 2 })
	prometheus.await(t, waitTimeout, `ALERTS{alertname="HuaweiCloudWorkspaceDesktopMissesEIP"}`, func(all []sample) bool { return len(all) > 0 })

	var rules struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	prometheus.eventually(t, waitTimeout, "all rules evaluated", func() bool {
		if err := json.Unmarshal([]byte(prometheus.get(t, "/api/v1/rules").body), &rules); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, g := range rules.Data.Groups {
			for _, r := range g.Rules {
				switch r.Health {
				case "ok":
					n++
				case "err":
					t.Fatalf("%s: %s: %s", g.Name, r.Name, r.LastError)
				}
			}
		}
		return n == rulesShipped(t)
	})
	prometheus.eventually(t, waitTimeout, "Prometheus discovers Alertmanager", func() bool {
		return strings.Contains(prometheus.get(t, "/api/v1/alertmanagers").body, fmt.Sprintf(`"url":"%s/api/v2/alerts"`, manager.url))
	})
	if a := manager.get(t, "/api/v2/receivers"); a.status != http.StatusOK || !strings.Contains(a.body, `"pager"`) {
		t.Errorf("Alertmanager's receivers are %s", a.body)
	}
}

// absolute returns the absolute path of a file.
func absolute(t testing.TB, path ...string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rulesShipped counts alerts and recordings.
func rulesShipped(t testing.TB) (n int) {
	t.Helper()
	for _, name := range []string{"rules.yml", "alerts.yml"} {
		text, err := os.ReadFile(filepath.Join(rulesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(text), "- alert: ") + strings.Count(string(text), "- record: ")
	}
	return n
}
