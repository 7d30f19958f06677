// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

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
)

// TestRelease checks the files of a release, and their checksums by sha256sum.
func TestRelease(t *testing.T) {
	folder := released(t)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		// goreleaser's own files and the unpacked binaries are not published.
		if !e.IsDir() && !slices.Contains([]string{"artifacts.json", "config.yaml", "metadata.json"}, e.Name()) {
			names = append(names, e.Name())
		}
	}
	golden(t, "release.txt", strings.Join(names, "\n")+"\n")

	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = folder
	if got, want := strings.Count(must(t, check), ": OK\n"), len(names)-1; got != want {
		t.Errorf("%d checksums, want %d", got, want)
	}
}

// sizes matches what changes in listings with every commit.
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

// TestZip reads the archive for Windows: it has no files for systemd.
func TestZip(t *testing.T) {
	folder := program + "-" + testVersion + ".windows-amd64"
	archive, err := zip.OpenReader(filepath.Join(released(t), folder+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var names []string
	for _, f := range archive.File {
		names = append(names, strings.TrimPrefix(f.Name, folder+"/"))
		if !f.Modified.Equal(testDate) {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
		if strings.Contains(f.Name, "systemd") {
			t.Errorf("%s is in it", f.Name)
		}
	}
	for _, want := range []string{program + ".exe", "LICENSE", "README.md", "CHANGELOG.md", "THIRD_PARTY_LICENSES", "sbom.cdx.json", "dashboards/fleet.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in it: %q", want, names)
		}
	}
}

// TestReleaseIsReproducible makes a release a second time, in another folder and at another
// time, and compares each file with the first.
func TestReleaseIsReproducible(t *testing.T) {
	first := released(t)
	second, err := makeRelease("linux_amd64")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for line := range strings.Lines(readFile(t, filepath.Join(second, "SHA256SUMS"))) {
		name := strings.Fields(line)[1]
		compared++
		if !bytes.Equal([]byte(readFile(t, filepath.Join(first, name))), []byte(readFile(t, filepath.Join(second, name)))) {
			t.Errorf("%s differs", name)
		}
	}
	if compared != 4 {
		t.Errorf("%d files compared, want 4: archive, deb, rpm, SBOM", compared)
	}
}

// TestConfig checks .goreleaser.yaml with all its targets, of which the other
// tests build three.
func TestConfig(t *testing.T) {
	cmd := exec.Command(tool(t, "goreleaser"), "check")
	cmd.Dir = ".."
	must(t, cmd)
	text := readFile(t, "../.goreleaser.yaml")
	known := must(t, exec.Command("go", "tool", "dist", "list"))
	targets := regexp.MustCompile(`(?m)^      - (\w+)$`).FindAllStringSubmatch(text, -1)
	if len(targets) != 11 {
		t.Errorf("%d targets, want 11", len(targets))
	}
	for _, target := range targets {
		parts := strings.Split(target[1], "_")
		if !strings.Contains(known, parts[0]+"/"+parts[1]+"\n") {
			t.Errorf("Go has no platform %s", target[1])
		}
	}
	// One set of flags: the image's binary and the archive's are the same.
	build := readFile(t, "build")
	for _, flag := range []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-s -w -buildid=", "version", "BuildUser=release"} {
		if !strings.Contains(text, flag) || !strings.Contains(build, flag) {
			t.Errorf("%s: .goreleaser.yaml and release/build differ", flag)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestManual checks the manual page with mandoc's linter, and the summary that
// whatis and apropos search.
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
		"--config.file=", "--healthcheck", "dump [<flags>]", "A dump that was interrupted by a signal", "SIGHUP", "/etc/credstore/", program + " " + testVersion, "2026-02-03",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the manual lacks %q:\n%s", want, text)
		}
	}
}

// TestCompletions completes words in bash, and lets zsh parse its completions.
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
