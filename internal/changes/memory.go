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

// Memory is all that a History knows, as plain values that can outlive the
// process.
type Memory struct {
	Scopes  []KnownScope
	Counts  []KnownCounts
	Changes []inventory.Change // the newest last
	Waiting []Event            // for the webhook, the newest last
}

// KnownScope is what was known last of the desktops that a choice leaves of a
// project.
type KnownScope struct {
	Region, ProjectID, Choice string
	Seen                      time.Time // when it was read last
	Complete                  bool      // a complete list was seen
	Desktops                  []KnownDesktop
}

// KnownDesktop is what was known last of one desktop.
type KnownDesktop struct {
	ID, Name string
	Listed   bool                // the name is the list's
	Networks *inventory.Networks // nil: never known
}

// KnownCounts is how many changes of each kind there were in a project.
type KnownCounts struct {
	Region, ProjectID string
	Kinds             map[inventory.ChangeKind]uint64
}

// Memory gives all that is known. What was only known before the process
// started is part of it until it is older than maxAge.
func (h *History) Memory(maxAge time.Duration) Memory {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := Memory{Changes: h.journal.oldestFirst()}
	if h.opts.Webhook != nil {
		m.Waiting = h.opts.Webhook.Waiting()
	}
	for s, t := range h.trackers {
		if !t.claimed && h.opts.Now().Sub(t.seen) > maxAge {
			continue
		}
		k := KnownScope{
			Region: s.region, ProjectID: s.id, Choice: s.choice,
			Seen: t.seen, Complete: t.complete, Desktops: make([]KnownDesktop, len(t.entries)),
		}
		for i, e := range t.entries {
			k.Desktops[i] = KnownDesktop{e.id, e.name, e.listed, e.networks}
		}
		m.Scopes = append(m.Scopes, k)
	}
	for p, kinds := range h.counts {
		m.Counts = append(m.Counts, KnownCounts{p.region, p.id, maps.Clone(kinds)})
	}
	return m
}

// Recall begins with what was known before the process started. Nothing has
// been observed yet.
func (h *History) Recall(m Memory) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.journal.add(m.Changes)
	if h.opts.Webhook != nil {
		h.opts.Webhook.Restore(m.Waiting)
	}
	for _, k := range m.Scopes {
		n := len(k.Desktops)
		t := &tracker{seen: k.Seen, complete: k.Complete, entries: make([]entry, n), absent: n}
		for i, d := range k.Desktops {
			t.entries[i] = entry{id: d.ID, name: d.Name, listed: d.Listed, networks: d.Networks}
		}
		slices.SortFunc(t.entries, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
		h.trackers[scope{projectKey{k.Region, k.ProjectID}, k.Choice}] = t
	}
	for _, c := range m.Counts {
		h.counts[projectKey{c.Region, c.ProjectID}] = maps.Clone(c.Kinds)
	}
}
