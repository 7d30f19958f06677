// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
)

// brief is how long a file must stay as it is where nobody writes it slowly.
const brief = 30 * time.Millisecond

// watched is a watcher of a file whose reloads are recorded: the content that
// each of them found.
type watched struct {
	*testing.T
	log lockedBuffer

	mu     sync.Mutex
	loaded []string
}

// watch watches a path while the test runs.
func watch(t *testing.T, path string, settle, poll time.Duration) *watched {
	t.Helper()
	w := &watched{T: t}
	watcher := newWatcher(path, log.NewLogfmtLogger(&w.log), func() error {
		text, err := os.ReadFile(path)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.loaded = append(w.loaded, string(text))
		return errors.Join(err, errors.New("bad")) // a failed reload ends nothing
	})
	watcher.settle, watcher.poll = settle, poll
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watcher.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

// want waits until all of these contents were loaded, and no others.
func (w *watched) want(contents ...string) {
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

func TestWatchSeesEveryWayToReplaceAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "exporter.yml")
	write(t, path, "one")
	w := watch(t, path, brief, time.Hour)
	write(t, path, "two") // in place
	w.want("two")
	rewrite(t, path, "three") // by another
	w.want("two", "three")

	// What does not change it is no reason to reload: neither a touch, nor the
	// same text again, nor another file.
	do(t, os.Chtimes(path, time.Now(), time.Now()), os.Chmod(path, 0o640))
	rewrite(t, path, "three")
	rewrite(t, filepath.Join(dir, "other.yml"), "x")
	do(t, os.Remove(path)) // nor its absence
	time.Sleep(100 * time.Millisecond)
	rewrite(t, path, "three")
	rewrite(t, path, "four")
	w.want("two", "three", "four")

	if strings.Contains(w.log.String(), "level=warn") {
		t.Errorf("warnings:\n%s", w.log.String())
	}
}

// TestWatchWaitsForTheEndOfWriting writes a file slowly: it is loaded once, when
// it is whole.
func TestWatchWaitsForTheEndOfWriting(t *testing.T) {
	t.Parallel()
	path := put(t, "exporter.yml", "one")
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

// mount makes what Kubernetes mounts: the file is a link into ..data, which is
// a link to a folder that is never changed, but replaced.
func mount(t *testing.T, dir, version, text string) {
	t.Helper()
	fresh := filepath.Join(dir, "..2026_"+version)
	do(t, os.Mkdir(fresh, 0o755))
	write(t, filepath.Join(fresh, "exporter.yml"), text)
	data := filepath.Join(dir, "..data")
	before, _ := os.Readlink(data)
	do(t, os.Symlink(filepath.Base(fresh), data+"_tmp"), os.Rename(data+"_tmp", data))
	if before == "" {
		do(t, os.Symlink("..data/exporter.yml", filepath.Join(dir, "exporter.yml")))
	} else {
		do(t, os.RemoveAll(filepath.Join(dir, before)))
	}
}

func TestWatchFollowsLinks(t *testing.T) {
	t.Parallel()
	t.Run("Kubernetes", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		mount(t, dir, "1", "one")
		w := watch(t, filepath.Join(dir, "exporter.yml"), brief, time.Hour)
		var want []string
		for i := range 5 {
			text := fmt.Sprint("version ", i)
			mount(t, dir, fmt.Sprint(i+2), text)
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
		w := watch(t, filepath.Join(current, "etc", "exporter.yml"), brief, time.Hour)
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
		w := watch(t, path, brief, time.Hour)
		do(t, os.Remove(path))
		write(t, path, "at last")
		w.want("at last")
	})
}

// TestWatchThatFailsStillLooks has a folder that is not there to be watched.
func TestWatchThatFailsStillLooks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "later")
	w := watch(t, filepath.Join(dir, "exporter.yml"), brief, 20*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	do(t, os.Mkdir(dir, 0o755))
	write(t, filepath.Join(dir, "exporter.yml"), "one")
	w.want("one")
	write(t, filepath.Join(dir, "exporter.yml"), "two")
	w.want("one", "two")
	if said := w.log.String(); strings.Count(said, "level=warn") != 1 || !strings.Contains(said, "may be noticed late") {
		t.Errorf("want one warning:\n%s", said)
	}
}

// TestAutoReload has the whole exporter follow a mounted configuration, and bad
// ones change nothing.
func TestAutoReload(t *testing.T) {
	_, yaml := onTheWire(t)
	dir := t.TempDir()
	mount(t, dir, "1", yaml)
	x := start(t, 1, "--config.file="+filepath.Join(dir, "exporter.yml"), "--config.auto-reload", "--web.listen-address=127.0.0.1:0")
	c := client(t, nil)
	names := func() string { return parse(t, fetch(t, c, http.MethodGet, x.urls[0]+"/metrics").body).projects() }
	if got := names(); got != "office up=1 desktops=2" {
		t.Fatalf("projects are %q", got)
	}
	mount(t, dir, "2", strings.Replace(yaml, "name: office", "name: renamed", 1))
	x.eventually("renamed", func() bool { return names() == "renamed up=1 desktops=2" })
	mount(t, dir, "3", "projects: [")
	x.eventually("refused", func() bool { return strings.Contains(x.stderr.String(), "Reload failed") })
	if got := names(); got != "renamed up=1 desktops=2" {
		t.Errorf("after a bad file: %q", got)
	}
	mount(t, dir, "4", yaml)
	x.eventually("back", func() bool { return names() == "office up=1 desktops=2" })
	if n := strings.Count(x.stderr.String(), "The configuration file has changed"); n != 3 {
		t.Errorf("%d changes seen, want 3:\n%s", n, x.stderr.String())
	}
}
