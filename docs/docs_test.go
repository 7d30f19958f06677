// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/repository"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

const program = "huaweicloud_workspace_exporter"

// TestDocumentedConfigurations checks every block of YAML in the documents with
// the program that reads it. The first line of a block is a comment that begins
// with the name of the file.
func TestDocumentedConfigurations(t *testing.T) {
	var prometheus []string
	checked := map[string]int{}
	for _, d := range documents(t) {
		for _, block := range d.blocks {
			if block.language != "yaml" {
				continue
			}
			file := regexp.MustCompile(`\A# ([\w./-]+\.ya?ml)\b`).FindStringSubmatch(block.text)
			if file == nil {
				t.Errorf("%s: a block of YAML does not begin with the name of its file:\n%s", d.path, block.text)
				continue
			}
			checked[file[1]]++
			if file[1] == "prometheus.yml" {
				path := filepath.Join(t.TempDir(), strings.ReplaceAll(d.path, "/", "-")+".yml")
				write(t, path, block.text)
				prometheus = append(prometheus, path)
			} else if err := checkYAML(t, file[1], block.text); err != nil {
				t.Errorf("%s: %v\n%s", d.path, err, block.text)
			}
		}
	}
	for _, file := range []string{"exporter.yml", "prometheus.yml", "web.yml"} {
		if checked[file] < 2 {
			t.Errorf("only %d blocks of %s found", checked[file], file)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("promtool is not installed; the Prometheus configurations are not checked")
	}
	out, err := exec.CommandContext(t.Context(), promtool, append([]string{"check", "config", "--syntax-only"}, prometheus...)...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// checkYAML checks a file with the program that reads it. Files of other programs
// must be YAML.
func checkYAML(t *testing.T, file, text string) error {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, file)
	switch file {
	case "exporter.yml":
		write(t, path, strings.ReplaceAll(text, "/var/lib/huaweicloud_workspace_exporter", folder))
		for _, secret := range []string{"access_key", "secret_key", "id_token", "webhook_token"} {
			write(t, filepath.Join(folder, secret), "EXAMPLE\n")
		}
		write(t, filepath.Join(folder, "webhook_url"), "https://hooks.example.com/workspace\n")
		_, err := config.Load(path, config.Options{KnownRegion: workspace.KnownRegion, Families: collector.FamilyNames()})
		return err
	case "web.yml":
		writeCertificate(t, folder)
		write(t, path, text)
		return toolkit.Validate(path)
	}
	return yaml.Unmarshal([]byte(text), new(any))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate writes ca.pem, server.pem and server.key, taken from
// net/http/httptest.
func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	write(t, filepath.Join(folder, "ca.pem"), text)
	write(t, filepath.Join(folder, "server.pem"), text)
	write(t, filepath.Join(folder, "server.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// TestDocumentedFlags checks that the flags in the documents exist: that they
// are in docs/cli.md, which is generated from the definition of the flags.
func TestDocumentedFlags(t *testing.T) {
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(?:-\\w, )?(--[a-z.-]+)=?` \\|").FindAllStringSubmatch(readDocument(t, "docs/cli.md").text, -1) {
		known[m[1]] = true
	}
	named := map[string]int{}
	for _, d := range documents(t) {
		for _, flag := range regexp.MustCompile(`--(?:no-)?(?:config|web|log)\.[a-z.-]*[a-z]`).FindAllString(d.text, -1) {
			named[flag]++
			if !known[strings.Replace(flag, "--no-", "--", 1)] {
				t.Errorf("%s has the flag %s, which does not exist", d.path, flag)
			}
		}
	}
	if len(named) < 10 {
		t.Errorf("only %d flags found", len(named))
	}
}

// TestDocumentedMetrics checks that the metrics and recording rules in the
// documents exist.
func TestDocumentedMetrics(t *testing.T) {
	known := map[string]bool{ // names with the prefix of a metric that are not metrics
		program: true, "huaweicloud_workspace": true, "huaweicloud_workspace_projects": true, "huaweicloud_workspace_desktops": true,
	}
	for _, m := range collector.Table() {
		known[m.Name] = true
		if m.Type == collector.Histogram {
			known[m.Name+"_bucket"], known[m.Name+"_sum"], known[m.Name+"_count"] = true, true, true
		}
	}
	for _, l := range export.TargetLabels() {
		known[l.Name] = true
	}
	known["__meta_huaweicloud_workspace_tag_os"] = true // an example
	for _, file := range []string{"rules.yml", "alerts.yml"} {
		rules, err := os.ReadFile(filepath.Join("deploy/prometheus", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(string(rules), -1) {
			known[m[1]] = true
		}
	}
	for _, d := range documents(t) {
		for _, word := range regexp.MustCompile(`[\w:]*huaweicloud_workspace[\w:]*`).FindAllString(d.text, -1) {
			word = strings.TrimSuffix(word, ":") // the colon ends a phrase
			if !known[word] && !strings.HasSuffix(word, "_") {
				t.Errorf("%s has %s, which does not exist", d.path, word)
			}
		}
	}
}

// TestArchitectureSteps checks that the functions and types in the walks of
// docs/architecture.md exist.
func TestArchitectureSteps(t *testing.T) {
	d := readDocument(t, "docs/architecture.md")
	steps := regexp.MustCompile("(?m)^\\| \\d+ \\| `([\\w./]+\\.go)`: `(\\w+)` \\|").FindAllStringSubmatch(d.text, -1)
	if len(steps) < 20 {
		t.Fatalf("only %d steps found", len(steps))
	}
	for _, step := range steps {
		source, err := os.ReadFile(step[1])
		if err != nil {
			t.Error(err)
			continue
		}
		declared := regexp.MustCompile(`(?m)^(func (\([^)]+\) )?|type )` + step[2] + `\b`)
		if !declared.Match(source) {
			t.Errorf("%s declares no %s", step[1], step[2])
		}
	}
}

// TestChangelog checks the format of keepachangelog.com.
func TestChangelog(t *testing.T) {
	d := readDocument(t, "CHANGELOG.md")
	version := regexp.MustCompile(`^\[(Unreleased|(\d+)\.(\d+)\.(\d+))\]( - \d{4}-\d{2}-\d{2})?$`)
	var versions []string
	for i, h := range d.headings {
		switch {
		case i == 0:
			if h.level != 1 || h.text != "Changelog" {
				t.Errorf("it begins with %q", h.text)
			}
		case h.level == 2:
			m := version.FindStringSubmatch(h.text)
			if m == nil || (m[1] == "Unreleased") != (m[5] == "") {
				t.Errorf("%q is not a version with a date", h.text)
				continue
			}
			versions = append(versions, m[1])
			if !strings.Contains(d.text, "\n["+m[1]+"]: https://github.com/huaweicloud-exporters/"+program+"/") {
				t.Errorf("%s has no link", m[1])
			}
		case h.level != 3 || !slices.Contains([]string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}, h.text):
			t.Errorf("%q is not a kind of change", h.text)
		}
	}
	if len(versions) == 0 || versions[0] != "Unreleased" {
		t.Errorf("the versions are %q, want Unreleased first", versions)
	}
	for i := 2; i < len(versions); i++ {
		if repository.CompareVersions(versions[i-1], versions[i]) <= 0 {
			t.Errorf("%s stands above %s", versions[i-1], versions[i])
		}
	}
}
