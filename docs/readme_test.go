// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeMetrics compares the README's table of metrics with the collector's.
func TestReadmeMetrics(t *testing.T) {
	var table strings.Builder
	table.WriteString("| metric | labels | what |\n| --- | --- | --- |\n")
	for _, m := range collector.Table() {
		labels := slices.Clone(m.Labels)
		if !m.Exporter {
			labels = labels[2:] // region and project_id
		}
		help := strings.Replace(m.Help, ", always 1.", ".", 1)
		if m.OptIn != "" {
			help += " Only with `" + m.OptIn + "`."
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", m.Name, strings.Join(labels, ", "), help)
	}

	text := readme(t)
	begin := regexp.MustCompile(`(?m)^<!-- metrics:begin.*-->\n`).FindStringIndex(text)
	end := strings.Index(text, "<!-- metrics:end -->")
	if begin == nil || end < begin[1] {
		t.Fatal("README.md lacks the markers of its table of metrics")
	}
	if *update {
		text = text[:begin[1]] + table.String() + text[end:]
		if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text[begin[1]:end] != table.String() {
		t.Error("the table of metrics in README.md is out of date; update it with: go test ./docs -run TestReadmeMetrics -update")
	}
}

// TestReadmePolicy checks that the IAM policy is valid and allows every call of
// the exporter.
func TestReadmePolicy(t *testing.T) {
	blocks := slices.DeleteFunc(readDocument(t, "README.md").blocks, func(b codeBlock) bool { return b.language != "json" })
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of JSON, want only the policy", len(blocks))
	}
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect string
			Action      []string
		}
	}
	decoder := json.NewDecoder(strings.NewReader(blocks[0].text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "5.0" {
		t.Errorf("version %q, want that of identity policies", policy.Version)
	}
	allowed := map[string]string{}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" {
			t.Errorf("%s has the effect %q", s.Sid, s.Effect)
		}
		for _, action := range s.Action {
			if !regexp.MustCompile(`^[a-z]+:[a-zA-Z]+:(get|list)[a-zA-Z]*$`).MatchString(action) {
				t.Errorf("%s allows %q, which is not the name of a read action", s.Sid, action)
			}
			allowed[action] = s.Sid
		}
	}
	for _, action := range []string{
		"workspace:desktops:list", "workspace:desktops:listDesktopNetworks", "workspace:networks:listEips", "iam:projects:listProjects",
	} {
		if allowed[action] == "" {
			t.Errorf("%s is not allowed", action)
		}
	}
}
