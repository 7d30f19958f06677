// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package filewatch answers whether the content of a file has changed.
package filewatch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// Watcher calls a function when the content of a file has changed. It watches
// folders, not the file: editors, and Kubernetes with its symbolic links, put
// another file in its place.
type Watcher struct {
	path     string
	settle   time.Duration // how long the file must stay unchanged before a change counts
	poll     time.Duration // interval at which the file is read, notified or not
	logger   log.Logger
	onChange func()

	seen      [sha256.Size]byte // checksum at the last call of onChange
	lastError string            // of watching, while it persists
}

// New returns a Watcher that compares with the present content of the file.
func New(path string, logger log.Logger, onChange func()) *Watcher {
	w := &Watcher{path: path, settle: 500 * time.Millisecond, poll: time.Minute, logger: logger, onChange: onChange}
	w.seen, _ = checksum(path)
	return w
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	var events <-chan fsnotify.Event // nil says nothing
	var errs <-chan error
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.warn(err)
	} else {
		defer func() { _ = notify.Close() }()
		events, errs = notify.Events, notify.Errors
		w.follow(notify)
	}
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	settled := time.NewTimer(0) // what changed while the watch was set up
	defer settled.Stop()
	var pending [sha256.Size]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			settled.Reset(w.settle)
			continue
		case err := <-errs: // such as events that were lost
			w.warn(err)
		case <-poll.C:
		case <-settled.C:
		}
		sum, ok := checksum(w.path)
		switch {
		case !ok || sum == w.seen: // between two files, or nothing new
			pending = w.seen
		case sum != pending: // may still be being written
			pending = sum
			settled.Reset(w.settle)
		default:
			w.seen = sum
			level.Info(w.logger).Log("msg", "File changed", "file", w.path)
			w.onChange()
		}
		if notify != nil {
			w.follow(notify)
		}
	}
}

// follow watches the folders that decide what the path leads to, and no others.
func (w *Watcher) follow(notify *fsnotify.Watcher) {
	wanted := map[string]bool{}
	err := folders(w.path, 8, wanted)
	watched := notify.WatchList()
	for _, dir := range watched {
		if !wanted[dir] {
			_ = notify.Remove(dir) // it may be gone by itself
		}
	}
	for dir := range wanted {
		if !slices.Contains(watched, dir) {
			err = errors.Join(err, notify.Add(dir))
		}
	}
	w.warn(err)
}

// warn tells of trouble with watching, once while it stays the same.
func (w *Watcher) warn(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != w.lastError {
		level.Warn(w.logger).Log("msg", "File watch failed, changes may be detected late", "within", w.poll, "err", err)
	}
	w.lastError = text
}

// folders adds the folders to watch for a path: its own, and those of the
// symbolic links on the way, however many lead to others.
func folders(path string, links int, into map[string]bool) error {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("find the folder of %s: %w", path, err)
	}
	into[dir] = true
	rest := ""
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		if target, err := os.Readlink(at); err == nil && links > 0 {
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			err := errors.Join(folders(at, 0, into), folders(filepath.Join(target, rest), links-1, into))
			if err != nil {
				return err
			}
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
	return nil
}

func checksum(path string) (sum [sha256.Size]byte, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return sum, false
	}
	return sha256.Sum256(text), true
}
