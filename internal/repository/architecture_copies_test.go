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

// TestLinterKnowsTheRooms holds the linter's rules against the table of rooms:
// what an editor shows while a line is written is what the test asserts.
func TestLinterKnowsTheRooms(t *testing.T) {
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
	for room, want := range rooms {
		if room == "" { // main may import all
			continue
		}
		rule := ""
		for name, r := range rules {
			if slices.Contains(r.Files, "**/"+room+"/*.go") {
				rule = name
			}
		}
		if rule == "" {
			t.Errorf("room %s: .golangci.yml has no rule for its files", room)
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
			t.Errorf("room %s: .golangci.yml allows %q, the table %q", room, got, want)
		}
		// A strict rule denies all that it does not allow.
		if r := rules[rule]; r.ListMode != "strict" && (r.ListMode != "lax" || len(r.Deny) != 1 || r.Deny[0].Pkg != module) {
			t.Errorf("room %s: .golangci.yml does not deny the rest of ours", room)
		}
	}
}

// TestArchitecturePageKnowsTheRooms holds the table of docs/architecture.md
// against the one that is asserted.
func TestArchitecturePageKnowsTheRooms(t *testing.T) {
	data, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w/]+)/` \\|.*\\| ([^|]*) \\|$").FindAllStringSubmatch(string(data), -1) {
		got[row[1]] = []string{}
		for _, m := range regexp.MustCompile("`([\\w/]+)`").FindAllStringSubmatch(row[2], -1) {
			got[row[1]] = append(got[row[1]], m[1])
		}
		slices.Sort(got[row[1]])
	}
	for room, want := range rooms {
		if room == "" {
			continue
		}
		imports, ok := got[room]
		if !ok {
			t.Errorf("docs/architecture.md lacks the room %s", room)
		} else if !slices.Equal(imports, slices.Sorted(slices.Values(want))) {
			t.Errorf("docs/architecture.md: room %s may import %q, want %q", room, imports, want)
		}
		delete(got, room)
	}
	if len(got) > 0 {
		t.Errorf("docs/architecture.md has rooms that there are not: %q", slices.Sorted(maps.Keys(got)))
	}
}
