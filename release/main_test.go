// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "update the golden files")

const (
	program     = "huaweicloud_workspace_exporter"
	packageName = "huaweicloud-workspace-exporter"
	homepage    = "https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter"
	manualName  = program + ".1"
	bashName    = "completions/" + program + ".bash"
	zshName     = "completions/_" + program
)

// The identity of the release under test, for every commit.
const (
	testVersion  = "1.2.3-rc.1"
	testRevision = "0123456789abcdef0123456789abcdef01234567"
)

var testDate = time.Date(2026, time.February, 3, 4, 5, 6, 0, time.UTC)

func testEnv() []string {
	return []string{"VERSION=" + testVersion, "REVISION=" + testRevision, "BRANCH=main", "BUILD_DATE=" + testDate.Format(time.RFC3339)}
}

// made is the release under test: made once, of the sources as they are.
var made = sync.OnceValues(func() (string, error) {
	for _, pair := range testEnv() {
		name, value, _ := strings.Cut(pair, "=")
		if err := os.Setenv(name, value); err != nil {
			return "", err
		}
	}
	return makeRelease("linux_amd64", "linux_arm64", "windows_amd64")
})

// scratch is where tests make releases; git ignores it.
const scratch = "../bin/test"

// makeRelease makes a release for some targets of .goreleaser.yaml and returns
// its folder.
func makeRelease(targets ...string) (string, error) {
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		return "", err
	}
	all := regexp.MustCompile(`(?m)^    targets:\n(      - \w+\n)+`)
	if !all.Match(text) {
		return "", errors.New(".goreleaser.yaml has no list of targets")
	}
	text = all.ReplaceAll(text, []byte("    targets: ["+strings.Join(targets, ", ")+"]\n"))
	// goreleaser packs only files below its working directory. A release that
	// the user made in bin stays as it is.
	if err := os.MkdirAll(scratch, 0o750); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(scratch, "made")
	if err != nil {
		return "", err
	}
	text = regexp.MustCompile(`\bbin/(release|generated)`).ReplaceAll(text, []byte(strings.TrimPrefix(folder, "../")+"/$1"))
	config := filepath.Join(folder, "goreleaser.yaml")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("goreleaser", "release", "--snapshot", "--config", strings.TrimPrefix(config, "../"))
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return filepath.Join(folder, "release"), nil
}

// TestMain removes all that the tests write.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "release-test")
	if err == nil {
		err = os.Setenv("TMPDIR", folder)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(folder)
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// released returns the folder of the release under test.
func released(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the exporter for three platforms")
	}
	tool(t, "goreleaser")
	tool(t, "cyclonedx-gomod")
	folder, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// unpacked returns the folder with the unpacked archive for a platform.
func unpacked(t *testing.T, platform string) string {
	t.Helper()
	stem := program + "-" + testVersion + "." + platform
	folder := t.TempDir()
	must(t, exec.Command("tar", "-xzf", filepath.Join(released(t), stem+".tar.gz"), "-C", folder))
	return filepath.Join(folder, stem)
}

// must runs a command that must succeed and returns its output.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// tool returns the path of a program, and skips the test if it is missing. CI must
// have all of them.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// root skips a test that needs root.
func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("CI must run this as root")
	}
	t.Skip("needs root")
}

// golden compares a text with the golden file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); -update rewrites it\n%s", path, diff)
	}
}
