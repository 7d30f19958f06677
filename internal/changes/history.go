// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package changes answers what happened to the fleet between two readings. It
// compares what is known of each desktop with what was known of it last, and
// tells what differs: to a journal, to counters, to the log and to a webhook.
package changes

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Options is what a History needs.
type Options struct {
	Logger log.Logger
	Limit  int // changes in the journal, until Resize
	// Subscriber, if not nil, is called with the changes of each snapshot, in the
	// order in which they are found. It must not block, nor call the History.
	Subscriber func([]inventory.Change)
	Now        func() time.Time // nil: time.Now
}

// History is what happened to the fleet. Its methods may be called at the same
// time.
type History struct {
	opts   Options
	logger changeLogger

	mu        sync.Mutex
	scopes    map[scope]*scopeState
	counts    map[projectKey]map[inventory.ChangeKind]uint64
	ring      ring
	observers uint64 // observers
}

// scope is what a tracker tracks: the desktops that a choice leaves of a
// project.
type scope struct {
	projectKey
	choice string
}

type projectKey struct{ region, id string }

// New makes an empty History.
func New(o Options) *History {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &History{
		opts: o, logger: changeLogger{logger: o.Logger}, ring: ring{limit: o.Limit},
		scopes: map[scope]*scopeState{}, counts: map[projectKey]map[inventory.ChangeKind]uint64{},
	}
}

// Observer follows one reader of a project. Of several that read the same, such
// as before and after a reload, the one that was made last is believed.
type Observer struct {
	history *History
	number  uint64
	scope   scope // its ID is empty until it is known
	retired bool
}

// Observer makes an observer of a project whose ID may not be known yet. The
// choice says which desktops of the project are read.
func (h *History) Observer(region, projectID, choice string) *Observer {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.observers++
	return &Observer{history: h, number: h.observers, scope: scope{projectKey{region, projectID}, choice}}
}

// Retain retires all observers but these. What is only known by retired ones is
// forgotten, and with it the counters of projects that nobody reads any more.
func (h *History) Retain(observers []*Observer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s, t := range h.scopes {
		if t.owner != nil && !slices.Contains(observers, t.owner) {
			t.owner.retired, t.owner = true, nil
		}
		followed := slices.ContainsFunc(observers, func(o *Observer) bool { return o.scope.covers(s) })
		if !followed && t.claimed {
			delete(h.scopes, s)
		}
	}
	h.dropUntrackedCounts()
}

// covers tells whether an observer of s may turn out to be one of other.
func (s scope) covers(other scope) bool {
	return s.region == other.region && s.choice == other.choice && (s.id == "" || s.id == other.id)
}

// dropUntrackedCounts ends the counters of projects that are no longer tracked.
func (h *History) dropUntrackedCounts() {
	tracked := map[projectKey]bool{}
	for s := range h.scopes {
		tracked[s.projectKey] = true
	}
	maps.DeleteFunc(h.counts, func(p projectKey, _ map[inventory.ChangeKind]uint64) bool { return !tracked[p] })
}

// Observe compares a snapshot with what was known before. It is cheap where
// nothing changed, and never blocks for long.
func (o *Observer) Observe(s *inventory.Snapshot) {
	if !s.Health.Listed || s.Project.ID == "" {
		return // nothing is known, which is no change
	}
	h := o.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.retired {
		return
	}
	o.scope.id = s.Project.ID
	t := h.scopes[o.scope]
	if t == nil {
		t = &scopeState{}
		h.scopes[o.scope] = t
	}
	if t.owner != nil && t.owner.number > o.number {
		return
	}
	t.owner, t.claimed, t.seen = o, true, h.opts.Now()
	counts := h.counts[o.scope.projectKey]
	if counts == nil {
		counts = map[inventory.ChangeKind]uint64{}
		h.counts[o.scope.projectKey] = counts
	}
	changes := t.compare(s, h.opts.Now().Round(0))
	if len(changes) == 0 {
		return
	}
	for _, c := range changes {
		counts[c.Kind]++
	}
	h.ring.add(changes)
	h.logger.add(changes)
	if h.opts.Subscriber != nil {
		h.opts.Subscriber(changes)
	}
}

// Count gives how many changes of each kind there were in a project; nil: the
// project is not known yet.
func (h *History) Count(p inventory.Project) map[inventory.ChangeKind]uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.counts[projectKey{p.Region, p.ID}])
}

// Changes gives the changes that are kept, the newest first.
func (h *History) Changes() []inventory.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ring.newestFirst()
}

// Resize changes how many changes are kept; of too many, the newest are.
func (h *History) Resize(keep int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.resize(keep)
}

// Close waits until the log has been told everything.
func (h *History) Close() { h.logger.close() }
