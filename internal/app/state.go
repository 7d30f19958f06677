// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// saveInterval is the interval at which the state file is written.
const saveInterval = 5 * time.Minute

// A state file is stateMagic, a line with the version of what follows, the
// memory as compressed gob, and the SHA-256 of all that.
const (
	stateMagic   = "huaweicloud_workspace_exporter state "
	stateVersion = "1"
)

// persistedState is all that outlives a restart.
type persistedState struct {
	SavedAt  time.Time
	History  changes.State
	Webhook  webhook.State
	Projects map[string]refresh.State // by target memory
}

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
	pending map[string]refresh.State // loaded, for targets that do not exist yet; by state key
	failing bool
}

// load reads the state file and restores history and webhook queue. A file that
// cannot be read costs no more than the state.
func (s *stateSaver) load(c config.State) {
	if !s.enabled || c.IsZero() {
		return
	}
	s.config = c
	state, err := readState(c.File)
	switch age := time.Since(state.SavedAt); {
	case errors.Is(err, fs.ErrNotExist):
		level.Info(s.logger).Log("msg", "State file does not exist yet", "file", c.File)
		return
	case errors.Is(err, errForeign):
		s.config = config.State{}
		s.report(false, time.Now())
		level.Error(s.logger).Log("msg", "What state.file names is no state file: it is left alone, and nothing outlives this process", "file", c.File)
		return
	case err != nil:
		level.Warn(s.logger).Log("msg", "State file is ignored, and will be replaced", "file", c.File, "err", err)
		return
	case age > time.Duration(c.MaxAge):
		level.Warn(s.logger).Log("msg", "State file is ignored, and will be replaced", "file", c.File,
			"err", "it is older than state.max_age", "saved", state.SavedAt)
		return
	}
	s.history.Restore(state.History)
	s.webhook.Restore(state.Webhook)
	s.pending = state.Projects
	level.Info(s.logger).Log("msg", "State file read", "file", c.File, "saved", state.SavedAt,
		"projects", len(state.Projects), "changes", len(state.History.Changes))
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
	if s.config.IsZero() {
		return false
	}
	maxAge := time.Duration(s.config.MaxAge)
	// The history comes before the projects: they may be newer than the history,
	// which then finds the changes again; they must not be older. It also comes
	// before the webhook: after a crash a change is then found and delivered
	// again, rather than not delivered.
	state := persistedState{SavedAt: time.Now(), History: s.history.State(maxAge)}
	state.Webhook, state.Projects = s.webhook.State(), s.fleet.States()
	for key, pending := range s.pending { // their account was not polled yet
		if _, ok := state.Projects[key]; !ok && state.SavedAt.Sub(pending.SavedAt) < maxAge {
			state.Projects[key] = pending
		}
	}
	err := writeState(s.config.File, &state)
	s.report(err == nil, state.SavedAt)
	switch {
	case err != nil && !s.failing:
		level.Warn(s.logger).Log("msg", "State file cannot be written; a restart forgets what is not in it", "file", s.config.File, "err", err)
	case err == nil && s.failing:
		level.Info(s.logger).Log("msg", "State file is written again", "file", s.config.File)
	}
	s.failing = err != nil
	return err == nil
}

func writeState(path string, m *persistedState) error {
	file, err := replace(path, "new", 0o600)
	if err != nil {
		return err
	}
	defer file.discard()
	if err := file.file.Chmod(0o600); err != nil { // whatever the file before could be read by
		return err
	}
	sum := sha256.New()
	body := io.MultiWriter(file, sum)
	if _, err := io.WriteString(body, stateMagic+stateVersion+"\n"); err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(body, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := gob.NewEncoder(packed).Encode(m); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	if _, err := file.Write(sum.Sum(nil)); err != nil {
		return err
	}
	return file.commit()
}

var (
	errDamaged = errors.New("it is damaged")
	errForeign = errors.New("it is no state file")
)

// readState reads a state file. Its errors tell what is wrong with the file,
// but for those of the operating system.
func readState(path string) (persistedState, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return persistedState{}, err
	}
	return parseState(data)
}

func parseState(data []byte) (m persistedState, err error) {
	rest, ok := bytes.CutPrefix(data, []byte(stateMagic))
	version, rest, line := bytes.Cut(rest, []byte("\n"))
	switch {
	case !ok && len(data) > 0:
		return persistedState{}, errForeign
	case !line || len(rest) < sha256.Size:
		return persistedState{}, errDamaged
	case string(version) != stateVersion:
		return persistedState{}, fmt.Errorf("it is of version %.10q, and this exporter reads version %s", version, stateVersion)
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if computed := sha256.Sum256(body); !bytes.Equal(computed[:], sum) {
		return persistedState{}, errDamaged
	}
	packed, err := gzip.NewReader(bytes.NewReader(rest[:len(rest)-sha256.Size]))
	if err != nil {
		return persistedState{}, errDamaged
	}
	if err := gob.NewDecoder(packed).Decode(&m); err != nil {
		return persistedState{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return m, nil
}
