// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
)

const (
	alertPrefix = "HuaweiCloudWorkspace"
	rulesDir    = "deploy/prometheus"
	runbooksDir = "docs/runbooks"
	runbooksURL = "https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/blob/main/docs/runbooks/"
)

// rule is a Prometheus rule, as far as it is checked.
type rule struct {
	Record, Alert, Expr string
	For                 model.Duration
	Labels, Annotations map[string]string
	group               string
}

func (r rule) name() string { return r.Record + r.Alert }

// loadRules reads all rules, recording rules before alerts.
func loadRules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, name := range []string{"rules.yml", "alerts.yml"} {
		text, err := os.ReadFile(filepath.Join(rulesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Name  string
				Rules []rule
			}
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				r.group = g.Name
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

// alerts returns the names of all alerts without their prefix, in order.
func alerts(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range loadRules(t) {
		if r.Alert != "" {
			short, ok := strings.CutPrefix(r.Alert, alertPrefix)
			if !ok {
				t.Errorf("alert %s does not begin with %s", r.Alert, alertPrefix)
			}
			names = append(names, short)
		}
	}
	return names
}

// The parts of PromQL that contain names. Strings are removed first.
var (
	promString = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'")
	promMetric = regexp.MustCompile(`\b(?:\w+:)?(?:huaweicloud_workspace_\w+(?::\w+)?|up\b)(?:\{([^}]*)\})?`)
	promLabels = regexp.MustCompile(`\b(?:by|on|group_left|without|ignoring)\s*\(([^()]*)\)`)
	promWord   = regexp.MustCompile(`[a-zA-Z_]\w*`)
)

// metricLabels returns the labels of all metrics that rules may use.
func metricLabels(rules []rule) map[string][]string {
	known := map[string][]string{"up": {"job", "instance"}}
	for _, m := range collector.Table() {
		known[m.Name] = append([]string{"job", "instance"}, m.Labels...)
	}
	for _, r := range rules {
		if labels, _, found := strings.Cut(r.Record, ":"); found {
			// The level of a recording rule is its labels, joined by underscores.
			for _, label := range []string{"region", "project_id", "desktop_id", "eips", "vpc_id", "subnet_id", "security_group_id", "status"} {
				if strings.Contains("_"+labels+"_", "_"+label+"_") {
					known[r.Record] = append(known[r.Record], label)
				}
			}
		}
	}
	return known
}

// checkNames checks that the metrics of an expression exist and have its labels.
func checkNames(expression string, known map[string][]string) (metrics int, faults []string) {
	expression = promString.ReplaceAllString(expression, "S")
	var labels []string
	for _, m := range promMetric.FindAllStringSubmatch(expression, -1) {
		name, _, _ := strings.Cut(m[0], "{")
		of, ok := known[name]
		if !ok {
			faults = append(faults, "there is no metric "+name)
		}
		labels = append(labels, of...)
		metrics++
		for matcher := range strings.SplitSeq(m[1], ",") {
			if label := promWord.FindString(matcher); label != "" && !slices.Contains(of, label) {
				faults = append(faults, fmt.Sprintf("%s has no label %s", name, label))
			}
		}
	}
	for _, m := range promLabels.FindAllStringSubmatch(expression, -1) {
		for _, label := range promWord.FindAllString(m[1], -1) {
			if !slices.Contains(labels, label) {
				faults = append(faults, "no metric of it has a label "+label)
			}
		}
	}
	return metrics, faults
}

// templateQuery is a query in an annotation, whose values are formatted by printf.
var templateQuery = regexp.MustCompile(`printf ("(?:[^"\\]|\\.)*")[^|]*\| query`)

// TestRuleNames checks that the metrics and labels in rules exist.
func TestRuleNames(t *testing.T) {
	t.Parallel()
	rules := loadRules(t)
	known := metricLabels(rules)
	check := func(where, expression string) {
		t.Helper()
		n, faults := checkNames(expression, known)
		if n == 0 {
			t.Errorf("%s: no metric found in %s", where, expression)
		}
		for _, fault := range faults {
			t.Errorf("%s: %s", where, fault)
		}
	}
	queries := 0
	for _, r := range rules {
		check(r.name(), r.Expr)
		for _, text := range r.Annotations {
			for _, m := range templateQuery.FindAllStringSubmatch(text, -1) {
				queries++
				check(r.name(), strings.NewReplacer(`=%q`, `=""`, `\"`, `"`).Replace(strings.Trim(m[1], `"`)))
			}
		}
	}
	if queries == 0 {
		t.Error("no annotation has a query")
	}
	// The check itself finds errors.
	for expression, want := range map[string]string{
		`sum(huaweicloud_workspace_desktop_eip)`:                                        "there is no metric huaweicloud_workspace_desktop_eip",
		`region:huaweicloud_workspace_x:sum`:                                            "there is no metric region:huaweicloud_workspace_x:sum",
		`huaweicloud_workspace_up{desktop_id="d"}`:                                      "huaweicloud_workspace_up has no label desktop_id",
		`max by (region, vpc_id) (huaweicloud_workspace_up)`:                            "no metric of it has a label vpc_id",
		`region_project_id:huaweicloud_workspace_desktops_with_eip:count{vpc_id!="by"}`: "region_project_id:huaweicloud_workspace_desktops_with_eip:count has no label vpc_id",
	} {
		if _, faults := checkNames(expression, known); !slices.Equal(faults, []string{want}) {
			t.Errorf("%s: %q, want %q", expression, faults, want)
		}
	}
}

// TestAlertConventions checks what every alert must have, and that an outage does
// not fire alerts about desktops.
func TestAlertConventions(t *testing.T) {
	t.Parallel()
	const fresh = "max by (region, project_id) (max_over_time(huaweicloud_workspace_up[10m])) == 1"
	guarded := 0
	for _, r := range loadRules(t) {
		for _, m := range promLabels.FindAllStringSubmatch(r.Expr, -1) {
			if strings.Contains(m[1], "_name") {
				t.Errorf("%s: a name in %q would restart its for, or count twice, when it changes", r.name(), m[0])
			}
		}
		if r.Alert == "" {
			continue
		}
		if len(r.Labels) != 1 || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: labels %v, want only a severity", r.Alert, r.Labels)
		}
		for _, key := range []string{"summary", "description", "runbook_url"} {
			if r.Annotations[key] == "" || strings.Contains(r.Annotations[key], "\n") {
				t.Errorf("%s: %s is %q, want one line", r.Alert, key, r.Annotations[key])
			}
		}
		if len(r.Annotations) != 3 {
			t.Errorf("%s: %d annotations, want 3", r.Alert, len(r.Annotations))
		}
		if strings.Contains(r.Expr, fresh) {
			guarded++
		}
		if r.group != "huaweicloud_workspace_desktops" {
			continue
		}
		if !strings.HasSuffix(strings.TrimSpace(r.Expr), "and on (region, project_id)\n"+fresh) {
			t.Errorf("%s may fire during an outage", r.Alert)
		}
		if time.Duration(r.For) <= 10*time.Minute {
			t.Errorf("%s: for is %s, not longer than data counts as fresh", r.Alert, r.For)
		}
	}
	if guarded < 6 {
		t.Errorf("%d alerts need fresh data, want all about desktops", guarded)
	}
}

// promFence is a block of PromQL, which may be part of a list.
var promFence = regexp.MustCompile("(?ms)^ *```promql\n(.*?)^ *```$")

// TestRunbooks checks that every alert has a runbook, and what is in it.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	rules := loadRules(t)
	known := metricLabels(rules)
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(runbooksDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	index := read("README.md")
	want := []string{"README.md"}
	for _, r := range rules {
		if r.Alert == "" {
			continue
		}
		file := r.Alert + ".md"
		want = append(want, file)
		if r.Annotations["runbook_url"] != runbooksURL+file {
			t.Errorf("%s: runbook_url is %s", r.Alert, r.Annotations["runbook_url"])
		}
		if row := fmt.Sprintf("| [%s](%s) | %s |", strings.TrimPrefix(r.Alert, alertPrefix), file, r.Labels["severity"]); strings.Count(index, row) != 1 {
			t.Errorf("the index of runbooks lacks %s", row)
		}
		page := read(file)
		if begin := "# " + r.Alert + "\n\nSeverity: " + r.Labels["severity"] + "\n"; !strings.HasPrefix(page, begin) {
			t.Errorf("%s does not begin with %q", file, begin)
		}
		at := 0
		for _, section := range []string{"Meaning", "Impact", "Diagnosis", "Mitigation"} {
			i := strings.Index(page, "\n## "+section+"\n\n")
			if i < at {
				t.Errorf("%s lacks the section %s, or has it too early", file, section)
			}
			at = i
		}
		for _, m := range promFence.FindAllStringSubmatch(page, -1) {
			if n, faults := checkNames(m[1], known); n == 0 || len(faults) > 0 {
				t.Errorf("%s: %d metrics, %q in %s", file, n, faults, m[1])
			}
		}
		checkLinks(t, filepath.Join(runbooksDir, file), page)
	}
	checkLinks(t, filepath.Join(runbooksDir, "README.md"), index)
	entries, err := os.ReadDir(runbooksDir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if slices.Sort(want); !slices.Equal(found, want) {
		t.Errorf("runbooks %q, want %q", found, want)
	}
}

// checkLinks checks that the files to which a page links exist.
func checkLinks(t *testing.T, page, text string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		path, _, _ := strings.Cut(m[1], "#")
		if _, err := os.Stat(filepath.Join(filepath.Dir(page), path)); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}

// TestAlertTests checks that promtool has, for each alert, a named test in which it
// fires and one in which it does not.
func TestAlertTests(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(rulesDir, "tests", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var tested []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			RuleFiles []string `yaml:"rule_files"`
			Tests     []struct {
				Name  string
				Cases []struct {
					Alert string `yaml:"alertname"`
					Want  []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yml")
		if name == "recording" {
			continue
		}
		tested = append(tested, name)
		if !slices.Equal(file.RuleFiles, []string{"../alerts.yml"}) {
			t.Errorf("%s tests %v", path, file.RuleFiles)
		}
		firing, quiet := 0, 0
		for _, test := range file.Tests {
			if test.Name == "" {
				t.Errorf("%s: a test has no name", path)
			}
			fires := false
			for _, c := range test.Cases {
				fires = fires || len(c.Want) > 0
				if c.Alert != alertPrefix+name {
					t.Errorf("%s: a case is about %s", path, c.Alert)
				}
			}
			if fires {
				firing++
			} else {
				quiet++
			}
		}
		if firing == 0 || quiet == 0 {
			t.Errorf("%s: %d tests in which it fires, %d in which it does not", path, firing, quiet)
		}
	}
	// The test of a thousand desktops is generated by package test.
	want := slices.DeleteFunc(slices.Sorted(slices.Values(alerts(t))), func(name string) bool { return name == "ManyDesktopsAffected" })
	if !slices.Equal(tested, want) {
		t.Errorf("tests of %q, want %q", tested, want)
	}
}

// TestFailuresPageAlerts checks that the alerts in docs/failures.md exist.
func TestFailuresPageAlerts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	known := alerts(t)
	column, named := -1, 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		switch i := slices.Index(cells, "alert"); {
		case i >= 0:
			column = i
		case !strings.HasPrefix(line, "|"):
			column = -1
		case column >= 0 && !strings.HasPrefix(line, "| ---"):
			if len(cells) <= column {
				t.Fatalf("too few cells in %s", line)
			}
			for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cells[column], -1) {
				named++
				if !slices.Contains(known, m[1]) {
					t.Errorf("docs/failures.md has the alert %s, which does not exist", m[1])
				}
			}
		}
	}
	if named < 15 {
		t.Errorf("%d alerts found in docs/failures.md, want one in most of its rows", named)
	}
}
