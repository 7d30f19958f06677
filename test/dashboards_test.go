// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/test/grafana"
)

const dashboardDir = "../dashboards"

func dashboards(t testing.TB) []grafana.Dashboard {
	t.Helper()
	all, err := grafana.Load(dashboardDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 5 {
		t.Fatalf("there are %d dashboards, want 5", len(all))
	}
	return all
}

// TestDashboardsHaveDescriptions checks for panels and variables without
// a useful description, and for overlapping panels.
func TestDashboardsHaveDescriptions(t *testing.T) {
	for _, d := range dashboards(t) {
		if d.UID == "" || d.Title == "" || d.Description == "" || d.Time.From == "" {
			t.Errorf("%s: lacks a uid, title, description or time", d.File)
		}
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: %s: the id %d is missing or double", d.File, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.Title == "" {
				t.Errorf("%s: panel %d has no title", d.File, p.ID)
			}
			g := p.GridPos
			if g.W == 0 || g.H == 0 || g.X+g.W > 24 {
				t.Errorf("%s: %s: does not fit: %+v", d.File, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s lies on %s", d.File, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: %s has no description", d.File, p.Title)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: %s has no unit", d.File, p.Title)
			}
			for _, o := range p.FieldConfig.Overrides {
				if !slices.ContainsFunc(o.Properties, func(p grafana.Property) bool { return p.ID == "unit" }) {
					t.Errorf("%s: %s: the column %s has no unit", d.File, p.Title, o.Matcher.Options)
				}
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s: %s has no query", d.File, p.Title)
			}
			for _, q := range p.Targets {
				if q.Instant == q.Range {
					t.Errorf("%s: %s: %s is asked now and over time, or neither", d.File, p.Title, q.RefID)
				}
			}
		}
		names := map[string]bool{}
		for _, v := range d.Templating.List {
			if v.Label == "" || v.Description == "" || names[v.Name] {
				t.Errorf("%s: the variable %s lacks a label or description, or is double", d.File, v.Name)
			}
			names[v.Name] = true
		}
		for _, name := range []string{"datasource", "region", "project"} {
			if !names[name] {
				t.Errorf("%s: lacks the variable %s", d.File, name)
			}
		}
	}
}

var link = regexp.MustCompile(`/d/([\w-]+)((?:[^"\\]|\\.)*)`)

// TestDashboardLinksResolve follows every link from a dashboard to
// another one, and looks for the variables that it sets there.
func TestDashboardLinksResolve(t *testing.T) {
	variables := map[string][]string{}
	for _, d := range dashboards(t) {
		if variables[d.UID] != nil {
			t.Errorf("%s: the uid %s is double", d.File, d.UID)
		}
		variables[d.UID] = []string{}
		for _, v := range d.Templating.List {
			variables[d.UID] = append(variables[d.UID], v.Name)
		}
	}
	for _, d := range dashboards(t) {
		text, err := os.ReadFile(filepath.Join(dashboardDir, d.File))
		if err != nil {
			t.Fatal(err)
		}
		reached := map[string]bool{d.UID: true}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			uid, rest := m[1], m[2]
			there, ok := variables[uid]
			if !ok {
				t.Errorf("%s: a link leads to %s, which there is not", d.File, uid)
			}
			reached[uid] = true
			for _, set := range regexp.MustCompile(`var-(\w+)=|\$\{(\w+):queryparam\}`).FindAllStringSubmatch(rest, -1) {
				if name := set[1] + set[2]; !slices.Contains(there, name) {
					t.Errorf("%s: a link sets %s, which %s lacks", d.File, name, uid)
				}
			}
		}
		if len(reached) != len(variables) {
			t.Errorf("%s: leads to %q alone", d.File, slices.Sorted(maps.Keys(reached)))
		}
	}
}

// others are metrics that are not the exporter's own, with labels.
var others = map[string][]string{
	"process_cpu_seconds_total":     nil,
	"process_resident_memory_bytes": nil,
	"go_memstats_heap_inuse_bytes":  nil,
	"scrape_duration_seconds":       nil,
	"scrape_samples_scraped":        nil,
}

