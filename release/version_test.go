// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestVersion checks the script's output for commits of a test repository.
func TestVersion(t *testing.T) {
	git := tool(t, "git")
	folder := t.TempDir()
	script := filepath.Join(folder, "release", "version")
	if err := os.MkdirAll(filepath.Dir(script), 0o750); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("version")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, text, 0o700); err != nil {
		t.Fatal(err)
	}
	clean := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GIT_CEILING_DIRECTORIES=" + filepath.Dir(folder),
		"GIT_CONFIG_NOSYSTEM=1", "TZ=Asia/Shanghai",
	}
	says := func(env ...string) string {
		t.Helper()
		cmd := exec.Command(script)
		cmd.Env = slices.Concat(clean, env)
		return regexp.MustCompile(`\b[0-9a-f]{40}\b`).ReplaceAllString(
			regexp.MustCompile(`\.g[0-9a-f]{7}\b`).ReplaceAllString(must(t, cmd), ".gHASH"), "HASH")
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(git, append([]string{"-C", folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Env = append(clean, "GIT_AUTHOR_DATE=2026-02-03T12:05:06+08:00", "GIT_COMMITTER_DATE=2026-02-03T12:05:06+08:00")
		must(t, cmd)
	}
	commit := func() { run("commit", "-q", "--allow-empty", "-m", "one more") }
	const date = "BUILD_DATE=2026-02-03T04:05:06Z"

	for _, step := range []struct {
		name string
		do   func()
		env  []string
		want string
	}{
		{"without git", func() {}, nil, "VERSION=0.0.0 REVISION=unknown BRANCH=unknown BUILD_DATE=1970-01-01T00:00:00Z"},
		{"without git but told", func() {}, testEnv(), strings.ReplaceAll(strings.Join(testEnv(), " "), testRevision, "HASH")},
		{"before the first tag", func() {
			run("init", "-q", "-b", "main")
			run("add", ".")
			commit()
			commit()
		}, nil, "VERSION=0.0.0+2.gHASH REVISION=HASH BRANCH=main " + date},
		{"tagged", func() { run("tag", "v1.2.3-rc.1") }, nil, "VERSION=1.2.3-rc.1 REVISION=HASH BRANCH=main " + date},
		{"after a tag", func() {
			run("tag", "v1.2.3")
			run("tag", "nothing-of-ours")
			commit()
		}, nil, "VERSION=1.2.3+1.gHASH REVISION=HASH BRANCH=main " + date},
		{"changed", func() {
			if err := os.WriteFile(script, append(text, '\n'), 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, "VERSION=1.2.3+1.gHASH REVISION=HASH-dirty BRANCH=main " + date},
		{"partly told", func() {}, []string{"VERSION=9.9.9"}, "VERSION=9.9.9 REVISION=HASH-dirty BRANCH=main " + date},
	} {
		step.do()
		if got := strings.Join(strings.Fields(says(step.env...)), " "); got != step.want {
			t.Errorf("%s:\n got %s\nwant %s", step.name, got, step.want)
		}
	}
}

// TestReleaseNotes extracts notes from the changelog as the release does.
func TestReleaseNotes(t *testing.T) {
	notes, err := exec.CommandContext(t.Context(), "../.ci/release-notes", "Unreleased").Output()
	if err != nil || !strings.Contains(string(notes), "Added") || strings.Contains(string(notes), "]: https://") {
		t.Errorf("%v: the notes are\n%s", err, notes)
	}
	if notes, err := exec.CommandContext(t.Context(), "../.ci/release-notes", "999.0.0").Output(); err == nil || len(notes) > 0 {
		t.Errorf("a version that the changelog lacks has notes:\n%s", notes)
	}
}
