// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

const maxSecretFile = 64 << 10 // bytes

// writeGrace is how long files that belong together must not have changed: they
// are rarely replaced at one moment, and a new access key with the old secret
// key would be refused.
const writeGrace = 2 * time.Second

// files are the paths of the files that a key is read from; "" is no file.
type files []string

// stat returns a text that differs whenever the files differ in size, time, mode
// or error.
func (f files) stat() string {
	var b strings.Builder
	for _, path := range f {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s;", err)
			continue
		}
		fmt.Fprintf(&b, "%d %d %s;", info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return b.String()
}

// beingWritten reports whether one of several files changed within writeGrace.
func (f files) beingWritten(now time.Time) bool {
	n, recent := 0, false
	for _, path := range f {
		if path == "" {
			continue
		}
		n++
		if info, err := os.Stat(path); err == nil {
			age := now.Sub(info.ModTime())
			recent = recent || age >= 0 && age < writeGrace
		}
	}
	return n > 1 && recent
}

// readSecret returns the content of a file with one secret, without surrounding
// space. An empty file is an error: it is being written, or incomplete.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("%s is too large", path)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return "", fmt.Errorf("%s is empty", path)
	}
	return string(text), nil
}

func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission to read %s", path)
	default:
		return fmt.Errorf("%s cannot be read", path)
	}
}
