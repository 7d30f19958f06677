// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// droppedOverlap is the reason of a desktop that several projects of the
// configuration select.
const droppedOverlap = "desktop_in_several_projects"

// ScopeCache keeps merged scopes, so that snapshots are merged, and duplicates
// counted, once for each change and not in each scrape. Its zero value with a
// TTL is ready for use.
type ScopeCache struct {
	TTL     time.Duration              // after which an unused scope is deleted
	Dropped func(reason string, n int) // counts duplicates; may be nil

	mu     sync.Mutex
	merged map[string]*cachedScope // by key
}

type cachedScope struct {
	scope *Scope
	parts []*inventory.Snapshot
	used  time.Time
}

// Scopes is the function Scopes with a cache.
func (c *ScopeCache) Scopes(snapshots []*inventory.Snapshot, now time.Time) []*Scope {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.merged, func(_ string, m *cachedScope) bool { return now.Sub(m.used) > c.TTL })
	var all []*Scope
	for _, parts := range groupByProject(snapshots) {
		if len(parts) == 1 {
			all = append(all, newScope(parts))
		} else {
			all = append(all, c.mergedScope(parts, now))
		}
	}
	return all
}

// mergedScope returns the cached scope of parts, or merges them.
func (c *ScopeCache) mergedScope(parts []*inventory.Snapshot, now time.Time) *Scope {
	key := scopeKey(parts)
	m := c.merged[key]
	if m == nil || !slices.Equal(m.parts, parts) {
		m = &cachedScope{scope: newScope(parts), parts: parts}
		if c.merged == nil {
			c.merged = make(map[string]*cachedScope)
		}
		c.merged[key] = m
		if n := m.scope.duplicates; n > 0 && c.Dropped != nil {
			c.Dropped(droppedOverlap, n)
		}
	}
	m.used = now
	return m.scope
}
