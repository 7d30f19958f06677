// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// shortSettle is the settle time of tests that do not write slowly.
const shortSettle = 30 * time.Millisecond

// recorder is a watcher of a file whose reloads are recorded: the content that
// each of them found.
type recorder struct {
	*testing.T
	log testutil.Buffer

	mu     sync.Mutex
	loaded []string
}

// watch watches a path while the test runs.
func watch(t *testing.T, path string, settle, poll time.Duration) *recorder {
	t.Helper()
	w := &recorder{T: t}
	watcher := New(path, log.NewLogfmtLogger(&w.log), func() {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.loaded = append(w.loaded, string(text))
	})
	watcher.settle, watcher.poll = settle, poll
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watcher.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

// want waits until all of these contents were loaded, and no others.
func (w *recorder) want(contents ...string) {
	w.Helper()
	got := func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return fmt.Sprintf("%q", w.loaded)
	}
	want := fmt.Sprintf("%q", contents)
	for end := time.Now().Add(10 * time.Second); got() != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("loaded %s, want %s\n%s", got(), want, w.log.String())
		}
	}
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestWatchFileReplacement(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "exporter.yml")
	write(t, path, "one")
	w := watch(t, path, shortSettle, time.Hour)
	write(t, path, "two") // in place
	w.want("two")
	testutil.ReplaceFile(t, path, "three") // by another
	w.want("two", "three")

	// What does not change it is no reason to reload: neither a touch, nor the
	// same text again, nor another file.
	do(t, os.Chtimes(path, time.Now(), time.Now()), os.Chmod(path, 0o640))
	testutil.ReplaceFile(t, path, "three")
	testutil.ReplaceFile(t, filepath.Join(dir, "other.yml"), "x")
	do(t, os.Remove(path)) // nor its absence
	time.Sleep(100 * time.Millisecond)
	testutil.ReplaceFile(t, path, "three")
	testutil.ReplaceFile(t, path, "four")
	w.want("two", "three", "four")

	if strings.Contains(w.log.String(), "level=warn") {
		t.Errorf("warnings:\n%s", w.log.String())
	}
}

// TestWatchWaitsForCompleteFile writes a file slowly: it is loaded once, when
// it is whole.
func TestWatchWaitsForCompleteFile(t *testing.T) {
	t.Parallel()
	path := testutil.WriteFile(t, "exporter.yml", "one")
	w := watch(t, path, 500*time.Millisecond, time.Hour)
	file, err := os.Create(path)
	do(t, err)
	for i := range 100 {
		_, err := fmt.Fprintf(file, "%d ", i%10)
		do(t, err)
		time.Sleep(10 * time.Millisecond)
	}
	do(t, file.Close())
	w.want(strings.Repeat("0 1 2 3 4 5 6 7 8 9 ", 10))
}

func TestWatchSymlinks(t *testing.T) {
	t.Parallel()
	t.Run("Kubernetes", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		testutil.MountFile(t, dir, "1", "one")
		w := watch(t, filepath.Join(dir, "exporter.yml"), shortSettle, time.Hour)
		var want []string
		for i := range 5 {
			text := fmt.Sprint("version ", i)
			testutil.MountFile(t, dir, fmt.Sprint(i+2), text)
			want = append(want, text)
			w.want(want...)
		}
	})
	t.Run("a release that is current", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for _, release := range []string{"1", "2"} {
			do(t, os.MkdirAll(filepath.Join(dir, "releases", release, "etc"), 0o755))
			write(t, filepath.Join(dir, "releases", release, "etc", "exporter.yml"), "release "+release)
		}
		current := filepath.Join(dir, "current")
		do(t, os.Symlink(filepath.Join(dir, "releases", "1"), current))
		w := watch(t, filepath.Join(current, "etc", "exporter.yml"), shortSettle, time.Hour)
		do(t, os.Symlink(filepath.Join(dir, "releases", "2"), current+".new"), os.Rename(current+".new", current))
		w.want("release 2")
		write(t, filepath.Join(dir, "releases", "2", "etc", "exporter.yml"), "mended")
		w.want("release 2", "mended")
	})
	t.Run("one that leads to itself", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, "exporter.yml")
		do(t, os.Symlink("exporter.yml", path))
		w := watch(t, path, shortSettle, time.Hour)
		do(t, os.Remove(path))
		write(t, path, "at last")
		w.want("at last")
	})
}

// TestPollWithoutWatch has a folder that is not there to be watched.
func TestPollWithoutWatch(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "later")
	w := watch(t, filepath.Join(dir, "exporter.yml"), shortSettle, 20*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	do(t, os.Mkdir(dir, 0o755))
	write(t, filepath.Join(dir, "exporter.yml"), "one")
	w.want("one")
	write(t, filepath.Join(dir, "exporter.yml"), "two")
	w.want("one", "two")
	if logged := w.log.String(); strings.Count(logged, "level=warn") != 1 || !strings.Contains(logged, "may be detected late") {
		t.Errorf("want one warning:\n%s", logged)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	do(t, os.WriteFile(path, []byte(text), 0o600))
}
