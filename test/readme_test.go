// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// readme returns the README's blocks of code in a language.
func readme(t testing.TB, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// prometheusConfigs returns the README's configurations of Prometheus: of all
// projects together and of each by itself.
func prometheusConfigs(t testing.TB) (together, apart string) {
	t.Helper()
	var all []string
	for _, block := range readme(t, "yaml") {
		if strings.HasPrefix(block, "# prometheus.yml\n") {
			all = append(all, block)
		}
	}
	if len(all) != 2 || strings.Contains(all[0], "/probe") || !strings.Contains(all[1], "/probe") {
		t.Fatalf("README.md has %d configurations of Prometheus, want one with and then one without /probe", len(all))
	}
	return all[0], all[1]
}

// withShortInterval makes one of the README's configurations of Prometheus ask an exporter
// every second, and changes nothing else.
func withShortInterval(t testing.TB, config string, x *process) string {
	t.Helper()
	for _, change := range [][2]string{
		{"localhost:10045", strings.TrimPrefix(x.url, "http://")},
		{"scrape_interval: 1m", "scrape_interval: 1s"},
		{"scrape_timeout: 30s", "scrape_timeout: 1s"},
	} {
		if strings.Count(config, change[0]) != 1 {
			t.Fatalf("the README's configuration of Prometheus must hold %q once", change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	return config
}

// TestReadmePrometheus has promtool check the README's configurations.
func TestReadmePrometheus(t *testing.T) {
	t.Parallel()
	together, apart := prometheusConfigs(t)
	for _, config := range []string{together, apart} {
		if f := finish(t, "", "promtool", "check", "config", file(t, "prometheus.yml", config)); f.code != 0 || !strings.Contains(f.stdout, "SUCCESS") {
			t.Errorf("promtool check config ends with %d: %s%s\n%s", f.code, f.stdout, f.stderr, config)
		}
	}
}

// TestReadmePaths requests every path of the README's table.
func TestReadmePaths(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(/[^`]*)` \\|").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 12 {
		t.Errorf("%d paths in README.md, want at least 12", len(rows))
	}
	x.eventually(t, waitTimeout, "the demo is read", func() bool { return x.get(t, "/-/ready").status == http.StatusOK })
	id := regexp.MustCompile(`/desktop\?id=([^&]+)&amp;project=office-mexico"`).FindStringSubmatch(x.get(t, "/inventory?project=office-mexico").body)
	if id == nil {
		t.Fatal("the inventory of the demo links no desktop")
	}
	for _, row := range rows {
		path := strings.NewReplacer("NAME", "office-mexico", "id=ID", "id="+id[1], "PORT", "9182").Replace(row[1])
		want := http.StatusOK
		if path == "/-/reload" {
			want = http.StatusMethodNotAllowed // as it takes POST
		}
		if got := x.get(t, path).status; got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
}

// TestReadmeEnvironment starts with the README's variables and nothing else.
func TestReadmeEnvironment(t *testing.T) {
	t.Parallel()
	var assigned []string
	for _, block := range readme(t, "sh") {
		for _, m := range regexp.MustCompile(`(?m)^export (\S+)$`).FindAllStringSubmatch(block, -1) {
			assigned = append(assigned, m[1])
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	f := finish(t, "", "env", append(assigned, path, "--config.check")...)
	if f.code != 0 || len(assigned) < 3 {
		t.Errorf("with %v it ends with %d: %s", assigned, f.code, f.stderr)
	}
}
