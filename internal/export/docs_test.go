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

// documented holds the part of a document between two marks against what it
// should be.
func documented(t *testing.T, path, mark, want string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	begin := regexp.MustCompile(`(?m)^<!-- ` + mark + `:begin.*-->\n`).FindStringIndex(text)
	end := strings.Index(text, "<!-- "+mark+":end -->")
	if begin == nil || end < begin[1] {
		t.Fatalf("%s has lost its marks", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(text[:begin[1]]+want+text[end:]), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text[begin[1]:end] != want {
		t.Errorf("%s is out of date; write it anew by: go test ./internal/export -run %s -update", path, t.Name())
	}
}

// rows writes a table, in which names that need no word of their own stand with
// the one before.
func rows(title string, labels []Label) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | what |\n| --- | --- |\n", title)
	for i := 0; i < len(labels); {
		names, about := "`"+labels[i].Name+"`", labels[i].About
		for i++; i < len(labels) && labels[i].About == ""; i++ {
			names += ", `" + labels[i].Name + "`"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", names, about)
	}
	return b.String()
}

func TestDocumentedLabels(t *testing.T) {
	documented(t, "../../docs/discovery.md", "labels", rows("label", TargetLabels()))
}

func TestDocumentedColumns(t *testing.T) {
	documented(t, "../../docs/export.md", "columns", rows("column", Columns(Show{Tags: true, Users: true})))
}
