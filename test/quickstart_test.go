// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestQuickStart runs what the quick start has the reader run while the demo
// runs, and looks for what it promises.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	x := exporter(t, "--demo")
	ask := regexp.MustCompile(`(?m)^ *(curl .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(ask) != 2 {
		t.Fatalf("%d commands request the demo, want 2", len(ask))
	}
	for _, command := range ask {
		f := finish(t, "", "bash", "-c", strings.ReplaceAll(command[1], "http://localhost:10045", x.url))
		if f.code != 0 || !strings.HasPrefix(f.stdout, "huaweicloud_workspace_desktop") {
			t.Errorf("%s exits with %d and prints %q%s", command[1], f.code, f.stdout, f.stderr)
		}
	}
	if a := x.get(t, "/"); !strings.Contains(a.body, `href="/status"`) {
		t.Error("the landing page does not lead to /status")
	}

	// The configuration is checked without a word to the cloud.
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^ *```yaml\n( *# exporter.yml\n.*?)^ *```$").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d configurations, want 1", len(blocks))
	}
	dir := t.TempDir()
	rewrite(t, dir+"/exporter.yml", blocks[0][1])
	rewrite(t, dir+"/secret_key", "SKEXAMPLE\n")
	commands := regexp.MustCompile(`(?m)^ *\./huaweicloud_workspace_exporter (.*--config\.check)$`).FindStringSubmatch(string(text))
	if commands == nil {
		t.Fatal("the quick start does not check the configuration")
	}
	if f := finish(t, "", "bash", "-c", "cd "+dir+" && "+path+" "+commands[1]); f.code != 0 || !strings.Contains(f.stdout, "configuration is valid") {
		t.Errorf("%s ends with %d: %s%s", commands[1], f.code, f.stdout, f.stderr)
	}
}
