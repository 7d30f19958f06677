// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// documented returns the queries of the README and the cookbook by what they
// answer, which is their first line.
func documented(t testing.TB) map[string]string {
	t.Helper()
	queries := map[string]string{}
	for _, path := range []string{"../README.md", "../docs/cookbook.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^```promql\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
			question, ok := strings.CutPrefix(m[1][:strings.Index(m[1], "\n")], "# ")
			if !ok || queries[question] != "" {
				t.Errorf("%s: a query has no unique question:\n%s", path, m[1])
			}
			queries[question] = m[1]
		}
	}
	if len(queries) < 40 {
		t.Fatalf("only %d queries found", len(queries))
	}
	return queries
}

// TestQueriesInDocumentsParse reads the queries of all other documents; those of
// runbooks have a test of their own.
func TestQueriesInDocumentsParse(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range append(paths, "../README.zh-CN.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^ *```promql\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1) {
			n++
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(m[1]); err != nil {
				t.Errorf("%s: %v\n%s", path, err, m[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d queries found", n)
	}
}

// scene is an invented fleet with the answers to all documented queries.
type scene struct {
	Interval string
	At       string
	Series   []struct{ Series, Values string }
	Answers  map[string][]answerLine
}

type answerLine struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

// TestDocumentedQueries has promtool run every documented query of an invented
// fleet, and compares the results with those of testdata/queries.yml.
func TestDocumentedQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/queries.yml")
	if err != nil {
		t.Fatal(err)
	}
	var s scene
	if err := yaml.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	type check struct {
		Expr string       `yaml:"expr"`
		At   string       `yaml:"eval_time"`
		Want []answerLine `yaml:"exp_samples"`
	}
	var checks []check
	for question, expr := range documented(t) {
		answer, ok := s.Answers[question]
		if !ok || len(answer) == 0 {
			t.Errorf("testdata/queries.yml has no answer to: %s", question)
		}
		checks = append(checks, check{expr, s.At, answer})
		delete(s.Answers, question)
	}
	for question := range s.Answers {
		t.Errorf("testdata/queries.yml has an answer without a documented question: %s", question)
	}
	rules, err := yaml.Marshal(map[string]any{
		"evaluation_interval": s.Interval,
		"tests":               []any{map[string]any{"interval": s.Interval, "input_series": s.Series, "promql_expr_test": checks}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := finish(t, "", "promtool", "test", "rules", file(t, "queries.yml", string(rules))); f.code != 0 || !strings.Contains(f.stdout, "SUCCESS") {
		t.Errorf("promtool test rules ends with %d: %s%s", f.code, f.stdout, f.stderr)
	}
}

// unanswered are the documented queries that the demo has no answer to at its
// start, with the reason.
var unanswered = map[string]string{
	"Changes of desktops in the last 24 hours, by kind":                                    "nothing may have happened yet",
	"EIPs swapped in the last 24 hours, by the project's name":                             "nothing may have happened yet",
	"Inconsistencies in the data of the API, by reason":                                    "the demo's cloud does not contradict itself",
	"Desktops with a private IP address outside their subnet, by name":                     "the demo's cloud does not contradict itself",
	"Forbidden EIPs by policy":                                                             "no desktop violates that policy at the start",
	"Desktops that lost their EIP in the last hour":                                        "takes longer than the test",
	"EIPs used by more than one desktop in the last 24 hours, with the number of desktops": "takes longer than the test to happen",
	"Private IP addresses used twice in a VPC, with the desktops":                          "the demo uses each once",
	"Days until a subnet is full, extrapolated from the last 6 hours":                      "subnets may grow or not meanwhile",
	"Desktops that moved to another subnet in the last day":                                "takes longer than the test",
	"Desktops without security groups":                                                     "each is in one",
	`Desktops by the tag "team" (needs metrics.tags: [team])`:                              "the demo shows no tags",
	"Desktops deleted in the last 24 hours":                                                "takes longer than the test to happen",
	"Desktops renamed in the last 24 hours, with the number of names":                      "takes longer than the test to happen",
	"Desktops whose windows_exporter is down, by name, subnet and EIP":                     "there is no windows_exporter",
	"CPU usage of the desktops in each subnet, in cores":                                   "there is no windows_exporter",
	"Projects whose last refresh failed, by name":                                          "the demo's cloud does not fail",
	"Share of failed API requests, by operation":                                           "the demo's cloud does not fail",
}

// TestDocumentedQueriesOfTheDemo runs every documented query of a real
// Prometheus that scrapes the demo.
func TestDocumentedQueriesOfTheDemo(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	p := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ['%s']}]}]
`, strings.TrimPrefix(x.url, "http://")))
	p.await(t, waitTimeout, `count_over_time(huaweicloud_workspace_up{region="la-north-2"}[1m])`, func(all []sample) bool {
		return len(all) == 1 && all[0].value >= 3
	})
	queries := documented(t)
	for question, expr := range queries {
		if got := p.query(t, expr, time.Now()); len(got) == 0 && unanswered[question] == "" {
			t.Errorf("the demo has no answer to: %s\n%s", question, expr)
		}
	}
	for question := range unanswered {
		if queries[question] == "" {
			t.Errorf("the exception is for nothing: %s", question)
		}
	}
}
