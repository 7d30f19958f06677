// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package testutil has what tests of several packages need: files and buffers.
package testutil

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// WriteFile writes a file in a folder of its own, and returns its path.
func WriteFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	ReplaceFile(t, path, text)
	return path
}

// ReplaceFile writes a file and renames it to path.
func ReplaceFile(t testing.TB, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path))
}

// MountFile writes DIR/exporter.yml as Kubernetes mounts it: as a link into
// ..data, which is a link to a folder that is replaced, never changed. Each
// version has a folder of its own.
func MountFile(t testing.TB, dir, version, text string) {
	t.Helper()
	folder := filepath.Join(dir, "..2026_"+version)
	data := filepath.Join(dir, "..data")
	before, _ := os.Readlink(data)
	check(t,
		os.Mkdir(folder, 0o750),
		os.WriteFile(filepath.Join(folder, "exporter.yml"), []byte(text), 0o600),
		os.Symlink(filepath.Base(folder), data+"_tmp"), os.Rename(data+"_tmp", data),
	)
	if before == "" {
		check(t, os.Symlink("..data/exporter.yml", filepath.Join(dir, "exporter.yml")))
	} else {
		check(t, os.RemoveAll(filepath.Join(dir, before)))
	}
}

func check(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
