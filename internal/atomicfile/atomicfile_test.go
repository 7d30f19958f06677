// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func create(t *testing.T, path, content string) *File {
	t.Helper()
	f, err := Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// wantContent fails unless path is a regular file with that content, and no
// other file is in its folder.
func wantContent(t *testing.T, path, content string) {
	t.Helper()
	if data, err := os.ReadFile(path); err != nil || string(data) != content {
		t.Errorf("the file contains %q (%v), want %q", data, err, content)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", info, err)
	}
}

func TestCommitReplacesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.prom")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, other := create(t, path, "new"), create(t, path, "other")
	if strings.HasSuffix(f.Name(), ".prom") || f.Name() == other.Name() {
		t.Errorf("the temporary files are %s and %s", f.Name(), other.Name())
	}
	wantContent(t, path, "old")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	wantContent(t, path, "new")
	other.Discard()
	wantContent(t, path, "new")
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the folder contains %v (%v)", entries, err)
	}
}

func TestCreateDoesNotFollowSymbolicLinks(t *testing.T) {
	folder := t.TempDir()
	path, target := filepath.Join(folder, "state"), filepath.Join(folder, "target")
	if err := os.WriteFile(target, []byte("target"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
	if err := create(t, path, "new").Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "new")
	wantContent(t, target, "target")
}

func TestCreateRefusesFolders(t *testing.T) {
	folder := t.TempDir()
	if _, err := Create(folder, 0o600); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Create(filepath.Join(folder, "missing", "state"), 0o600); err == nil {
		t.Error("no error for a missing folder")
	}
}

func TestRemoveLeftovers(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	old := time.Now().Add(-2 * leftoverAge)
	for name, modified := range map[string]time.Time{
		".state.abc.tmp": old, ".state.new.tmp": time.Now(), ".state2.abc.tmp": old, "state": old, ".state.abc.prom": old,
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	RemoveLeftovers(path)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".state.abc.prom .state.new.tmp .state2.abc.tmp state" {
		t.Errorf("left over: %s", got)
	}
	RemoveLeftovers(filepath.Join(folder, "missing", "state"))
}
