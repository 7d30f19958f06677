// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "update the golden files")

// volatile are the beginnings of the names whose values differ from run to run.
var volatile = []string{
	"go_", "process_", prefix + "exporter_", prefix + "refresh_", prefix + "oldest_data_timestamp_seconds",
}

// TestDemoGolden starts the binary as a newcomer does, and compares everything
// that it exports first, before anything in the demo has changed.
func TestDemoGolden(t *testing.T) {
	t.Parallel()
	got := summary(exporter(t, "--demo").get(t, "/metrics").body)
	const path = "testdata/demo.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d of %s\ngot  %s\nwant %s\n(-update rewrites it)", i+1, path, g[i], w[i])
		}
	}
	t.Fatalf("%d lines, want the %d of %s", len(g), len(w), path)
}

// shown is how many series of a family a summary shows; it vouches for the
// others by their number and their hash.
const shown = 4

// summary shortens a page to something that people can read.
func summary(page string) string {
	var out strings.Builder
	for family := range strings.SplitSeq(page, "# HELP ") {
		header, series, _ := strings.Cut(family, " gauge\n")
		name, _, _ := strings.Cut(header, " ")
		if family == "" || skipped(name) {
			continue
		}
		lines := strings.SplitAfter(series, "\n")
		n := len(lines) - 1 // the last one is empty
		fmt.Fprintf(&out, "# HELP %s gauge\n%s# %d series, %.8x\n", header, strings.Join(lines[:min(n, shown)], ""), n, sha256.Sum256([]byte(series)))
	}
	return out.String()
}

func skipped(name string) bool {
	for _, beginning := range volatile {
		if strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}
