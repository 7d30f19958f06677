// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestLinterRules compares the rules of depguard with the table of imports.
func TestLinterRules(t *testing.T) {
	data, err := os.ReadFile(".golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var linter struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						ListMode string `yaml:"list-mode"`
						Files    []string
						Deny     []struct{ Pkg string }
						Allow    []string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(data, &linter); err != nil {
		t.Fatal(err)
	}
	rules := linter.Linters.Settings.Depguard.Rules
	for name, want := range allowedImports {
		if name == "" { // the command
			continue
		}
		rule := ""
		for key, r := range rules {
			if slices.Contains(r.Files, "**/"+name+"/*.go") {
				rule = key
			}
		}
		if rule == "" {
			t.Errorf("package %s: .golangci.yml has no rule for its files", name)
			continue
		}
		var got []string
		for _, path := range rules[rule].Allow {
			if ours, ok := strings.CutPrefix(path, module+"/"); ok {
				got = append(got, ours)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("package %s: .golangci.yml allows %q, the table %q", name, got, want)
		}
		// A strict rule denies everything that it does not allow.
		if r := rules[rule]; r.ListMode != "strict" && (r.ListMode != "lax" || len(r.Deny) != 1 || r.Deny[0].Pkg != module) {
			t.Errorf("package %s: .golangci.yml does not deny all other packages of ours", name)
		}
	}
}

// TestArchitecturePage compares docs/architecture.md with the table of imports. Its
// drawing must have all packages that are not only for tests.
func TestArchitecturePage(t *testing.T) {
	data, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	got := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w/]+)/` \\|.*\\| ([^|]*) \\|$").FindAllStringSubmatch(page, -1) {
		got[row[1]] = []string{}
		for _, m := range regexp.MustCompile("`([\\w/]+)`").FindAllStringSubmatch(row[2], -1) {
			got[row[1]] = append(got[row[1]], m[1])
		}
		slices.Sort(got[row[1]])
	}
	for name, want := range allowedImports {
		if name == "" {
			continue
		}
		imports, ok := got[name]
		if !ok {
			t.Errorf("docs/architecture.md lacks package %s", name)
		} else if !slices.Equal(imports, slices.Sorted(slices.Values(want))) {
			t.Errorf("docs/architecture.md: package %s may import %q, want %q", name, imports, want)
		}
		delete(got, name)
		forTests := strings.Contains(page, "\n| `"+name+"/` | For tests: ")
		if drawn := strings.Contains(page, `["`+name+"<br>"); drawn == forTests {
			t.Errorf("docs/architecture.md: package %s is in the drawing: %t, only for tests: %t", name, drawn, forTests)
		}
	}
	if len(got) > 0 {
		t.Errorf("docs/architecture.md has packages that do not exist: %q", slices.Sorted(maps.Keys(got)))
	}
}
