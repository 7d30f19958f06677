// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binary builds the exporter once and returns the path of its binary.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "huaweicloud_workspace_exporter")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "huaweicloud_workspace_exporter")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return path, fmt.Errorf("build the exporter: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	path, err := binary()
	code := 1
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(filepath.Dir(path))
	os.Exit(code)
}
