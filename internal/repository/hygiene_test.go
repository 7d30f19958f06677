// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the tests look at of a workflow of GitHub.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct{ Uses, Run string }
	}
}

// TestWorkflows holds the workflows against what protects them: actions by
// commit, and no more permissions than needed. The checks are those of .ci/run.
func TestWorkflows(t *testing.T) {
	paths, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	pinned := regexp.MustCompile(`(?m)uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	runs := false
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(data, &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
			t.Errorf("%s: all jobs may %v, want to read contents alone", path, w.Permissions)
		}
		uses := 0
		for name, job := range w.Jobs {
			for what, level := range job.Permissions {
				if level == "write" && filepath.Base(path) != "release.yml" {
					t.Errorf("%s: job %s may write %s", path, name, what)
				}
			}
			for _, step := range job.Steps {
				runs = runs || step.Run == "bash .ci/run" && filepath.Base(path) == "ci.yml"
				if step.Uses != "" {
					uses++
				}
			}
		}
		if n := len(pinned.FindAll(data, -1)); n != uses || uses == 0 {
			t.Errorf("%s: %d of %d actions are named by commit and version", path, n, uses)
		}
	}
	if !runs {
		t.Error("ci.yml does not run .ci/run")
	}
}

// TestVersionsAgree holds what the manifests pull against the changelog's last
// release, or against what the first is to become.
func TestVersionsAgree(t *testing.T) {
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
			t.Errorf("%s: %s finds version %q, the changelog has %q", place[0], place[1], got, want)
		}
	}
}

// TestDependabotKnowsAllPackages looks for packages of npm whose updates nobody
// would hear of; modules of Go are found by a pattern.
func TestDependabotKnowsAllPackages(t *testing.T) {
	data, err := os.ReadFile(".github/dependabot.yml")
	if err != nil {
		t.Fatal(err)
	}
	var bot struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal(data, &bot); err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, u := range bot.Updates {
		known[u.Ecosystem] = u.Directories
	}
	if want := []string{"/", "/**/*"}; !slices.Equal(known["gomod"], want) {
		t.Errorf("modules of Go are looked for in %q, want %q", known["gomod"], want)
	}
	var locks []string
	for _, pattern := range []string{"*/package-lock.json", "*/*/package-lock.json"} { // a leading dot matches
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, lock := range found {
			locks = append(locks, "/"+filepath.ToSlash(filepath.Dir(lock)))
		}
	}
	slices.Sort(locks)
	if !slices.Equal(known["npm"], locks) {
		t.Errorf("packages of npm are looked for in %q, want %q", known["npm"], locks)
	}
}

// TestVulnerableModulesAreRaised holds modules that the SDK asks for in versions
// with known vulnerabilities at those that mend them. govulncheck would find
// them, but not where its database cannot be had.
func TestVulnerableModulesAreRaised(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, floor := range map[string]string{
		"go.mongodb.org/mongo-driver": "1.17.10", // CVE-2026-2303, CVE-2026-88031
	} {
		m := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` v(\d+\.\d+\.\d+)\b`).FindStringSubmatch(string(data))
		if m == nil {
			t.Errorf("%s is not in go.mod: take it off the list", module)
		} else if CompareVersions(m[1], floor) < 0 {
			t.Errorf("%s is %s, want at least %s", module, m[1], floor)
		}
	}
}
