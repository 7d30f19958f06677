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

// workflow is a workflow of GitHub, as far as it is checked.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct{ Uses, Run string }
	}
}

// TestWorkflows checks that actions are pinned to a commit, that permissions are
// minimal, and that CI runs .ci/run.
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
			t.Errorf("%s: all jobs have the permissions %v, want contents: read only", path, w.Permissions)
		}
		uses := 0
		for name, job := range w.Jobs {
			for what, level := range job.Permissions {
				if level == "write" && filepath.Base(path) != "release.yml" {
					t.Errorf("%s: job %s has write permission for %s", path, name, what)
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
			t.Errorf("%s: %d of %d actions are pinned to a commit", path, n, uses)
		}
	}
	if !runs {
		t.Error("ci.yml does not run .ci/run")
	}
}

// TestDependabot checks that Dependabot is configured for all npm packages and, by
// a pattern, for all Go modules.
func TestDependabot(t *testing.T) {
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
		t.Errorf("Go modules are configured in %q, want %q", known["gomod"], want)
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
		t.Errorf("npm packages are configured in %q, want %q", known["npm"], locks)
	}
}
