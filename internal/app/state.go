// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"io/fs"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/statefile"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// saveInterval is the interval at which the state file is written.
const saveInterval = 5 * time.Minute

// stateSaver restores the state at the start and saves it in the state file. It
// is not safe for concurrent use: the reconcile goroutine calls it.
type stateSaver struct {
	enabled bool
	logger  log.Logger
	fleet   *refresh.Fleet
	history *changes.History
	webhook *webhook.Sender
	report  func(saved bool, at time.Time)

	config  config.State             // zero: nothing is saved
	started bool                     // a configuration is in force; before that nothing is saved
	unlock  func()                   // nil: the file is not locked
	pending map[string]refresh.State // loaded, for targets that do not exist yet; by state key
	failing bool
}

// load reads the state file and restores history and webhook queue. A file that
// cannot be read costs no more than the state.
func (s *stateSaver) load(c config.State) {
	if !s.enabled || c.IsZero() {
		return
	}
	state, err := statefile.Read(c.File)
	if errors.Is(err, statefile.ErrNotStateFile) {
		s.report(false, time.Now())
		level.Error(s.logger).Log("msg", "state.file is not a state file of this exporter; leaving it untouched, state will not be saved", "file", c.File)
		return
	}
	s.config = c
	switch lockErr := s.lock(); {
	case errors.Is(lockErr, statefile.ErrLocked):
		s.failing = true
		s.report(false, time.Now())
		level.Error(s.logger).Log("msg", "Another process uses the state file, starting without state; state will be saved once the file is released",
			"file", c.File, "hint", "give each exporter a state.file of its own")
		return
	case lockErr != nil && err == nil:
		level.Warn(s.logger).Log("msg", "State file cannot be locked, no other process may use it", "file", c.File, "err", lockErr)
	}
	switch age := time.Since(state.SavedAt); {
	case errors.Is(err, fs.ErrNotExist):
		level.Info(s.logger).Log("msg", "State file does not exist, starting without state", "file", c.File)
		return
	case err != nil:
		level.Warn(s.logger).Log("msg", "State file ignored, it will be replaced", "file", c.File, "err", err)
		return
	case age > time.Duration(c.MaxAge):
		level.Warn(s.logger).Log("msg", "State file ignored, it will be replaced", "file", c.File,
			"err", "older than state.max_age", "saved", state.SavedAt)
		return
	}
	s.history.Restore(state.Changes)
	s.webhook.Restore(state.Webhook)
	s.pending = state.Projects
	level.Info(s.logger).Log("msg", "State restored", "file", c.File, "saved", state.SavedAt,
		"projects", len(state.Projects), "changes", len(state.Changes.Changes))
}

// lock locks the state file, unless it is locked already.
func (s *stateSaver) lock() (err error) {
	if s.unlock == nil {
		s.unlock, err = statefile.Lock(s.config.File)
	}
	return err
}

// close releases the state file.
func (s *stateSaver) close() {
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}

// pendingState returns the loaded state of a target, or nil.
func (s *stateSaver) pendingState(key string) *refresh.State {
	state, ok := s.pending[key]
	if !ok {
		return nil
	}
	return &state
}

// forget drops the loaded state of a target that has it now itself.
func (s *stateSaver) forget(key string) { delete(s.pending, key) }

// save writes the state file, if there is to be one, and reports whether it is
// written.
func (s *stateSaver) save() bool {
	if s.config.IsZero() || !s.started {
		return false
	}
	maxAge := time.Duration(s.config.MaxAge)
	// The history comes before the projects: they may be newer than the history,
	// which then finds the changes again; they must not be older. It also comes
	// before the webhook: after a crash a change is then found and delivered
	// again, rather than not delivered.
	state := statefile.State{SavedAt: time.Now(), Changes: s.history.State(maxAge)}
	state.Webhook, state.Projects = s.webhook.State(), s.fleet.States()
	for key, pending := range s.pending { // their account was not polled yet
		if _, ok := state.Projects[key]; !ok && state.SavedAt.Sub(pending.SavedAt) < maxAge {
			state.Projects[key] = pending
		}
	}
	err := s.lock()
	if !errors.Is(err, statefile.ErrLocked) { // a file system without locks can still save
		err = statefile.Write(s.config.File, &state)
	}
	s.report(err == nil, state.SavedAt)
	switch {
	case err != nil && !s.failing:
		level.Warn(s.logger).Log("msg", "State save failed, a restart will lose later data", "file", s.config.File, "err", err)
	case err == nil && s.failing:
		level.Info(s.logger).Log("msg", "State save recovered", "file", s.config.File)
	}
	s.failing = err != nil
	return err == nil
}
