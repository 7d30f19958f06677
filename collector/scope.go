// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Scope is what has the same labels region and project_id: one project of the
// configuration, or several that select desktops of the same cloud project.
type Scope struct {
	*inventory.Snapshot
	Key        string   // identifies the scope and its projects of the configuration
	names      []string // in the configuration, sorted
	duplicates int      // records left out because another snapshot has the desktop too

	// projects is the project of the configuration of each record, if there are
	// several.
	projects map[*inventory.Record]inventory.Project
}

func (s *Scope) projectOf(r *inventory.Record) inventory.Project {
	if p, ok := s.projects[r]; ok {
		return p
	}
	return s.Project
}

// Scopes returns the scopes of snapshots, sorted by region and project ID. A nil
// snapshot is ignored.
func Scopes(snapshots []*inventory.Snapshot) []*Scope {
	var all []*Scope
	for _, parts := range groupByProject(snapshots) {
		all = append(all, newScope(parts))
	}
	return all
}

// groupByProject returns the snapshots of each region and project ID.
func groupByProject(snapshots []*inventory.Snapshot) [][]*inventory.Snapshot {
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

func newScope(parts []*inventory.Snapshot) *Scope {
	s := &Scope{Snapshot: parts[0], Key: scopeKey(parts)}
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

// scopeKey returns Scope.Key, which is the same in every scrape.
func scopeKey(parts []*inventory.Snapshot) string {
	key := parts[0].Project.Region + "\x00" + parts[0].Project.ID
	for _, p := range parts {
		key += "\x00" + p.Project.Name
	}
	return key
}

// merge returns one snapshot of several of the same project, with each desktop
// once, and the number of duplicates.
func merge(snapshots []*inventory.Snapshot) (merged *inventory.Snapshot, duplicates int) {
	m := &inventory.Snapshot{Project: snapshots[0].Project, Health: mergeHealth(snapshots)}
	var all []*inventory.Record
	for _, s := range snapshots {
		m.Discovered = m.Discovered || s.Discovered
		all = append(all, s.Records...)
	}
	// The most complete record of a desktop comes first.
	slices.SortStableFunc(all, func(a, b *inventory.Record) int {
		return cmp.Or(strings.Compare(a.Desktop.ID, b.Desktop.ID), cmp.Compare(completeness(b), completeness(a)))
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

// mergeFindings checks all records again, since a finding can be about records
// of several snapshots. Findings that need the EIP list, which a snapshot does
// not contain, are copied. A reason is checked if it is in every snapshot.
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

// completeness returns a rank: higher for a record with more data.
func completeness(r *inventory.Record) int {
	n := 0
	if r.Networks != nil {
		n += 2
	}
	if r.Listed {
		n++
	}
	return n
}

// mergeHealth returns the health of several snapshots together: up if all are,
// listed if all are, the earliest times, the longest duration.
func mergeHealth(snapshots []*inventory.Snapshot) inventory.Health {
	merged := inventory.Health{Up: true, Listed: true}
	for _, s := range snapshots {
		h := s.Health
		merged.Listed = merged.Listed && h.Listed
		if h.Refreshed {
			merged.Refreshed = true
			merged.Up = merged.Up && h.Up
		}
		merged.Stale += h.Stale
		merged.Duration = max(merged.Duration, h.Duration)
		merged.LastRefresh = earliest(merged.LastRefresh, h.LastRefresh)
		merged.LastSuccess = earliest(merged.LastSuccess, h.LastSuccess)
		merged.OldestData = earliest(merged.OldestData, h.OldestData)
		merged.Failures = append(merged.Failures, h.Failures...)
		if h.QuotaExceededUntil.After(merged.QuotaExceededUntil) {
			merged.QuotaExceededUntil = h.QuotaExceededUntil
		}
	}
	return merged
}

// earliest returns the earlier of two times. The zero time counts as none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
