// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/atomicfile"
)

// output is what dump writes to: a file that takes the place of another one when
// all is written, or standard output.
type output struct {
	*bufio.Writer
	file *atomicfile.File // nil: standard output
}

// openOutput opens the value of --output before anything is read, so that a path
// that cannot be written costs no API quota. A file keeps its mode, and a
// symbolic link stays one.
func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "-" || path == "" {
		return &output{Writer: bufio.NewWriter(stdout)}, nil
	}
	var mode fs.FileMode = 0o644
	info, err := os.Stat(path)
	switch {
	case err == nil:
		mode = info.Mode().Perm()
		path, err = filepath.EvalSymlinks(path)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	var file *atomicfile.File
	if err == nil {
		file, err = atomicfile.Create(path, mode)
	}
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return &output{Writer: bufio.NewWriter(file), file: file}, nil
}

// commit ends the writing and puts the file in its place.
func (o *output) commit() error {
	if err := o.Flush(); err != nil || o.file == nil {
		return err
	}
	return o.file.Commit()
}

// discard removes what was not committed.
func (o *output) discard() {
	if o.file != nil {
		o.file.Discard()
	}
}
