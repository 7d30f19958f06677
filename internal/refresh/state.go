// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// State is what is known of a project, as plain values that can outlive the
// process. Times are zero where there is none.
type State struct {
	Project      inventory.Project
	SavedAt      time.Time
	ListComplete bool      // the list that was read last was complete
	ListFailedAt time.Time // the first failed try since the list was last read
	LastSuccess  time.Time
	Desktops     []DesktopState // sorted by ID
}

// DesktopState is what is known of one desktop.
type DesktopState struct {
	Desktop         inventory.Desktop
	Networks        *inventory.Networks // nil: not known
	ReadAt          time.Time
	FailedAt        time.Time // the first try that failed since ReadAt
	MissingSince    time.Time // the first incomplete list that lacked it
	ChangeSuspected bool      // the list has hinted at a change since ReadAt
	ListedEIPs      string    // its addresses in the EIP list at ReadAt
	EIPListKnown    bool
}

// States gives what is known of each target that has a Memory to be kept by,
// and knows its desktops.
func (f *Fleet) States() map[string]State {
	all := map[string]State{}
	for _, m := range f.currentMembers() {
		if known, ok := m.engine.exportState(time.Now()); ok && m.StateKey != "" {
			all[m.StateKey] = known
		}
	}
	return all
}

func (e *Engine) exportState(now time.Time) (m State, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.state
	s.dirty = s.dirty || s.expiresBy(now) // the last snapshot still has what ends now
	s.expire(now)
	if !s.listed {
		return State{}, false
	}
	m = State{
		Project: s.project, SavedAt: now, ListComplete: s.listComplete, ListFailedAt: s.listFailedAt, LastSuccess: s.health.LastSuccess,
		Desktops: make([]DesktopState, len(s.desktops)),
	}
	for i, d := range s.desktops {
		m.Desktops[i] = DesktopState{
			Desktop: d.record.Desktop, Networks: d.record.Networks,
			ReadAt: d.readAt, FailedAt: d.failedAt, MissingSince: d.missingSince,
			ChangeSuspected: d.fingerprint != d.readFingerprint, ListedEIPs: d.listedEIPs, EIPListKnown: d.eipListKnown,
		}
	}
	return m, true
}

// restore begins with what was known before the process started, unless that is
// older than anything is held.
func (s *engineState) restore(m *State, now time.Time) {
	if age := now.Sub(m.SavedAt); age < 0 || age >= s.opts.MaxStaleness {
		return
	}
	share := interner{}
	s.project, s.listed, s.listComplete, s.listFailedAt = m.Project, true, m.ListComplete, m.ListFailedAt
	s.project.Name = s.opts.Project.Name
	s.health.LastSuccess = m.LastSuccess
	for i := range m.Desktops {
		k := &m.Desktops[i]
		d := &desktop{
			readAt: k.ReadAt, failedAt: k.FailedAt, missingSince: k.MissingSince, listedEIPs: k.ListedEIPs, eipListKnown: k.EIPListKnown,
		}
		s.setRecord(d, k.Desktop, nil)
		if k.Networks != nil {
			s.setRecord(d, k.Desktop, share.networks(k.Networks))
		}
		if !k.ChangeSuspected {
			d.readFingerprint = d.fingerprint
		}
		s.desktops = append(s.desktops, d)
	}
}

// reset drops what is known of a project that turns out to be another one.
func (s *engineState) reset(project inventory.Project) {
	*s = newEngineState(s.opts)
	s.project = project
}

// interner lets equal texts be one, as those of one answer of the cloud are.
type interner map[string]string

func (s interner) intern(t *string) {
	if known, ok := s[*t]; ok {
		*t = known
		return
	}
	s[*t] = *t
}

// networks gives a copy: a state file may be written of the other meanwhile.
func (s interner) networks(n *inventory.Networks) *inventory.Networks {
	shared := *n
	shared.Interfaces = slices.Clone(n.Interfaces)
	for i := range shared.Interfaces {
		nic := &shared.Interfaces[i]
		nic.SecurityGroups = slices.Clone(nic.SecurityGroups)
		for _, t := range []*string{&nic.VPC.ID, &nic.VPC.Name, &nic.VPC.CIDR, &nic.Subnet.ID, &nic.Subnet.Name, &nic.Subnet.CIDR} {
			s.intern(t)
		}
		for j := range nic.SecurityGroups {
			s.intern(&nic.SecurityGroups[j].ID)
			s.intern(&nic.SecurityGroups[j].Name)
		}
	}
	return &shared
}
