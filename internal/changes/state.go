// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// State is all that a History knows, as plain values that can outlive the
// process.
type State struct {
	Scopes  []ScopeState
	Counts  []ProjectCounts
	Changes []inventory.Change // the newest last
}

// ScopeState is what was known last of the desktops that a choice leaves of a
// project.
type ScopeState struct {
	Region, ProjectID, Choice string
	Seen                      time.Time // when it was read last
	Complete                  bool      // a complete list was seen
	Desktops                  []DesktopState
}

// DesktopState is what was known last of one desktop.
type DesktopState struct {
	ID, Name string
	Listed   bool                // the name is the list's
	Networks *inventory.Networks // nil: never known
}

// ProjectCounts is how many changes of each kind there were in a project.
type ProjectCounts struct {
	Region, ProjectID string
	Kinds             map[inventory.ChangeKind]uint64
}

// State gives all that is known. What was only known before the process
// started is part of it until it is older than maxAge.
func (h *History) State(maxAge time.Duration) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := State{Changes: h.ring.oldestFirst()}
	for s, t := range h.scopes {
		if !t.claimed && h.opts.Now().Sub(t.seen) > maxAge {
			continue
		}
		k := ScopeState{
			Region: s.region, ProjectID: s.id, Choice: s.choice,
			Seen: t.seen, Complete: t.complete, Desktops: make([]DesktopState, len(t.desktops)),
		}
		for i, e := range t.desktops {
			k.Desktops[i] = DesktopState{e.id, e.name, e.listed, e.networks}
		}
		m.Scopes = append(m.Scopes, k)
	}
	for p, kinds := range h.counts {
		m.Counts = append(m.Counts, ProjectCounts{p.region, p.id, maps.Clone(kinds)})
	}
	return m
}

// Restore begins with what was known before the process started. Nothing has
// been observed yet.
func (h *History) Restore(m State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.add(m.Changes)
	for _, k := range m.Scopes {
		n := len(k.Desktops)
		t := &scopeState{seen: k.Seen, complete: k.Complete, desktops: make([]desktop, n), absent: n}
		for i, d := range k.Desktops {
			t.desktops[i] = desktop{id: d.ID, name: d.Name, listed: d.Listed, networks: d.Networks}
		}
		slices.SortFunc(t.desktops, func(a, b desktop) int { return cmp.Compare(a.id, b.id) })
		h.scopes[scope{projectKey{k.Region, k.ProjectID}, k.Choice}] = t
	}
	for _, c := range m.Counts {
		h.counts[projectKey{c.Region, c.ProjectID}] = maps.Clone(c.Kinds)
	}
}
