// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package changes answers the question what changed between two snapshots of a
// project. It compares each desktop with its last known state, counts the
// differences, logs them, keeps the newest ones, and passes them to a subscriber.
//
// The comparison is ours because unknown is no change: an outage, an incomplete
// list, expired networks and a restart must not look like changes, and a pass
// over 100,000 unchanged desktops must cost no more than comparing pointers.
package changes

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Options configures a History.
type Options struct {
	Logger log.Logger
	Limit  int // maximum number of changes kept, until Resize
	// Subscriber, if not nil, is called with the changes of each snapshot, in the
	// order in which they are found. It must not block, nor call the History.
	Subscriber func([]inventory.Change)
	Now        func() time.Time // nil: time.Now
}

// History finds and keeps the changes of all projects. Its methods are safe for
// concurrent use.
type History struct {
	opts   Options
	logger changeLogger

	mu        sync.Mutex
	baselines map[scope]*baseline
	counts    map[projectKey]map[inventory.ChangeKind]uint64
	recent    ring
	observers uint64 // created so far
}

// scope identifies a set of desktops: those of a project that pass a filter.
type scope struct {
	projectKey
	filter string
}

type projectKey struct{ region, id string }

// New returns an empty History.
func New(o Options) *History {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &History{
		opts: o, logger: changeLogger{logger: o.Logger}, recent: ring{limit: o.Limit},
		baselines: map[scope]*baseline{}, counts: map[projectKey]map[inventory.ChangeKind]uint64{},
	}
}

// Observer takes the snapshots of one refresh engine. If several observers have
// the same scope, as before and after a reload, the newest one that has observed
// a snapshot takes precedence.
type Observer struct {
	history *History
	number  uint64
	scope   scope // its project ID is empty until it is known
	retired bool
}

// Observer returns a new observer. The project ID may be empty if it is not known
// yet. The filter identifies which desktops of the project the snapshots have.
func (h *History) Observer(region, projectID, filter string) *Observer {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.observers++
	return &Observer{history: h, number: h.observers, scope: scope{projectKey{region, projectID}, filter}}
}

// Retain retires all observers but the given ones. It drops the last known state
// of scopes that only retired observers had, and the counts of projects that have
// no scope left.
func (h *History) Retain(observers []*Observer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s, b := range h.baselines {
		if b.owner != nil && !slices.Contains(observers, b.owner) {
			b.owner.retired, b.owner = true, nil
		}
		retained := slices.ContainsFunc(observers, func(o *Observer) bool { return o.scope.mayBe(s) })
		if !retained && b.observed {
			delete(h.baselines, s)
		}
	}
	h.dropOrphanedCounts()
}

// mayBe reports whether s is, or may turn out to be, the other scope.
func (s scope) mayBe(other scope) bool {
	return s.region == other.region && s.filter == other.filter && (s.id == "" || s.id == other.id)
}

// dropOrphanedCounts drops the counts of projects that have no baseline.
func (h *History) dropOrphanedCounts() {
	projects := map[projectKey]bool{}
	for s := range h.baselines {
		projects[s.projectKey] = true
	}
	maps.DeleteFunc(h.counts, func(p projectKey, _ map[inventory.ChangeKind]uint64) bool { return !projects[p] })
}

// Observe compares a snapshot with the last known state of its desktops. It does
// no I/O, and is cheap if nothing changed.
func (o *Observer) Observe(s *inventory.Snapshot) {
	if !s.Health.Listed || s.Project.ID == "" {
		return // unknown, which is no change
	}
	h := o.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.retired {
		return
	}
	o.scope.id = s.Project.ID
	b := h.baselines[o.scope]
	if b == nil {
		b = &baseline{}
		h.baselines[o.scope] = b
	}
	if b.owner != nil && b.owner.number > o.number {
		return
	}
	b.owner, b.observed, b.lastSeen = o, true, h.opts.Now()
	counts := h.counts[o.scope.projectKey]
	if counts == nil {
		counts = map[inventory.ChangeKind]uint64{}
		h.counts[o.scope.projectKey] = counts
	}
	changes := b.compare(s, h.opts.Now().Round(0))
	if len(changes) == 0 {
		return
	}
	for _, c := range changes {
		counts[c.Kind]++
	}
	// With the lock, so that all of them get the changes in the same order. Each
	// only appends to a queue.
	h.recent.add(changes)
	h.logger.enqueue(changes)
	if h.opts.Subscriber != nil {
		h.opts.Subscriber(changes)
	}
}

// Count returns the number of changes of each kind in a project; nil if no
// snapshot of the project was observed.
func (h *History) Count(p inventory.Project) map[inventory.ChangeKind]uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.counts[projectKey{p.Region, p.ID}])
}

// Changes returns the kept changes, the newest first.
func (h *History) Changes() []inventory.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recent.newestFirst()
}

// Resize sets the maximum number of changes kept, and drops the oldest above it.
func (h *History) Resize(limit int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent.resize(limit)
}

// Close waits until all changes are logged.
func (h *History) Close() { h.logger.wait() }
