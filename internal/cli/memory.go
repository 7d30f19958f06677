// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// saveEvery is how often the state file is written.
const saveEvery = 5 * time.Minute

// A state file is stateMagic, a line with the version of what follows, the
// memory as compressed gob, and the SHA-256 of all that.
const (
	stateMagic   = "huaweicloud_workspace_exporter state "
	stateVersion = "1"
)

// memory is all that outlives a restart.
type memory struct {
	SavedAt  time.Time
	History  changes.State
	Webhook  webhook.State
	Projects map[string]refresh.State // by target memory
}

// keeper keeps the memory in the state file.
type keeper struct {
	exporter *exporter

	saving  sync.Mutex // serialises what is done to the file; held before the fleet's lock
	failing bool

	mu      sync.Mutex // held for a moment only: a reload wants it while it holds the fleet's
	state   config.State
	pending map[string]refresh.State // read, and not asked for yet
}

// keep lets the exporter begin with what the state file knows, which its first
// configuration names, and keep it up. It is called before the first reload.
func (x *exporter) keep() { x.keeper = &keeper{exporter: x} }

// begin reads the state file. Whatever is wrong with it costs no more than the
// memory.
func (k *keeper) begin(s config.State) {
	if k == nil || s.IsZero() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = s
	m, err := readState(s.File)
	switch age := time.Since(m.SavedAt); {
	case errors.Is(err, fs.ErrNotExist):
		level.Info(k.exporter.logger).Log("msg", "State file does not exist yet", "file", s.File)
		return
	case errors.Is(err, errForeign):
		k.state = config.State{}
		k.exporter.telemetry.StateSaved(false, time.Now())
		level.Error(k.exporter.logger).Log("msg", "What state.file names is no state file: it is left alone, and nothing outlives this process", "file", s.File)
		return
	case err != nil:
		level.Warn(k.exporter.logger).Log("msg", "State file is ignored, and will be replaced", "file", s.File, "err", err)
		return
	case age > time.Duration(s.MaxAge):
		level.Warn(k.exporter.logger).Log("msg", "State file is ignored, and will be replaced", "file", s.File,
			"err", "it is older than state.max_age", "saved", m.SavedAt)
		return
	}
	k.exporter.history.Restore(m.History)
	k.exporter.webhook.Restore(m.Webhook)
	k.pending = m.Projects
	level.Info(k.exporter.logger).Log("msg", "State file read", "file", s.File, "saved", m.SavedAt,
		"projects", len(m.Projects), "changes", len(m.History.Changes))
}

// recall gives what the state file knew of a target, once.
func (k *keeper) recall(target string) *refresh.State {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	m, ok := k.pending[target]
	if !ok {
		return nil
	}
	delete(k.pending, target)
	return &m
}

// run saves now and then, until ctx ends.
func (k *keeper) run(ctx context.Context) {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			k.save()
		case <-ctx.Done():
			return
		}
	}
}

// save writes the state file, if there is to be one, and tells whether it did.
func (k *keeper) save() (saved bool) {
	if k == nil {
		return false
	}
	k.saving.Lock()
	defer k.saving.Unlock()
	// What is pending comes first: who asks for it meanwhile is in the fleet then.
	k.mu.Lock()
	state, pending := k.state, maps.Clone(k.pending)
	k.mu.Unlock()
	if state.IsZero() {
		return false
	}
	x := k.exporter
	// The history comes before the projects: what these know may be newer than
	// what it has told, and is told then; it must not be older.
	// The history also comes before the webhook: after a crash a change is then
	// found and delivered again, rather than not delivered.
	m := memory{SavedAt: time.Now(), History: x.history.State(time.Duration(state.MaxAge))}
	m.Webhook, m.Projects = x.webhook.State(), x.fleet.States()
	for target, known := range pending { // whose account was not listed yet
		if _, ok := m.Projects[target]; !ok && m.SavedAt.Sub(known.SavedAt) < time.Duration(state.MaxAge) {
			m.Projects[target] = known
		}
	}
	err := writeState(state.File, &m)
	x.telemetry.StateSaved(err == nil, m.SavedAt)
	switch {
	case err != nil && !k.failing:
		level.Warn(x.logger).Log("msg", "State file cannot be written; a restart forgets what is not in it", "file", state.File, "err", err)
	case err == nil && k.failing:
		level.Info(x.logger).Log("msg", "State file is written again", "file", state.File)
	}
	k.failing = err != nil
	return err == nil
}

func writeState(path string, m *memory) error {
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
func readState(path string) (memory, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return memory{}, err
	}
	return parseState(data)
}

func parseState(data []byte) (m memory, err error) {
	rest, ok := bytes.CutPrefix(data, []byte(stateMagic))
	version, rest, line := bytes.Cut(rest, []byte("\n"))
	switch {
	case !ok && len(data) > 0:
		return memory{}, errForeign
	case !line || len(rest) < sha256.Size:
		return memory{}, errDamaged
	case string(version) != stateVersion:
		return memory{}, fmt.Errorf("it is of version %.10q, and this exporter reads version %s", version, stateVersion)
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if computed := sha256.Sum256(body); !bytes.Equal(computed[:], sum) {
		return memory{}, errDamaged
	}
	packed, err := gzip.NewReader(bytes.NewReader(rest[:len(rest)-sha256.Size]))
	if err != nil {
		return memory{}, errDamaged
	}
	if err := gob.NewDecoder(packed).Decode(&m); err != nil {
		return memory{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return m, nil
}
