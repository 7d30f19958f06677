// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	chartDir    = root + "/deploy/helm/huaweicloud-workspace-exporter"
	operatorDir = root + "/deploy/kubernetes/components/prometheus-operator"
)

// dashboards returns the file names of all dashboards.
func dashboards(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "dashboards", "*.json"))
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d dashboards found: %v", len(paths), err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

// TestChartHasRulesAndDashboards compares the rules and dashboards in the chart,
// which a packaged chart needs, with the original files.
func TestChartHasRulesAndDashboards(t *testing.T) {
	copies := map[string]string{
		"rules.yml":  read(t, "deploy/prometheus/rules.yml"),
		"alerts.yml": read(t, "deploy/prometheus/alerts.yml"),
	}
	for _, name := range dashboards(t) {
		copies["dashboards/"+name] = read(t, "dashboards", name)
	}
	files := filepath.Join(chartDir, "files")
	for name, text := range copies {
		golden(t, filepath.Join(files, name), text)
	}
	err := filepath.WalkDir(files, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(files, path)
		if _, ok := copies[filepath.ToSlash(name)]; !ok {
			t.Errorf("%s has no original file", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// ruleGroups returns the groups of a rule file.
func ruleGroups(t testing.TB, name string) []map[string]any {
	t.Helper()
	var file struct {
		Groups []map[string]any `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/prometheus", name)), &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups
}

// TestPrometheusRuleIsGenerated compares the object for the Prometheus operator
// with the rule files. Group names must be unique in an object.
func TestPrometheusRuleIsGenerated(t *testing.T) {
	recordings := ruleGroups(t, "rules.yml")
	for _, g := range recordings {
		g["name"] = g["name"].(string) + "_recordings"
	}
	const name = "huaweicloud-workspace-exporter"
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "monitoring.coreos.com/v1",
		"kind":       "PrometheusRule",
		"metadata":   map[string]any{"name": name, "labels": map[string]any{"app.kubernetes.io/name": name}},
		"spec":       map[string]any{"groups": slices.Concat(recordings, ruleGroups(t, "alerts.yml"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(operatorDir, "prometheusrule.yaml"),
		"# Generated from deploy/prometheus/*.yml with: go test -run "+t.Name()+" -update . (in test/deploy)\n"+string(text))
}
