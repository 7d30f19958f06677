// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// output is what is written to: a file that takes another's place at once when
// all of it is written, or standard output.
type output struct {
	*bufio.Writer
	file *os.File // nil: standard output, or done
	path string   // what the file becomes
}

// openOutput opens what --output names.
func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "-" || path == "" {
		return &output{Writer: bufio.NewWriter(stdout)}, nil
	}
	// A name of its own, for several may write the file at once.
	o, err := replace(path, strconv.FormatUint(rand.Uint64(), 36), 0o644)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return o, nil
}

// replace makes the file beside the one that it is to replace, so that what
// cannot be written is known before anything is read. What the end of its name
// tells apart is written over, if a crash left it. It keeps the mode of the
// file that is there, and has the given one where none is.
func replace(path, end string, mode fs.FileMode) (*output, error) {
	o := &output{path: path}
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case err == nil:
		mode = info.Mode().Perm()
		if o.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	// node_exporter's textfile collector takes files that end in .prom.
	temporary := filepath.Join(filepath.Dir(o.path), "."+filepath.Base(o.path)+"."+end)
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, err
	}
	o.file, o.Writer = file, bufio.NewWriter(file)
	return o, nil
}

// commit ends the writing and puts the file in its place.
func (o *output) commit() error {
	if err := o.Flush(); err != nil || o.file == nil {
		return err
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.file.Name(), o.path); err != nil {
		return err
	}
	o.file = nil
	return nil
}

// discard takes away what was not committed.
func (o *output) discard() {
	if o.file != nil {
		_ = o.file.Close()
		_ = os.Remove(o.file.Name())
	}
}
