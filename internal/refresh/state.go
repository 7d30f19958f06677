// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// State is what a restart keeps of a project, as plain values. A zero time means
// none.
type State struct {
	Project      inventory.Project
	SavedAt      time.Time
	ListComplete bool           // the last list was complete
	ListFailedAt time.Time      // first failed attempt since the last list
	LastSuccess  time.Time      // end of the last successful refresh
	Desktops     []DesktopState // sorted by ID
}

// DesktopState is what a restart keeps of one desktop.
type DesktopState struct {
	Desktop         inventory.Desktop
	Networks        *inventory.Networks // nil: unknown
	ReadAt          time.Time           // when the networks were requested
	FailedAt        time.Time           // first failed attempt since ReadAt
	MissingSince    time.Time           // first incomplete list without the desktop
	ChangeSuspected bool                // the list hinted at a change since ReadAt
	ListedEIPs      string              // addresses in the EIP list at ReadAt
	EIPListKnown    bool                // the EIP list was known at ReadAt
}

// States returns the state of each target that has a StateKey and whose desktops
// are known, by StateKey.
func (f *Fleet) States() map[string]State {
	all := map[string]State{}
	for _, m := range f.currentMembers() {
		if known, ok := m.engine.exportState(time.Now()); ok && m.StateKey != "" {
			all[m.StateKey] = known
		}
	}
	return all
}

// exportState returns the state of the project, or false while its desktops are
// unknown.
func (e *Engine) exportState(now time.Time) (exported State, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.state
	s.dirty = s.dirty || s.expiresBy(now) // the last snapshot still has what expires now
	s.expire(now)
	if !s.listed {
		return State{}, false
	}
	exported = State{
		Project: s.project, SavedAt: now, ListComplete: s.listComplete, ListFailedAt: s.listFailedAt, LastSuccess: s.health.LastSuccess,
		Desktops: make([]DesktopState, len(s.desktops)),
	}
	for i, d := range s.desktops {
		exported.Desktops[i] = DesktopState{
			Desktop: d.record.Desktop, Networks: d.record.Networks,
			ReadAt: d.readAt, FailedAt: d.failedAt, MissingSince: d.missingSince,
			ChangeSuspected: d.fingerprint != d.readFingerprint, ListedEIPs: d.listedEIPs, EIPListKnown: d.eipListKnown,
		}
	}
	return exported, true
}

// restore loads the state that was saved before a restart, unless it is older
// than MaxStaleness.
func (s *engineState) restore(saved *State, now time.Time) {
	if age := now.Sub(saved.SavedAt); age < 0 || age >= s.opts.MaxStaleness {
		return
	}
	s.project, s.listed, s.listComplete, s.listFailedAt = saved.Project, true, saved.ListComplete, saved.ListFailedAt
	s.project.Name = s.opts.Project.Name
	s.health.LastSuccess = saved.LastSuccess
	for i := range saved.Desktops {
		from := &saved.Desktops[i]
		d := &desktop{
			readAt: from.ReadAt, failedAt: from.FailedAt, missingSince: from.MissingSince,
			listedEIPs: from.ListedEIPs, eipListKnown: from.EIPListKnown,
		}
		s.setRecord(d, from.Desktop, nil)
		if from.Networks != nil {
			s.setRecord(d, from.Desktop, from.Networks)
		}
		if !from.ChangeSuspected {
			d.readFingerprint = d.fingerprint
		}
		s.desktops = append(s.desktops, d)
	}
}

// reset drops all data, because the project turned out to be another one.
func (s *engineState) reset(project inventory.Project) {
	*s = newEngineState(s.opts)
	s.project = project
}
