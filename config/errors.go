// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxPrintedErrors bounds what Errors prints: past it, one mistake repeats itself.
const maxPrintedErrors = 50

// Error is one thing that is wrong with a configuration, and what to do about
// it. It quotes no secret.
type Error struct {
	File    string // "environment" where there is no file
	Line    int    // 0: unknown
	Path    string // such as projects[1].limits.concurrency, or the name of a variable; "": the whole
	Message string
}

// Error gives file, line, path and text on one line.
func (f Error) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	return b.String() + ": " + f.Message
}

// Errors is all that is wrong with a configuration, in the order of its lines.
type Errors []Error

// Error gives one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, 0, maxPrintedErrors+1)
	for i, f := range e {
		if i == maxPrintedErrors {
			lines = append(lines, fmt.Sprintf("%s: and %d more faults", f.File, len(e)-i))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// errorList collects the faults of one source, and knows where each path was
// written.
type errorList struct {
	file     string
	lines    map[string]int // by path; what is not in it was not written
	errors   Errors
	hasError map[string]bool
}

func newErrorList(file string) *errorList {
	return &errorList{file: file, lines: make(map[string]int), hasError: make(map[string]bool)}
}

func (r *errorList) isSet(path string) bool { return r.lines[path] > 0 }

// add notes a fault at the line of path or, where that was not written, of
// what it would stand in. A path has one fault at most, and so has what stands
// in it: what could not be read must not be found missing as well.
func (r *errorList) add(path, format string, args ...any) {
	line := 0
	for at := path; ; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		if r.hasError[at] {
			return
		}
		if line == 0 {
			line = r.lines[at]
		}
		if at == "" {
			break
		}
	}
	r.hasError[path] = true
	r.errors = append(r.errors, Error{File: r.file, Line: line, Path: path, Message: fmt.Sprintf(format, args...)})
}

// err gives what was collected, or nil.
func (r *errorList) err() error {
	if len(r.errors) == 0 {
		return nil
	}
	slices.SortFunc(r.errors, func(a, b Error) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path)) })
	return r.errors
}
