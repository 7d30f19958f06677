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
)

const rulesDir = "../deploy/prometheus"

// TestPromtoolChecksRules has promtool lint the rules that are shipped.
func TestPromtoolChecksRules(t *testing.T) {
	t.Parallel()
	f := finish(t, "", "promtool", "check", "rules", filepath.Join(rulesDir, "rules.yml"), filepath.Join(rulesDir, "alerts.yml"))
	if f.code != 0 || strings.Count(f.stdout, "SUCCESS") != 2 {
		t.Errorf("promtool check rules ends with %d: %s%s", f.code, f.stdout, f.stderr)
	}
}

// TestPromtoolTestsRules has promtool run all scenarios of the rules.
func TestPromtoolTestsRules(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(rulesDir, "tests", "*.yml"))
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d files of tests, want one for each alert and one for the recordings: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yml"), func(t *testing.T) {
			t.Parallel()
			if f := finish(t, "", "promtool", "test", "rules", path); f.code != 0 || !strings.Contains(f.stdout, "SUCCESS") {
				t.Errorf("promtool test rules ends with %d: %s%s", f.code, f.stdout, f.stderr)
			}
		})
	}
}

// TestAlertsAreAggregated has promtool simulate a thousand
// desktops and one more: one alert stands for all of theirs, until enough have
// an EIP again.
func TestAlertsAreAggregated(t *testing.T) {
	t.Parallel()
	alerts, err := filepath.Abs(filepath.Join(rulesDir, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	const project = `region="r",project_id="p"`
	var series strings.Builder
	one := func(format string, args ...any) { fmt.Fprintf(&series, "      - "+format+"\n", args...) }
	one("{series: 'up{job=\"huaweicloud_workspace\"}', values: 1x60}")
	one("{series: '%sup{%s}', values: 1x60}", prefix, project)
	one("{series: '%sproject_info{%s,project=\"office\"}', values: 1x60}", prefix, project)
	for i := range 1001 {
		values := "0x55"
		if i == 0 {
			values = "0x30 1x25"
		}
		one("{series: '%sdesktop_eips{%s,desktop_id=\"d%d\"}', values: %s}", prefix, project, i, values)
	}
	const firing = `
          - exp_labels: {severity: warning, region: r, project_id: p, instead_of: HuaweiCloudWorkspaceDesktopMissesEIP}
            exp_annotations:
              summary: 1001 desktops of project office (r) are affected by HuaweiCloudWorkspaceDesktopMissesEIP
              description: >-
                More than 1000 desktops of project p in r have been in this state for 15 minutes. This alert replaces one alert for each of them. Either
                there is a common cause, or the state is intended and needs a policy.
              runbook_url: https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/blob/main/docs/runbooks/HuaweiCloudWorkspaceManyDesktopsAffected.md
`
	path := file(t, "many.yml", fmt.Sprintf(`
rule_files: ["%s"]
evaluation_interval: 5m
tests:
  - interval: 1m
    input_series:
%s    alert_rule_test:
      - {eval_time: 10m, alertname: HuaweiCloudWorkspaceManyDesktopsAffected, exp_alerts: []}
      - eval_time: 15m
        alertname: HuaweiCloudWorkspaceManyDesktopsAffected
        exp_alerts: %s
      - {eval_time: 30m, alertname: HuaweiCloudWorkspaceDesktopMissesEIP, exp_alerts: []}
      - {eval_time: 35m, alertname: HuaweiCloudWorkspaceManyDesktopsAffected, exp_alerts: []}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing"})', eval_time: 50m, exp_samples: [{value: 1000}]}
      - {expr: 'count(ALERTS{alertstate="firing",alertname="HuaweiCloudWorkspaceDesktopMissesEIP"})', eval_time: 50m, exp_samples: [{value: 1000}]}
`, alerts, series.String(), firing))
	if f := finish(t, "", "promtool", "test", "rules", path); f.code != 0 || !strings.Contains(f.stdout, "SUCCESS") {
		t.Errorf("promtool test rules ends with %d: %s%s", f.code, f.stdout[:min(len(f.stdout), 3000)], f.stderr[:min(len(f.stderr), 3000)])
	}
}

// TestRunbookQueriesParse has promtool read the queries of the runbooks, as if
// they were recordings.
func TestRunbookQueriesParse(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, n := "groups:\n  - name: runbooks\n    rules:\n", 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^ *```promql\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1) {
			n++
			rules += fmt.Sprintf("      - {record: 'runbook:%d', expr: '%s'}\n", n, strings.Join(strings.Fields(m[1]), " "))
		}
	}
	f := finish(t, "", "promtool", "check", "rules", file(t, "runbooks.yml", rules))
	if f.code != 0 || !strings.Contains(f.stdout, fmt.Sprintf("SUCCESS: %d rules found", n)) || n < 10 {
		t.Errorf("promtool check rules ends with %d for %d queries: %s%s", f.code, n, f.stdout, f.stderr)
	}
}
