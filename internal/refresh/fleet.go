// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Target is one project of a Fleet.
type Target struct {
	// Key identifies everything that the engine depends on. A target whose key
	// stays the same keeps its engine.
	Key  string
	Name string
	// DataKey, if set, identifies the data that is read: the engine of a target
	// with a new Key inherits the data of the previous one with this DataKey.
	DataKey string
	// StateKey, if set, is the key of the target's state in States.
	StateKey string
	// Optional skips the target while Workspace is disabled in its project.
	Optional bool
	// New returns the options of the engine. It is called once for a Key.
	New func() Options
}

// Fleet is the engines of all projects. Its methods are safe for concurrent use.
type Fleet struct {
	mu      sync.Mutex
	members []member      // sorted by name
	swapped chan struct{} // closed when SetTargets has replaced the members; nil: it does not run
	closed  bool
}

// member is a target with its engine.
type member struct {
	Target
	engine *Engine
}

// skipPeriod is the time for which an optional target is not refreshed after
// Workspace was found disabled.
const skipPeriod = 10 * time.Minute

func (m *member) inSkipPeriod() bool {
	return m.skipped() && time.Since(m.engine.health().LastRefresh) < skipPeriod
}

// skipped reports whether Workspace is disabled in an optional target.
func (m *member) skipped() bool { return m.Optional && disabled(m.engine.health()) }

// SetTargets replaces the targets. It keeps the engines of targets that stay,
// starts those of new targets, and closes the others. Only a refresh of an engine
// that it closes waits for it. It must not be called concurrently with itself.
func (f *Fleet) SetTargets(targets []Target) {
	current, ok := f.beginSwap()
	if !ok {
		return
	}
	before, predecessors := map[string]*Engine{}, map[string]*Engine{}
	for _, m := range current {
		before[m.Key] = m.engine
		if m.DataKey != "" {
			predecessors[m.DataKey] = m.engine
		}
	}
	members := make([]member, 0, len(targets))
	var started []*Engine
	for _, t := range targets {
		engine := before[t.Key]
		if engine == nil {
			engine = newEngine(t, predecessors[t.DataKey])
			started = append(started, engine)
		}
		delete(before, t.Key)
		members = append(members, member{t, engine})
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.Name, b.Name) })
	unused := slices.Collect(maps.Values(before))
	if !f.swap(members) {
		unused = started
	}
	for _, engine := range unused {
		engine.Close()
	}
}

// newEngine starts the engine of a target. It inherits the data of its
// predecessor, which it closes, or nil.
func newEngine(t Target, predecessor *Engine) *Engine {
	o := t.New()
	o.Optional = t.Optional
	engine := New(o)
	if predecessor != nil {
		predecessor.Close()
		engine.inherit(predecessor)
	}
	engine.Start()
	return engine
}

// beginSwap returns the members that are to be replaced, unless the fleet is
// closed.
func (f *Fleet) beginSwap() ([]member, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false
	}
	f.swapped = make(chan struct{})
	return f.members, true
}

// swap replaces the members, unless the fleet is closed.
func (f *Fleet) swap(members []member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.swapped)
	f.swapped = nil
	if !f.closed {
		f.members = members
	}
	return !f.closed
}

// Close closes all engines. Snapshots and States still return their data.
func (f *Fleet) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	for _, m := range f.currentMembers() {
		m.engine.Close()
	}
}

// Names returns the names of all targets that are not skipped, sorted.
func (f *Fleet) Names() []string { return f.names(false) }

// Skipped returns the names of the optional targets in which Workspace is
// disabled, sorted.
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

// Has reports whether a target of that name exists.
func (f *Fleet) Has(name string) bool {
	return slices.ContainsFunc(f.currentMembers(), func(m member) bool { return m.Name == name })
}

// Refresh refreshes the named targets, or all if none is named, concurrently. It
// waits for them until ctx is done, and returns the newest snapshot of each,
// sorted by name. A skipped target is included only if it is named.
func (f *Fleet) Refresh(ctx context.Context, names ...string) []*inventory.Snapshot {
	refreshed := map[*Engine]bool{}
	for {
		members := f.currentMembers()
		var waits sync.WaitGroup
		for _, m := range members {
			if selected(m, names) && !refreshed[m.engine] && !m.inSkipPeriod() {
				refreshed[m.engine] = true
				waits.Go(func() { m.engine.Refresh(ctx) })
			}
		}
		waits.Wait()
		// The engines that a reload has closed meanwhile may have read nothing, so
		// the new ones are refreshed as well.
		if !f.replaced(ctx, members) {
			return snapshots(members, names)
		}
	}
}

// Snapshots returns the current snapshots of all targets without a request.
func (f *Fleet) Snapshots() []*inventory.Snapshot {
	return snapshots(f.currentMembers(), nil)
}

// Ready reports whether the first refresh of every target has ended.
func (f *Fleet) Ready() bool {
	return !slices.ContainsFunc(f.currentMembers(), func(m member) bool { return !m.engine.health().Refreshed })
}

func (f *Fleet) currentMembers() []member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members
}

// replaced reports whether the engines of members were replaced, until ctx is
// done. If one of them is closed, it waits for the engine that takes its place.
func (f *Fleet) replaced(ctx context.Context, members []member) bool {
	f.mu.Lock()
	swapped := f.swapped
	f.mu.Unlock()
	closed := func(m member) bool { return m.engine.ctx.Err() != nil }
	if swapped != nil && slices.ContainsFunc(members, closed) {
		select {
		case <-swapped:
		case <-ctx.Done():
		}
	}
	same := func(a, b member) bool { return a.engine == b.engine }
	return ctx.Err() == nil && !slices.EqualFunc(members, f.currentMembers(), same)
}

// snapshots returns the snapshots of the named members, or of all that are not
// skipped if none is named.
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

// selected reports whether a member is named, or no name is given.
func selected(m member, names []string) bool {
	return len(names) == 0 || slices.Contains(names, m.Name)
}

// disabled reports whether the last refresh found Workspace disabled.
func disabled(h *inventory.Health) bool {
	return slices.ContainsFunc(h.Failures, func(f *inventory.Failure) bool { return f.Kind == inventory.Disabled })
}
