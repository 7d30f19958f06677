// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package statefile

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestNonRegularFiles asserts that Read does not block on a pipe and that
// neither a folder nor a pipe is replaced.
func TestNonRegularFiles(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{folder, pipe} {
		if _, err := Read(path); !errors.Is(err, ErrNotStateFile) {
			t.Errorf("%s: %v", path, err)
		}
		if err := Write(path, &State{}); err == nil {
			t.Errorf("%s was replaced", path)
		}
	}
}
