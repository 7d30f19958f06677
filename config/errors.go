// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxPrintedErrors limits what Errors.Error prints: one mistake can cause
// hundreds of errors.
const maxPrintedErrors = 50

// Error is one invalid value of a configuration. It contains no secret.
type Error struct {
	File    string // path of the file, or "environment"
	Line    int    // 0: unknown
	Path    string // such as projects[1].limits.concurrency, or an environment variable; "": the whole file
	Message string // what is wrong, with the value unless it may be a secret, and what to do
}

// Error returns file, line, path and message on one line.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	return b.String() + ": " + e.Message
}

// Errors lists all invalid values of a configuration, ordered by line.
type Errors []Error

// Error returns one line for each error, and the count of those above
// maxPrintedErrors.
func (e Errors) Error() string {
	lines := make([]string, 0, maxPrintedErrors+1)
	for i, one := range e {
		if i == maxPrintedErrors {
			lines = append(lines, fmt.Sprintf("%s: and %d more errors", one.File, len(e)-i))
			break
		}
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// errorList collects the errors of one file, with the line of every key that is
// set in it.
type errorList struct {
	file     string
	lines    map[string]int // by path; keys that are not set have no entry
	errors   Errors
	hasError map[string]bool // by path
}

func newErrorList(file string) *errorList {
	return &errorList{file: file, lines: make(map[string]int), hasError: make(map[string]bool)}
}

// isSet reports whether the file contains the key at path.
func (l *errorList) isSet(path string) bool { return l.lines[path] > 0 }

// add appends an error with the line of path, or of its closest parent that is
// set. A path that has an error gets no second one, nor do its children: a value
// that could not be read must not be reported as missing, too.
func (l *errorList) add(path, format string, args ...any) {
	line := 0
	for parent := path; ; parent = parent[:max(0, strings.LastIndexAny(parent, ".["))] {
		if l.hasError[parent] {
			return
		}
		if line == 0 {
			line = l.lines[parent]
		}
		if parent == "" {
			break
		}
	}
	l.hasError[path] = true
	l.errors = append(l.errors, Error{File: l.file, Line: line, Path: path, Message: fmt.Sprintf(format, args...)})
}

// err returns the errors ordered by line, or nil if there are none.
func (l *errorList) err() error {
	if len(l.errors) == 0 {
		return nil
	}
	slices.SortFunc(l.errors, func(a, b Error) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path)) })
	return l.errors
}