// TestDashboardQueriesUseExportedMetrics compares every metric and label of the queries
// against the table that the exporter's metrics are made from, and recording
// rules with those that are shipped.
func TestDashboardQueriesUseExportedMetrics(t *testing.T) {
	known := map[string][]string{}
	maps.Copy(known, others)
	for _, m := range collector.Table() {
		known[m.Name] = m.Labels
		if m.Type == collector.Histogram {
			known[m.Name+"_bucket"] = append(slices.Clone(m.Labels), "le")
		}
	}
	var rules []byte
	for _, name := range []string{"rules.yml", "alerts.yml"} {
		text, err := os.ReadFile(filepath.Join(rulesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, text...)
	}
	for _, m := range regexp.MustCompile(`record: ((\w+?):\S+)`).FindAllStringSubmatch(string(rules), -1) {
		for _, label := range []string{"region", "project_id", "desktop_id", "eips", "status", "vpc_id", "subnet_id", "security_group_id"} {
			if strings.Contains("_"+m[2]+"_", "_"+label+"_") {
				known[m[1]] = append(known[m[1]], label)
			}
		}
	}
	used := map[string]bool{}
	for _, d := range dashboards(t) {
		for where, expr := range expressions(t, d) {
			parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
			if err != nil {
				t.Errorf("%s: %s: %v", d.File, where, err)
				continue
			}
			there := []string{"instance", "job"} // the scrape's
			parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
				switch n := node.(type) {
				case *parser.VectorSelector:
					for _, metric := range metricsOf(n) {
						have, ok := known[metric]
						if !ok {
							t.Errorf("%s: %s: there is no metric %s", d.File, where, metric)
						}
						used[metric] = true
						there = append(there, have...)
					}
				case *parser.Call:
					if n.Func.Name == "label_join" || n.Func.Name == "label_replace" {
						there = append(there, n.Args[1].(*parser.StringLiteral).Val)
					}
				}
				return nil
			})
			parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
				var asked []string
				switch n := node.(type) {
				case *parser.VectorSelector:
					for _, m := range n.LabelMatchers {
						if m.Name != nameLabel {
							asked = append(asked, m.Name)
						}
					}
				case *parser.AggregateExpr:
					asked = n.Grouping
				case *parser.BinaryExpr:
					if n.VectorMatching != nil {
						asked = append(slices.Clone(n.VectorMatching.MatchingLabels), n.VectorMatching.Include...)
					}
				}
				for _, label := range asked {
					if !slices.Contains(there, label) {
						t.Errorf("%s: %s: no metric in it has the label %s", d.File, where, label)
					}
				}
				return nil
			})
		}
	}
	// Exported metrics that no dashboard shows, with the reason.
	hidden := map[string]string{
		"huaweicloud_workspace_desktop_tags_info":                                     "its labels are the operator's",
		"huaweicloud_workspace_exporter_config_last_reload_success_timestamp_seconds": "config_last_reload_successful is sufficient",
		"huaweicloud_workspace_exporter_state_last_save_successful":                   "few have a state file",
		"huaweicloud_workspace_exporter_state_last_save_success_timestamp_seconds":    "few have a state file",
	}
	for _, m := range collector.Table() {
		if shown := used[m.Name] || used[m.Name+"_bucket"]; !shown && hidden[m.Name] == "" {
			t.Errorf("no dashboard shows %s", m.Name)
		} else if shown && hidden[m.Name] != "" {
			t.Errorf("%s is shown, against the list", m.Name)
		}
	}
}

// expressions returns the queries of a dashboard, by where they are, with
// nothing chosen in particular.
func expressions(t testing.TB, d grafana.Dashboard) map[string]string {
	t.Helper()
	now := time.Now()
	scope := grafana.DefaultScope(d, grafana.Span{From: now.Add(-time.Hour), To: now, Step: time.Minute})
	all := map[string]string{}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all["the variable "+v.Name] = strings.TrimSuffix(strings.TrimPrefix(v.Definition, "query_result("), ")")
		}
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			all[p.Title+" "+q.RefID] = q.Expr
		}
	}
	for where, expr := range all {
		expanded, err := scope.Expand(expr)
		if err != nil {
			t.Errorf("%s: %s: %v", d.File, where, err)
		}
		all[where] = expanded
	}
	return all
}

