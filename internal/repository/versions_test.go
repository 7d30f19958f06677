// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"os"
	"regexp"
	"testing"
)

// TestVersions compares the version in the manifests with the changelog's last
// release or, before the first one, with the planned version.
func TestVersions(t *testing.T) {
	find := func(path, pattern string) string {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(pattern).FindSubmatch(data); m != nil {
			return string(m[1])
		}
		return ""
	}
	want := find("CHANGELOG.md", `(?m)^## \[(\d\S*)\]`)
	if want == "" {
		want = find("CHANGELOG.md", `(?m)^What is to become (\d\S*), `)
	}
	const chart = "deploy/helm/huaweicloud-workspace-exporter/Chart.yaml"
	for _, place := range [][2]string{
		{chart, `(?m)^version: (\S+)$`},
		{chart, `(?m)^appVersion: (\S+)$`},
		{"deploy/kubernetes/base/kustomization.yaml", `(?m)^ +newTag: (\S+)$`},
		{"deploy/kubernetes/overlays/example/kustomization.yaml", `(?m)^ +newTag: (\S+)$`},
	} {
		if got := find(place[0], place[1]); got != want || got == "" {
			t.Errorf("%s: %s has version %q, the changelog %q", place[0], place[1], got, want)
		}
	}
}

// TestVulnerableModules checks modules that the SDK requires in versions with known
// vulnerabilities. govulncheck finds them, too, but needs its database.
func TestVulnerableModules(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, floor := range map[string]string{
		"go.mongodb.org/mongo-driver": "1.17.10", // CVE-2026-2303, CVE-2026-88031
	} {
		m := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` v(\d+\.\d+\.\d+)\b`).FindStringSubmatch(string(data))
		if m == nil {
			t.Errorf("%s is not in go.mod; remove it from the list", module)
		} else if CompareVersions(m[1], floor) < 0 {
			t.Errorf("%s is %s, want at least %s", module, m[1], floor)
		}
	}
}
