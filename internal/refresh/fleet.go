// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Target is one project of a Fleet.
type Target struct {
	// Key changes when anything changes that the engine depends on. A target
	// whose key stays keeps its engine, and with it all that it knows.
	Key  string
	Name string
	// DataKey, where set, names what is read: a target that comes with a new
	// Key takes over what the one before of the same Lineage knew.
	DataKey string
	// StateKey, where set, names what is known of the target in Memories.
	StateKey string
	// Optional leaves the target out while Workspace is not enabled in it.
	Optional bool
	// New makes the engine's options; it is called once for a Key.
	New func() Options
}

// Fleet is the set of all projects. Its methods may be called at the same time.
type Fleet struct {
	mu      sync.Mutex
	members []member // sorted by name
	closed  bool
}

type member struct {
	Target
	engine *Engine
}

// skipPeriod is how long an optional target rests when Workspace is not enabled
// in it.
const skipPeriod = 10 * time.Minute

func (m *member) inSkipPeriod() bool {
	return m.skipped() && time.Since(m.engine.health().LastRefresh) < skipPeriod
}

// skipped tells whether Workspace is not enabled in an optional target.
func (m *member) skipped() bool { return m.Optional && disabled(m.engine.health()) }

// SetTargets replaces the targets. Engines of targets that stay go on undisturbed,
// those of targets that went are closed, and new ones begin to read at once.
func (f *Fleet) SetTargets(targets []Target) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	before, ancestors := map[string]*Engine{}, map[string]*Engine{}
	for _, m := range f.members {
		before[m.Key] = m.engine
		if m.DataKey != "" {
			ancestors[m.DataKey] = m.engine
		}
	}
	f.members = make([]member, 0, len(targets))
	for _, t := range targets {
		engine := before[t.Key]
		if engine == nil {
			o := t.New()
			o.Optional = t.Optional
			engine = New(o)
			if ancestor := ancestors[t.DataKey]; ancestor != nil {
				ancestor.Close()
				engine.inherit(ancestor)
			}
			engine.Start()
		}
		delete(before, t.Key)
		f.members = append(f.members, member{t, engine})
	}
	slices.SortFunc(f.members, func(a, b member) int { return cmp.Compare(a.Name, b.Name) })
	f.mu.Unlock()
	for _, engine := range before {
		engine.Close()
	}
}

// Close ends all engines for good. What they know can still be read.
func (f *Fleet) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	for _, m := range f.currentMembers() {
		m.engine.Close()
	}
}

// Names gives the names of all targets that are not skipped, sorted.
func (f *Fleet) Names() []string { return f.names(false) }

// Skipped gives the names of the optional targets in which Workspace is not
// enabled, sorted.
func (f *Fleet) Skipped() []string { return f.names(true) }

func (f *Fleet) names(skipped bool) []string {
	names := []string{}
	for _, m := range f.currentMembers() {
		if m.skipped() == skipped {
			names = append(names, m.Name)
		}
	}
	return names
}

// Has tells whether there is a target of that name.
func (f *Fleet) Has(name string) bool {
	return slices.ContainsFunc(f.currentMembers(), func(m member) bool { return m.Name == name })
}

// Refresh refreshes the named targets, or all where none is named, side by
// side, waits for them as long as ctx lives, and returns the newest snapshot
// of each, sorted by name. Those that are skipped appear only if they are named.
func (f *Fleet) Refresh(ctx context.Context, names ...string) []*inventory.Snapshot {
	asked := map[*Engine]bool{}
	for {
		members := f.currentMembers()
		var wait sync.WaitGroup
		for _, m := range members {
			if selected(m, names) && !asked[m.engine] && !m.inSkipPeriod() {
				asked[m.engine] = true
				wait.Go(func() { m.engine.Refresh(ctx) })
			}
		}
		wait.Wait()
		// Whoever came with a reload meanwhile is waited for, too: the engine
		// before it was closed, and may have read nothing.
		same := func(a, b member) bool { return a.engine == b.engine }
		if ctx.Err() != nil || slices.EqualFunc(members, f.currentMembers(), same) {
			return snapshots(members, names)
		}
	}
}

// Snapshots returns what is known of all targets without asking the cloud.
func (f *Fleet) Snapshots() []*inventory.Snapshot {
	return snapshots(f.currentMembers(), nil)
}

// Ready tells whether a first refresh of every target has ended.
func (f *Fleet) Ready() bool {
	return !slices.ContainsFunc(f.currentMembers(), func(m member) bool { return !m.engine.health().Refreshed })
}

func (f *Fleet) currentMembers() []member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members
}

func snapshots(members []member, names []string) []*inventory.Snapshot {
	var all []*inventory.Snapshot
	for _, m := range members {
		if !selected(m, names) {
			continue
		}
		if s := m.engine.Snapshot(); len(names) > 0 || !m.Optional || !disabled(&s.Health) {
			all = append(all, s)
		}
	}
	return all
}

func selected(m member, names []string) bool {
	return len(names) == 0 || slices.Contains(names, m.Name)
}

// disabled tells whether the last refresh found Workspace not enabled.
func disabled(h *inventory.Health) bool {
	return slices.ContainsFunc(h.Failures, func(f *inventory.Failure) bool { return f.Kind == inventory.Disabled })
}