// metricsOf returns the metrics that a selector chooses.
func metricsOf(s *parser.VectorSelector) []string {
	if s.Name != "" {
		return []string{s.Name}
	}
	for _, m := range s.LabelMatchers {
		if m.Name == nameLabel {
			return strings.Split(m.Value, "|")
		}
	}
	return nil
}

// empty are the queries that the demo has no answer to, with the reason.
var empty = map[string]string{
	"addresses.json: Reassigned EIPs A":                      "takes longer than the test to happen",
	"addresses.json: Duplicate private addresses in a VPC A": "the demo uses each address once",
	"addresses.json: Inconsistencies A":                      "the demo's data is consistent",
	"desktop.json: EIP policy A":                             "no policy matches some desktops",
	"desktop.json: Users A":                                  "personal data, which the demo does not export",
	"desktop.json: EIPs A":                                   "the desktop may have none; the other query shows it",
	"desktop.json: EIPs B":                                   "the desktop may have one; the other query shows it",
	"exporter.json: Retries per second A":                    "the demo's cloud does not fail",
	"exporter.json: Dropped objects A":                       "the demo's responses are valid",
}

// TestDashboardQueriesOfTheDemo runs every query of every panel and variable of a
// real Prometheus that scrapes the demo: with all chosen, and with one of each.
func TestDashboardQueriesOfTheDemo(t *testing.T) {
	rules, err := filepath.Abs(filepath.Join(rulesDir, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	x := exporter(t, "--demo")
	prometheus := startPrometheus(t, `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['`+rules+`']
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ['`+strings.TrimPrefix(x.url, "http://")+`']}]}]
`)
	enough := func(all []sample) bool { return len(all) == 1 && all[0].value >= 6 }
	prometheus.await(t, waitTimeout, `count_over_time(region_project_id:huaweicloud_workspace_desktops_with_eip:count{region="la-north-2"}[1m])`, enough)
	asked := map[string]bool{}
	for name, choose := range map[string]grafana.Choose{
		"all": func(grafana.Variable, []grafana.Option) string { return "" },
		"one of each": func(v grafana.Variable, options []grafana.Option) string {
			switch v.Name {
			case "name":
				return "MEX" // whatever case
			case "private":
				return "2"
			case "region":
				return "la-north-2"
			}
			if len(options) == 0 {
				return ""
			}
			return options[len(options)-1].Value
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range dashboards(t) {
				runQueries(t, grafana.Prometheus(prometheus.url), d, recentScope(10*time.Minute, time.Second), choose, func(where string, n int, _ time.Duration) {
					asked[where] = true
					if _, may := empty[where]; n == 0 && !may && name == "all" {
						t.Errorf("%s: no data", where)
					}
				})
			}
		})
	}
	for where := range empty {
		if !asked[where] {
			t.Errorf("the exception for %s is for nothing", where)
		}
	}
}

// runQueries runs all queries of a dashboard and reports how many series each has
// and how long it took.
func runQueries(t testing.TB, p grafana.Prometheus, d grafana.Dashboard, over grafana.Scope, choose grafana.Choose, report func(where string, series int, took time.Duration)) {
	t.Helper()
	ctx := context.Background()
	begun := time.Now()
	scope, err := grafana.Resolve(ctx, p, d, over, choose)
	if err != nil {
		t.Fatal(err)
	}
	report(d.File+": the variables", 1, time.Since(begun))
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			report(d.File+": the variable "+v.Name, len(scope.Options(v.Name)), 0)
		}
	}
	for _, panel := range d.Panels {
		for _, q := range panel.Targets {
			begun := time.Now()
			r, err := grafana.Run(ctx, p, q, scope)
			if err != nil {
				t.Errorf("%s: %s %s: %v", d.File, panel.Title, q.RefID, err)
			}
			report(d.File+": "+panel.Title+" "+q.RefID, len(r.Result), time.Since(begun))
		}
	}
}

// recentScope is the time up to now, with a point for every scrape.
func recentScope(how, scrape time.Duration) grafana.Scope {
	now := time.Now()
	return grafana.Scope{Span: grafana.Span{From: now.Add(-how), To: now, Step: scrape}, Scrape: scrape}
}
