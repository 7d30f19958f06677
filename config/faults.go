// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxLines bounds what Errors prints: past it, one mistake repeats itself.
const maxLines = 50

// Fault is one thing that is wrong with a configuration, and what to do about
// it. It quotes no secret.
type Fault struct {
	File string // "environment" where there is no file
	Line int    // 0: unknown
	Path string // such as projects[1].limits.concurrency, or the name of a variable; "": the whole
	Text string
}

// Error gives file, line, path and text on one line.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	return b.String() + ": " + f.Text
}

// Errors is all that is wrong with a configuration, in the order of its lines.
type Errors []Fault

// Error gives one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, 0, maxLines+1)
	for i, f := range e {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("%s: and %d more faults", f.File, len(e)-i))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// report collects the faults of one source, and knows where each path was
// written.
type report struct {
	file   string
	lines  map[string]int // by path; what is not in it was not written
	faults Errors
	faulty map[string]bool
}

func newReport(file string) *report {
	return &report{file: file, lines: make(map[string]int), faulty: make(map[string]bool)}
}

func (r *report) written(path string) bool { return r.lines[path] > 0 }

// add notes a fault at the line of path or, where that was not written, of
// what it would stand in. A path has one fault at most, and so has what stands
// in it: what could not be read must not be found missing as well.
func (r *report) add(path, format string, args ...any) {
	line := 0
	for at := path; ; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		if r.faulty[at] {
			return
		}
		if line == 0 {
			line = r.lines[at]
		}
		if at == "" {
			break
		}
	}
	r.faulty[path] = true
	r.faults = append(r.faults, Fault{File: r.file, Line: line, Path: path, Text: fmt.Sprintf(format, args...)})
}

// err gives what was collected, or nil.
func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortFunc(r.faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path)) })
	return r.faults
}
