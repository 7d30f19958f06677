// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// scope is what is said under one (region, project_id): a project, or several
// of the configuration that show different desktops of the same one.
type scope struct {
	*inventory.Snapshot
	key        string
	names      []string // in the configuration, sorted
	duplicates int      // records left out because another snapshot has the desktop too

	// projects tells which of the configuration's projects a record comes from,
	// where there are several.
	projects map[*inventory.Record]inventory.Project
}

func (s *scope) projectOf(r *inventory.Record) inventory.Project {
	if p, ok := s.projects[r]; ok {
		return p
	}
	return s.Project
}

// groupScopes makes scopes of snapshots, sorted by region and project ID.
func groupScopes(snapshots []*inventory.Snapshot) []*scope {
	var all []*scope
	for _, parts := range groups(snapshots) {
		all = append(all, newScope(parts))
	}
	return all
}

// groups puts snapshots of one project together.
func groups(snapshots []*inventory.Snapshot) [][]*inventory.Snapshot {
	sorted := slices.DeleteFunc(slices.Clone(snapshots), func(s *inventory.Snapshot) bool { return s == nil })
	slices.SortStableFunc(sorted, func(a, b *inventory.Snapshot) int {
		return cmp.Or(strings.Compare(a.Project.Region, b.Project.Region),
			strings.Compare(a.Project.ID, b.Project.ID),
			strings.Compare(a.Project.Name, b.Project.Name))
	})
	var all [][]*inventory.Snapshot
	for len(sorted) > 0 {
		first := sorted[0].Project
		n := 1
		for n < len(sorted) && sorted[n].Project.Region == first.Region && sorted[n].Project.ID == first.ID {
			n++
		}
		all = append(all, sorted[:n:n])
		sorted = sorted[n:]
	}
	return all
}

func newScope(parts []*inventory.Snapshot) *scope {
	s := &scope{Snapshot: parts[0], key: scopeKey(parts)}
	for _, p := range parts {
		s.names = append(s.names, p.Project.Name)
	}
	s.names = slices.Compact(s.names)
	if len(parts) > 1 {
		s.Snapshot, s.duplicates = merge(parts)
		s.projects = make(map[*inventory.Record]inventory.Project, len(s.Records))
		for _, p := range parts {
			for _, r := range p.Records {
				s.projects[r] = p.Project
			}
		}
	}
	return s
}

// scopeKey tells scopes apart from scrape to scrape.
func scopeKey(parts []*inventory.Snapshot) string {
	key := parts[0].Project.Region + "\x00" + parts[0].Project.ID
	for _, p := range parts {
		key += "\x00" + p.Project.Name
	}
	return key
}

// merge makes one snapshot of several of the same project: each desktop once,
// the health of the worst.
func merge(snapshots []*inventory.Snapshot) (*inventory.Snapshot, int) {
	m := &inventory.Snapshot{Project: snapshots[0].Project, Health: worst(snapshots)}
	var all []*inventory.Record
	for _, s := range snapshots {
		m.Discovered = m.Discovered || s.Discovered
		all = append(all, s.Records...)
	}
	// Of one desktop's records, the one that says most comes first.
	slices.SortStableFunc(all, func(a, b *inventory.Record) int {
		return cmp.Or(strings.Compare(a.Desktop.ID, b.Desktop.ID), cmp.Compare(wealth(b), wealth(a)))
	})
	m.Records = slices.CompactFunc(slices.Clone(all), func(a, b *inventory.Record) bool {
		return a.Desktop.ID == b.Desktop.ID
	})
	m.VPCs, m.Subnets, m.SecurityGroups = inventory.Resources(m.Records)
	m.CheckedReasons, m.Findings = mergeFindings(snapshots, m.Records)
	for _, r := range m.Records {
		if r.Networks == nil {
			m.Health.Unresolved++
		}
	}
	m.Health.Stale = min(m.Health.Stale, len(m.Records)-m.Health.Unresolved)
	return m, len(all) - len(m.Records)
}

// mergeFindings looks for contradictions in all records anew, as they may be
// between those of several snapshots. Those with the EIP list, which is not at
// hand, are taken over. What one snapshot could not look for is not known of all.
func mergeFindings(snapshots []*inventory.Snapshot, records []*inventory.Record) ([]inventory.FindingReason, []inventory.Finding) {
	checked := slices.DeleteFunc(inventory.FindingReasons(), func(r inventory.FindingReason) bool {
		return slices.ContainsFunc(snapshots, func(s *inventory.Snapshot) bool { return !slices.Contains(s.CheckedReasons, r) })
	})
	found := inventory.Findings(records)
	for _, s := range snapshots {
		for _, f := range s.Findings {
			if f.Reason == inventory.EIPNotListed || f.Reason == inventory.EIPNotShown {
				found = append(found, f)
			}
		}
	}
	found = slices.DeleteFunc(found, func(f inventory.Finding) bool { return !slices.Contains(checked, f.Reason) })
	slices.SortFunc(found, inventory.Finding.Compare)
	return checked, slices.Compact(found)
}

// wealth ranks records by how much they tell.
func wealth(r *inventory.Record) int {
	n := 0
	if r.Networks != nil {
		n += 2
	}
	if r.Listed {
		n++
	}
	return n
}

// worst sums up the health of several snapshots. Where one of them has no list
// yet, there is none of all; of the times that they have, the earliest counts.
func worst(snapshots []*inventory.Snapshot) inventory.Health {
	w := inventory.Health{Up: true, Listed: true}
	for _, s := range snapshots {
		h := s.Health
		w.Listed = w.Listed && h.Listed
		if h.Refreshed {
			w.Refreshed = true
			w.Up = w.Up && h.Up
		}
		w.Stale += h.Stale
		w.Duration = max(w.Duration, h.Duration)
		w.LastRefresh = earlier(w.LastRefresh, h.LastRefresh)
		w.LastSuccess = earlier(w.LastSuccess, h.LastSuccess)
		w.OldestData = earlier(w.OldestData, h.OldestData)
		w.Failures = append(w.Failures, h.Failures...)
		if h.QuotaExceededUntil.After(w.QuotaExceededUntil) {
			w.QuotaExceededUntil = h.QuotaExceededUntil
		}
	}
	return w
}

// earlier gives the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// droppedOverlap is the reason of a desktop that several projects of the
// configuration show.
const droppedOverlap = "desktop_in_several_projects"

// scopeCache remembers merged scopes, so that they are merged, and what is left
// out is counted, once for each change and not once for each scrape.
type scopeCache struct {
	dropped func(reason string, n int) // may be nil

	mu     sync.Mutex
	merged map[string]*remembered // by key
}

type remembered struct {
	scope *scope
	parts []*inventory.Snapshot
	used  time.Time
}

// get is groupScopes from memory.
func (c *scopeCache) get(snapshots []*inventory.Snapshot, now time.Time) []*scope {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.merged, func(_ string, m *remembered) bool { return now.Sub(m.used) > idle })
	var all []*scope
	for _, parts := range groups(snapshots) {
		if len(parts) == 1 {
			all = append(all, newScope(parts))
			continue
		}
		key := scopeKey(parts)
		m := c.merged[key]
		if m == nil || !slices.Equal(m.parts, parts) {
			m = &remembered{scope: newScope(parts), parts: parts}
			c.merged[key] = m
			if n := m.scope.duplicates; n > 0 && c.dropped != nil {
				c.dropped(droppedOverlap, n)
			}
		}
		m.used = now
		all = append(all, m.scope)
	}
	return all
}
