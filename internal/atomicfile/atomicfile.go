// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package atomicfile replaces a file in one step: readers see the old content
// or the new content, never a part of it, even after a crash.
//
// It exists because github.com/google/renameio is not available on Windows, for
// which the exporter is released, too.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// suffix ends the names of temporary files. node_exporter's textfile collector
// reads names that end in .prom, so a temporary file must not.
const suffix = ".tmp"

// leftoverAge is the age from which a temporary file counts as left over by a
// crash. A younger one may be in use by another process.
const leftoverAge = 10 * time.Minute

// File is a temporary file that takes the place of another file on Commit.
type File struct {
	*os.File
	path string
	done bool
}

// Create creates a temporary file in the folder of path. Its name is random and
// new, so no existing file or symbolic link is opened. The mode is subject to
// the umask. A path that exists and is neither a regular file nor a symbolic
// link is an error; a symbolic link is replaced, not followed.
func Create(path string, mode fs.FileMode) (*File, error) {
	switch info, err := os.Lstat(path); {
	case err == nil && info.Mode()&^fs.ModePerm&^fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is not a regular file", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for {
		name := filepath.Join(filepath.Dir(path), prefix(path)+strconv.FormatUint(rand.Uint64(), 36)+suffix)
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return nil, err
		}
		return &File{File: file, path: path}, nil
	}
}

// prefix returns how the names of the temporary files of path begin.
func prefix(path string) string { return "." + filepath.Base(path) + "." }

// Commit writes the file to the disk and puts it in place of the old one.
func (f *File) Commit() error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.done = true
	return nil
}

// Discard closes and removes the temporary file. It does nothing after a
// successful Commit.
func (f *File) Discard() {
	if !f.done {
		_ = f.Close()
		_ = os.Remove(f.Name())
		f.done = true
	}
}

// RemoveLeftovers removes the temporary files of path that a crash left.
func RemoveLeftovers(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // Create reports it
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, prefix(path)) || !strings.HasSuffix(name, suffix) || !entry.Type().IsRegular() {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > leftoverAge {
			_ = os.Remove(filepath.Join(filepath.Dir(path), name))
		}
	}
}
