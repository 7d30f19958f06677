// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// checkDocSection compares the section of a document between two marks with want,
// or writes it with -update.
func checkDocSection(t *testing.T, path, mark, want string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	begin := regexp.MustCompile(`(?m)^<!-- ` + mark + `:begin.*-->\n`).FindStringIndex(text)
	end := strings.Index(text, "<!-- "+mark+":end -->")
	if begin == nil || end < begin[1] {
		t.Fatalf("%s has no %s marks", path, mark)
	}
	if *update {
		if err := os.WriteFile(path, []byte(text[:begin[1]]+want+text[end:]), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text[begin[1]:end] != want {
		t.Errorf("%s is out of date; update it with: go test ./internal/export -run %s -update", path, t.Name())
	}
}

// markdownTable returns a Markdown table of fields. A field without a description
// shares the row of the one before it.
func markdownTable(title string, fields []FieldDoc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | description |\n| --- | --- |\n", title)
	for i := 0; i < len(fields); {
		names, description := "`"+fields[i].Name+"`", fields[i].Description
		for i++; i < len(fields) && fields[i].Description == ""; i++ {
			names += ", `" + fields[i].Name + "`"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", names, description)
	}
	return b.String()
}

func TestDocumentedLabels(t *testing.T) {
	checkDocSection(t, "../../docs/discovery.md", "labels", markdownTable("label", TargetLabels()))
}

func TestDocumentedColumns(t *testing.T) {
	checkDocSection(t, "../../docs/export.md", "columns", markdownTable("column", CSVColumns(Fields{Tags: true, Users: true})))
}
