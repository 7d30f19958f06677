// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Memory is what is known of a project, as plain values that can outlive the
// process. Times are zero where there is none.
type Memory struct {
	Project     inventory.Project
	SavedAt     time.Time
	Complete    bool      // the list that was read last was complete
	ListFailed  time.Time // the first failed try since the list was last read
	LastSuccess time.Time
	Desktops    []KnownDesktop // sorted by ID
}

// KnownDesktop is what is known of one desktop.
type KnownDesktop struct {
	Desktop    inventory.Desktop
	Networks   *inventory.Networks // nil: not known
	ReadAt     time.Time
	FailedAt   time.Time // the first try that failed since ReadAt
	Missing    time.Time // the first incomplete list that lacked it
	Suspect    bool      // the list has hinted at a change since ReadAt
	Bound      string    // its addresses in the EIP list at ReadAt
	BoundKnown bool
}

// Memories gives what is known of each target that has a Memory to be kept by,
// and knows its desktops.
func (f *Fleet) Memories() map[string]Memory {
	all := map[string]Memory{}
	for _, m := range f.current() {
		if known, ok := m.engine.memory(time.Now()); ok && m.Memory != "" {
			all[m.Memory] = known
		}
	}
	return all
}

func (e *Engine) memory(now time.Time) (m Memory, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.state
	s.touched = s.touched || s.expiresBy(now) // the last snapshot still has what ends now
	s.expire(now)
	if !s.listed {
		return Memory{}, false
	}
	m = Memory{
		Project: s.project, SavedAt: now, Complete: s.complete, ListFailed: s.listFailed, LastSuccess: s.health.LastSuccess,
		Desktops: make([]KnownDesktop, len(s.desktops)),
	}
	for i, d := range s.desktops {
		m.Desktops[i] = KnownDesktop{
			Desktop: d.record.Desktop, Networks: d.record.Networks,
			ReadAt: d.readAt, FailedAt: d.failedAt, Missing: d.missing,
			Suspect: d.sketch != d.readSketch, Bound: d.bound, BoundKnown: d.boundKnown,
		}
	}
	return m, true
}

// recall begins with what was known before the process started, unless that is
// older than anything is held.
func (s *state) recall(m *Memory, now time.Time) {
	if age := now.Sub(m.SavedAt); age < 0 || age >= s.opts.MaxStaleness {
		return
	}
	share := sharing{}
	s.project, s.listed, s.complete, s.listFailed = m.Project, true, m.Complete, m.ListFailed
	s.project.Name = s.opts.Project.Name
	s.health.LastSuccess = m.LastSuccess
	for i := range m.Desktops {
		k := &m.Desktops[i]
		d := &desktop{
			readAt: k.ReadAt, failedAt: k.FailedAt, missing: k.Missing, bound: k.Bound, boundKnown: k.BoundKnown,
		}
		s.say(d, k.Desktop, nil)
		if k.Networks != nil {
			s.say(d, k.Desktop, share.networks(k.Networks))
		}
		if !k.Suspect {
			d.readSketch = d.sketch
		}
		s.desktops = append(s.desktops, d)
	}
}

// forget drops what is known of a project that turns out to be another one.
func (s *state) forget(project inventory.Project) {
	*s = newState(s.opts)
	s.project = project
}

// sharing lets equal texts be one, as those of one answer of the cloud are.
type sharing map[string]string

func (s sharing) text(t *string) {
	if known, ok := s[*t]; ok {
		*t = known
		return
	}
	s[*t] = *t
}

// networks gives a copy: a state file may be written of the other meanwhile.
func (s sharing) networks(n *inventory.Networks) *inventory.Networks {
	shared := *n
	shared.Interfaces = slices.Clone(n.Interfaces)
	for i := range shared.Interfaces {
		nic := &shared.Interfaces[i]
		nic.SecurityGroups = slices.Clone(nic.SecurityGroups)
		for _, t := range []*string{&nic.VPC.ID, &nic.VPC.Name, &nic.VPC.CIDR, &nic.Subnet.ID, &nic.Subnet.Name, &nic.Subnet.CIDR} {
			s.text(t)
		}
		for j := range nic.SecurityGroups {
			s.text(&nic.SecurityGroups[j].ID)
			s.text(&nic.SecurityGroups[j].Name)
		}
	}
	return &shared
}
