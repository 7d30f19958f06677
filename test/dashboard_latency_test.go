// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/test/grafana"
)

var speed = flag.Bool("speed", false, "measure the dashboards and rules at 100,000 desktops")

// cost is what a query or a rule takes of Prometheus.
type cost struct {
	what    string
	seconds float64
	results int // series or alerts
}

// TestDashboardsOfLargeFleet runs every query of every dashboard of a real
// Prometheus that scrapes 100,000 desktops and keeps the shipped rules, with
// nothing chosen, and prints what each query and each rule takes.
func TestDashboardsOfLargeFleet(t *testing.T) {
	if !*speed {
		t.Skip("measures, which takes minutes and some gigabytes: -speed")
	}
	const desktops = 100_000
	_, yaml := startCloud(t, desktops, "limits: {requests_per_minute: 10000}")
	x := exporterWithConfig(t, yaml+`
policies:
  - {name: finance, eip: required, desktop_names: 'fin-0[0-4].*'}
  - {name: design, eip: forbidden, desktop_names: 'des-09.*'}
  - {name: others, eip: allowed}
`)
	x.eventually(t, 2*time.Minute, "all desktops read", func() bool {
		page := x.get(t, "/probe?target=office", "X-Prometheus-Scrape-Timeout-Seconds", "60")
		return unresolved.FindStringSubmatch(page.body)[1] == "0"
	})
	dir, err := filepath.Abs("../deploy/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	prometheus := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1m, scrape_timeout: 1m, evaluation_interval: 1m}
rule_files: ['%s/*.yml']
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ['%s']}]}]
`, dir, strings.TrimPrefix(x.url, "http://")))
	prometheus.await(t, 10*time.Minute, `count_over_time(region_project_id:huaweicloud_workspace_desktops_with_eip:count[10m])`,
		func(all []sample) bool { return len(all) == 1 && all[0].value >= 3 })
	prometheus.await(t, 5*time.Minute, `count(ALERTS)`, func(all []sample) bool { return len(all) == 1 && all[0].value > 500 })

	var costs []cost
	for _, d := range dashboards(t) {
		scope, err := grafana.Resolve(context.Background(), grafana.Prometheus(prometheus.url), d, recentScope(15*time.Minute, time.Minute),
			func(grafana.Variable, []grafana.Option) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		for _, panel := range d.Panels {
			for _, q := range panel.Targets {
				costs = append(costs, prometheus.measure(t, d.File+": "+panel.Title+" "+q.RefID, q, scope))
			}
		}
	}
	report(t, "queries of the dashboards, CPU", costs)
	var rules struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []struct {
					Name           string
					EvaluationTime float64
					Health         string
					Alerts         []any
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(prometheus.get(t, "/api/v1/rules").body), &rules); err != nil {
		t.Fatal(err)
	}
	costs = nil
	for _, g := range rules.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				t.Errorf("rule %s is %s", r.Name, r.Health)
			}
			costs = append(costs, cost{r.Name, r.EvaluationTime, len(r.Alerts)})
		}
	}
	report(t, "evaluations of the rules, time", costs)
	memory := prometheus.query(t, `max_over_time(process_resident_memory_bytes[15m])`, time.Now())
	t.Logf("the exporter: %v", texts(memory))
}

// report prints the dearest costs.
func report(t testing.TB, what string, costs []cost) {
	t.Helper()
	slices.SortFunc(costs, func(a, b cost) int { return -cmp.Compare(a.seconds, b.seconds) })
	total := 0.0
	for _, c := range costs {
		total += c.seconds
	}
	t.Logf("%d %s: %.1f s in all, median %.3f s; the dearest:", len(costs), what, total, costs[len(costs)/2].seconds)
	for _, c := range costs[:min(len(costs), 14)] {
		t.Logf("%7.3f s %6d %s", c.seconds, c.results, c.what)
	}
}

// measure runs a query twice and returns the smaller cost: scrapes and rules take
// time of their own meanwhile.
func (p *process) measure(t testing.TB, what string, q grafana.Target, scope grafana.Scope) cost {
	t.Helper()
	best := cost{what: what, seconds: math.Inf(1)}
	for range 2 {
		before := p.cpu(t)
		r, err := grafana.Run(context.Background(), grafana.Prometheus(p.url), q, scope)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		best.seconds, best.results = min(best.seconds, p.cpu(t)-before), len(r.Result)
	}
	return best
}

var cpuSeconds = regexp.MustCompile(`(?m)^process_cpu_seconds_total (\S+)$`)

// cpu returns the processor time that a process reports.
func (p *process) cpu(t testing.TB) float64 {
	t.Helper()
	seconds, err := strconv.ParseFloat(cpuSeconds.FindStringSubmatch(p.get(t, "/metrics").body)[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds
}
