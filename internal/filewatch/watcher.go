// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package filewatch answers whether the content of a file has changed. It adds
// to fsnotify what a configuration file needs: symbolic links that are replaced,
// as Kubernetes does, a file that is still being written, and events that are lost.
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

	lastSum   [sha256.Size]byte // checksum at the last call of onChange
	lastError string            // of watching, while it persists
}

// New returns a Watcher that compares with the present content of the file.
func New(path string, logger log.Logger, onChange func()) *Watcher {
	w := &Watcher{path: path, settle: 500 * time.Millisecond, poll: time.Minute, logger: logger, onChange: onChange}
	w.lastSum, _ = checksum(path)
	return w
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	var events <-chan fsnotify.Event // nil: only polls
	var errs <-chan error
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.reportError(err)
	} else {
		defer func() { _ = notify.Close() }()
		events, errs = notify.Events, notify.Errors
		w.updateWatches(notify)
	}
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	settled := time.NewTimer(0) // for changes while the watch was set up
	defer settled.Stop()
	var pending [sha256.Size]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			settled.Reset(w.settle)
			continue
		case err := <-errs: // such as lost events
			w.reportError(err)
		case <-poll.C:
		case <-settled.C:
		}
		sum, ok := checksum(w.path)
		switch {
		case !ok || sum == w.lastSum: // being replaced, or unchanged
			pending = w.lastSum
		case sum != pending: // possibly not written completely
			pending = sum
			settled.Reset(w.settle)
		default:
			w.lastSum = sum
			level.Info(w.logger).Log("msg", "File changed", "file", w.path)
			w.onChange()
		}
		if notify != nil {
			w.updateWatches(notify)
		}
	}
}

// updateWatches watches the folders on the way to the file, and no others.
func (w *Watcher) updateWatches(notify *fsnotify.Watcher) {
	wanted := map[string]bool{}
	err := addDirs(w.path, 8, wanted)
	watched := notify.WatchList()
	for _, dir := range watched {
		if !wanted[dir] {
			_ = notify.Remove(dir) // fails for a folder that was removed
		}
	}
	for dir := range wanted {
		if !slices.Contains(watched, dir) {
			err = errors.Join(err, notify.Add(dir))
		}
	}
	w.reportError(err)
}

// reportError logs an error of watching, once while it persists. A nil error ends
// it.
func (w *Watcher) reportError(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != w.lastError {
		level.Warn(w.logger).Log("msg", "File watch failed, changes may be detected late", "within", w.poll, "err", err)
	}
	w.lastError = text
}

// addDirs adds the folders to watch for a path: its own, and those of all symbolic
// links on the way. links limits how many links are followed.
func addDirs(path string, links int, into map[string]bool) error {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("resolve the folder of %s: %w", path, err)
	}
	into[dir] = true
	rest := ""
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		if target, err := os.Readlink(at); err == nil && links > 0 {
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			err := errors.Join(addDirs(at, 0, into), addDirs(filepath.Join(target, rest), links-1, into))
			if err != nil {
				return err
			}
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
	return nil
}

// checksum returns the SHA-256 of a file; ok is false if it cannot be read.
func checksum(path string) (sum [sha256.Size]byte, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return sum, false
	}
	return sha256.Sum256(text), true
}
