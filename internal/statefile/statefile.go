// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package statefile answers how state is written to disk, so that it outlives a
// restart.
//
// A state file is a header line with a version, a gzip stream of JSON records,
// one a line, and the SHA-256 of all that. docs/state-file.md describes every
// field. The records are types of this package and not those of the packages
// whose state they contain, so renaming a Go field never changes the format.
//
// The checksum detects damage; it does not authenticate the file. Read therefore
// limits the size of the file, of a record, and of what all records cost in
// memory.
package statefile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/atomicfile"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// header is how every state file begins, whatever its version.
const header = "huaweicloud_workspace_exporter state "

// version is the version of the format. Version 1 was encoding/gob of Go types
// and is not read any more.
const version = "2"

const (
	// maxFileSize is the largest file that is read or written, in bytes. The
	// state of 100,000 desktops takes 15 MB.
	maxFileSize = 64 << 20
	// maxRecordSize is the largest JSON record, in bytes.
	maxRecordSize = 1 << 20
	// maxRecordObjects is the largest number of JSON objects in one record.
	maxRecordObjects = 10_000
	// costPerByte is what all records may cost in memory for each byte of the
	// file, beside minBudget. The state of 100,000 desktops costs 26. Write pads a
	// file that compresses better.
	costPerByte = 32
	minBudget   = 1 << 20
)

// Errors of Read.
var (
	// ErrNotStateFile is returned for a file that no version of this exporter
	// wrote. The file must not be replaced.
	ErrNotStateFile = errors.New("not a state file of this exporter")
	// ErrDamaged is returned for a state file whose content is truncated,
	// changed or inconsistent.
	ErrDamaged = errors.New("state file is damaged")
	// ErrTooLarge is returned for a state file beyond the size limits.
	ErrTooLarge = errors.New("state file is too large")
)

// State is everything that outlives a restart.
type State struct {
	SavedAt  time.Time
	Changes  changes.State
	Webhook  webhook.State
	Projects map[string]refresh.State // by refresh.Target.StateKey
}

// Write writes a state file, which only the owner can read, in place of the one
// at path.
func Write(path string, s *State) error {
	atomicfile.RemoveLeftovers(path)
	file, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := encode(file, s); err != nil {
		return err
	}
	return file.Commit()
}

// Read reads a state file. Its errors are those of this package, of another
// version, or of the operating system. A file that is too large is not read
// beyond its header.
func Read(path string) (State, error) {
	// Opening a named pipe would block.
	if info, err := os.Stat(path); err != nil {
		return State{}, err
	} else if !info.Mode().IsRegular() {
		return State{}, ErrNotStateFile
	}
	file, err := os.Open(path)
	if err != nil {
		return State{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return State{}, err
	}
	return read(file, info.Size())
}

// read reads a state file of a size.
func read(file io.ReaderAt, size int64) (State, error) {
	headerSize, err := checkHeader(file, size)
	if err != nil {
		return State{}, err
	}
	switch {
	case size > maxFileSize:
		return State{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, maxFileSize)
	case size < headerSize+sha256.Size:
		return State{}, fmt.Errorf("%w: it is truncated", ErrDamaged)
	}
	end := size - sha256.Size
	if err := checkSum(file, end); err != nil {
		return State{}, err
	}
	return decode(io.NewSectionReader(file, headerSize, end-headerSize), size)
}

// checkHeader checks the first line and returns its length.
func checkHeader(file io.ReaderAt, size int64) (int64, error) {
	const maxVersion = 10 // digits
	line := make([]byte, len(header)+maxVersion+1)
	n, err := file.ReadAt(line, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	line = line[:n]
	got, _, found := bytes.Cut(line, []byte("\n"))
	number, ours := bytes.CutPrefix(got, []byte(header))
	switch {
	case !ours && size > 0:
		return 0, ErrNotStateFile
	case !found:
		return 0, fmt.Errorf("%w: its header is truncated", ErrDamaged)
	case string(number) != version:
		return 0, fmt.Errorf("state file has version %q, this exporter reads version %s", number, version)
	}
	return int64(len(got) + 1), nil
}

// checkSum compares the checksum of everything before end with the one at end.
func checkSum(file io.ReaderAt, end int64) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, end)); err != nil {
		return err
	}
	want := make([]byte, sha256.Size)
	if _, err := file.ReadAt(want, end); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("%w: its checksum does not match", ErrDamaged)
	}
	return nil
}

// checkRecord reports whether a record is within its limits.
func checkRecord(record []byte) error {
	if n := len(record); n > maxRecordSize {
		return fmt.Errorf("%w: a record of %d bytes or more, the limit is %d", ErrTooLarge, n, maxRecordSize)
	}
	if n := bytes.Count(record, []byte("{")); n > maxRecordObjects {
		return fmt.Errorf("%w: a record of %d objects, the limit is %d", ErrTooLarge, n, maxRecordObjects)
	}
	return nil
}

// recordCost returns an upper bound of the memory that a record takes once
// decoded: its texts, twice while it is decoded, and its objects and list items.
// The largest object, an interface, takes less than 192 bytes, a desktop less
// than the three objects of its record.
func recordCost(record []byte) int64 {
	return int64(2*len(record) + 192*bytes.Count(record, []byte("{")) + 16*bytes.Count(record, []byte(",")))
}
