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

// State is what a restart keeps of a History, as plain values.
type State struct {
	Scopes  []ScopeState
	Counts  []ProjectCounts
	Changes []inventory.Change // the oldest first
}

// ScopeState is the last known state of the desktops of a project that pass a
// filter.
type ScopeState struct {
	Region, ProjectID, Filter string
	LastSeen                  time.Time // time of the last snapshot
	Complete                  bool      // a complete list was observed
	Desktops                  []DesktopState
}

// DesktopState is the last known state of one desktop.
type DesktopState struct {
	ID, Name string
	Listed   bool                // the name comes from the desktop list
	Networks *inventory.Networks // nil: never known
}

// ProjectCounts is the number of changes of each kind in a project.
type ProjectCounts struct {
	Region, ProjectID string
	Kinds             map[inventory.ChangeKind]uint64
}

// State returns what a restart keeps. Scopes that were not observed since the
// process started are included until they are older than maxAge.
func (h *History) State(maxAge time.Duration) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	state := State{Changes: h.recent.oldestFirst()}
	for s, b := range h.baselines {
		if !b.observed && h.opts.Now().Sub(b.lastSeen) > maxAge {
			continue
		}
		scope := ScopeState{
			Region: s.region, ProjectID: s.id, Filter: s.filter,
			LastSeen: b.lastSeen, Complete: b.complete, Desktops: make([]DesktopState, len(b.desktops)),
		}
		for i, d := range b.desktops {
			scope.Desktops[i] = DesktopState{d.id, d.name, d.listed, d.networks}
		}
		state.Scopes = append(state.Scopes, scope)
	}
	for p, kinds := range h.counts {
		state.Counts = append(state.Counts, ProjectCounts{p.region, p.id, maps.Clone(kinds)})
	}
	return state
}

// Restore loads the State of an earlier process. It must be called before the
// first snapshot is observed.
func (h *History) Restore(state State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent.add(state.Changes)
	for _, s := range state.Scopes {
		n := len(s.Desktops)
		b := &baseline{lastSeen: s.LastSeen, complete: s.Complete, desktops: make([]desktop, n), absent: n}
		for i, d := range s.Desktops {
			b.desktops[i] = desktop{id: d.ID, name: d.Name, listed: d.Listed, networks: d.Networks}
		}
		slices.SortFunc(b.desktops, func(a, b desktop) int { return cmp.Compare(a.id, b.id) })
		h.baselines[scope{projectKey{s.Region, s.ProjectID}, s.Filter}] = b
	}
	for _, c := range state.Counts {
		h.counts[projectKey{c.Region, c.ProjectID}] = maps.Clone(c.Kinds)
	}
}
