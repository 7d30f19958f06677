// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// TestLargeFilesAreNotRead uses sparse files, which would take seconds to read.
func TestLargeFilesAreNotRead(t *testing.T) {
	for begin, want := range map[string]error{header + version + "\n": ErrTooLarge, "something else\n": ErrNotStateFile, "": ErrNotStateFile} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte(begin), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 3<<30); err != nil {
			t.Skip(err)
		}
		var err error
		if used := allocated(func() { _, err = Read(path) }); used > 1<<16 {
			t.Errorf("%d bytes allocated", used)
		}
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", begin, err, want)
		}
	}
}

// allocated returns how many bytes work allocates, in total.
func allocated(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestCraftedFiles asserts that what a file with a valid checksum allocates is
// bounded by its size.
func TestCraftedFiles(t *testing.T) {
	const n = 100_000
	state := `{"state":{"saved_at":"2026-01-31T08:00:00Z"}}` + "\n"
	project, scope := state+`{"project":{"key":"k"}}`+"\n", state+`{"scope":{}}`+"\n"
	desktops := func(kind, more string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"%s":{"id":"%08d"%s}}`+"\n", kind, i, more)
		}
		return b.String()
	}
	for name, records := range map[string]string{
		"zeros":                  strings.Repeat("\x00", 1<<25),
		"spaces":                 state + strings.Repeat(" ", 1<<25),
		"one text":               project + `{"desktop":{"id":"` + strings.Repeat("a", 1<<25) + `"}}` + "\n",
		"empty records":          state + strings.Repeat("{}\n", 100*n),
		"records of spaces":      state + strings.Repeat("{"+strings.Repeat(" ", 1<<16)+"}\n", 500),
		"desktops":               project + desktops("desktop", ""),
		"desktops with networks": project + desktops("desktop", `,"networks":{"interfaces":[{},{},{},{},{},{},{},{}]}`),
		"scope_desktops":         scope + desktops("scope_desktop", ""),
		"interfaces":             project + `{"desktop":{"id":"a","networks":{"interfaces":[` + strings.Repeat("{},", n) + `{}]}}}` + "\n",
		"users":                  project + `{"desktop":{"id":"a","users":[` + strings.Repeat(`"",`, n) + `""]}}` + "\n",
		"tags":                   project + `{"desktop":{"id":"a","tags":[` + strings.Repeat(`{},`, n) + `{}]}}` + "\n",
		"scopes":                 state + strings.Repeat(`{"scope":{}}`+"\n", 10*n),
		"changes":                state + strings.Repeat(`{"change":{}}`+"\n", 10*n),
		"events":                 state + strings.Repeat(`{"event":{}}`+"\n", 10*n),
		"counts":                 state + strings.Repeat(`{"change_counts":{"counts":{"a":1,"b":2}}}`+"\n", 10*n),
		"nesting":                state + strings.Repeat(`{"scope":{"more":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}}\n", 500),
	} {
		t.Run(name, func(t *testing.T) {
			data := fileOf(records)
			var s State
			var err error
			used := allocated(func() { s, err = readBytes(data) })
			if err == nil {
				t.Errorf("no error, and %d projects", len(s.Projects))
			}
			// In total, of which much is garbage at once.
			if limit := uint64(16<<20 + 6*costPerByte*len(data)); used > limit {
				t.Errorf("%d bytes allocated %d, want at most %d: %v", len(data), used, limit, err)
			}
		})
	}
}

// TestWriteRejectsUnreadableState asserts that a file that could not be read is
// not written.
func TestWriteRejectsUnreadableState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	desktop := refresh.DesktopState{Desktop: inventory.Desktop{ID: "d", Name: strings.Repeat("x", maxRecordSize)}}
	s := &State{Projects: map[string]refresh.State{"p": {Desktops: []refresh.DesktopState{desktop}}}}
	if err := Write(path, s); !errors.Is(err, ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("the folder contains %v (%v)", left, err)
	}
}
