// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRelease holds which files a release has, and that their checksums are
// what the usual tool takes for right.
func TestRelease(t *testing.T) {
	folder := released(t)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&names, e.Name())
	}
	golden(t, "release.txt", names.String())

	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = folder
	if got, want := strings.Count(must(t, check), ": OK\n"), len(entries)-1; got != want {
		t.Errorf("%d checksums, want %d", got, want)
	}
}

// sizes are what changes in listings with every commit.
var sizes = regexp.MustCompile(` +\d+ 2026`)

func TestArchive(t *testing.T) {
	path := filepath.Join(released(t), program+"-"+testVersion+".linux-amd64.tar.gz")
	list := exec.Command("tar", "--utc", "-tvzf", path)
	golden(t, "archive.txt", sizes.ReplaceAllString(must(t, list), " SIZE 2026"))

	folder := unpacked(t, "linux-amd64")
	for name, from := range map[string]string{
		"LICENSE":                "LICENSE",
		"prometheus/alerts.yml":  "deploy/prometheus/alerts.yml",
		"dashboards/fleet.json":  "dashboards/fleet.json",
		program + ".example.yml": "docs/" + program + ".example.yml",
	} {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", from))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not %s", name, from)
		}
	}
	licences, err := os.ReadFile(filepath.Join(folder, "THIRD_PARTY_LICENSES"))
	if err != nil {
		t.Fatal(err)
	}
	for _, heading := range []string{
		"==== Go go", "==== github.com/huaweicloud/huaweicloud-sdk-go-v3 ", "==== github.com/prometheus/client_golang ",
		"==== go.yaml.in/yaml/v3 v3.0.6: NOTICE ====",
	} {
		if !strings.Contains(string(licences), heading) {
			t.Errorf("the licences lack %q", heading)
		}
	}
	if strings.Contains(strings.ToLower(string(licences)), "affero") {
		t.Error("something is under the AGPL")
	}
}

// fake is a build of nothing, for what does not matter which.
func fake(p platform) (*release, build, []file) {
	r := &release{sources: "..", identity: identity{version: testVersion, date: testDate}}
	b := build{
		platform: p,
		binary:   file{name: p.binary(), mode: 0o755, data: []byte("program")},
		licences: file{name: "THIRD_PARTY_LICENSES", mode: 0o644, data: []byte("licences")},
		sbom:     file{name: "sbom.cdx.json", mode: 0o644, data: []byte("{}")},
	}
	shared, err := r.common()
	if err != nil {
		panic(err)
	}
	for _, name := range []string{manualName, bashName, zshName} {
		shared = append(shared, file{name: name, mode: 0o644, data: []byte(name)})
	}
	return r, b, shared
}

// TestZip unpacks what is for Windows: no systemd there.
func TestZip(t *testing.T) {
	r, b, shared := fake(platform{os: "windows", arch: "amd64"})
	data, name, err := r.archive("folder", b, shared)
	if err != nil || name != "folder.zip" {
		t.Fatalf("%s, %v", name, err)
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, strings.TrimPrefix(f.Name, "folder/"))
		if !f.Modified.Equal(testDate) {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
		if strings.Contains(f.Name, "systemd") {
			t.Errorf("%s is in it", f.Name)
		}
	}
	for _, want := range []string{program + ".exe", "LICENSE", "README.md", "CHANGELOG.md", "dashboards/fleet.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in it: %q", want, names)
		}
	}
}

// TestSameBytes packs the same build twice, in other folders and at other
// times.
func TestSameBytes(t *testing.T) {
	r, b, shared := fake(platform{os: "linux", arch: "amd64"})
	pack := func() map[string][]byte {
		packed := map[string][]byte{}
		if err := r.pack(b, shared, func(name string, data []byte) error {
			packed[name] = data
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return packed
	}
	first := pack()
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // files have whole seconds
	second := pack()
	if len(first) != 4 {
		t.Errorf("%d files, want 4", len(first))
	}
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s is not the same again", name)
		}
	}
}

// TestManual holds the manual against a stricter reader than most, and what
// whatis and apropos look for.
func TestManual(t *testing.T) {
	folder := unpacked(t, "linux-amd64")
	page := filepath.Join(folder, manualName)
	if said := must(t, exec.Command(tool(t, "mandoc"), "-T", "lint", "-W", "warning", page)); said != "" {
		t.Error(said)
	}
	text := must(t, exec.Command(tool(t, "mandoc"), "-T", "ascii", "-O", "width=100", page))
	text = regexp.MustCompile(".\b").ReplaceAllString(text, "")
	for _, want := range []string{
		program + " - Prometheus exporter for Huawei Cloud Workspace",
		"--config.file=", "--healthcheck", "dump [<flags>]", "A dump that a signal ended", "SIGHUP", "/etc/credstore/", program + " " + testVersion, "2026-02-03",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the manual lacks %q:\n%s", want, text)
		}
	}
}

// TestCompletions presses the tab key in bash, and lets zsh read its own.
func TestCompletions(t *testing.T) {
	folder := unpacked(t, "linux-amd64")
	press := func(words ...string) string {
		script := fmt.Sprintf("PATH=%s:$PATH; . %s; COMP_WORDS=(%s %s); COMP_CWORD=%d; _%s_bash_autocomplete; echo ${COMPREPLY[*]}",
			folder, filepath.Join(folder, bashName), program, strings.Join(words, " "), len(words), program)
		return strings.TrimSpace(must(t, exec.Command("bash", "-c", script)))
	}
	if got, want := press("--web.max"), "--web.max-requests"; got != want {
		t.Errorf("--web.max becomes %q, want %q", got, want)
	}
	if got, want := press("du"), "dump"; got != want {
		t.Errorf("du becomes %q, want %q", got, want)
	}
	zsh := filepath.Join(folder, zshName)
	must(t, exec.Command(tool(t, "zsh"), "-n", zsh))
	text, err := os.ReadFile(zsh)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "#compdef "+program+"\n") {
		t.Errorf("zsh does not find what begins with %.40q", text)
	}
}
