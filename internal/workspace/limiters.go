// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// limiters has a limiter for each API, endpoint and access key. The quota
// belongs to the user behind the key: when a key is replaced by another of the
// same source, the new one goes on with the quota of the old.
type limiters struct {
	now func() time.Time

	mu     sync.Mutex
	quotas map[string]*quota    // by access key
	used   map[string]time.Time // the same
}

// quota is what one user may ask.
type quota struct {
	label string // of the key in force
	used  time.Time
	apis  map[api]*limiter
}

// keptKey is for how long a key that nobody uses leads to the quota of those
// that replaced it: as long as temporary keys can live.
const keptKey = 24 * time.Hour

type api struct{ operation, endpoint string }

func (l *limiters) of(operation, endpoint, access string) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.quotas[access]
	if q == nil {
		l.forget()
		q = &quota{label: label(access), apis: map[api]*limiter{}}
		if l.quotas == nil {
			l.quotas, l.used = map[string]*quota{}, map[string]time.Time{}
		}
		l.quotas[access] = q
	}
	q.used = l.now()
	l.used[access] = q.used
	a := api{operation, endpoint}
	if q.apis[a] == nil {
		q.apis[a] = newLimiter(operation, l.now)
	}
	return q.apis[a]
}

// rotated says that a source has replaced a key.
func (l *limiters) rotated(from, to *key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.quotas[from.access]; q != nil && l.quotas[to.access] == nil {
		l.forget()
		l.quotas[to.access], l.used[to.access] = q, l.now()
		q.label = label(to.access)
	}
}

// label tells access keys apart without showing them.
func label(access string) string {
	sum := sha256.Sum256([]byte(access))
	return hex.EncodeToString(sum[:4])
}

// Quota is how much is left of one API's calls per minute.
type Quota struct {
	Operation string
	Endpoint  string
	Key       string // tells access keys apart without showing them
	Left      int
	PerMinute int // the budget in force, which is below the configured one after a 429
	Limit     int // the configured budget
}

// Quotas tells what is left of each quota that is in use, in a fixed order.
func (c *Cloud) Quotas() []Quota {
	l := c.limiters
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	var quotas []Quota
	seen := map[*quota]bool{}
	for _, q := range l.quotas {
		if seen[q] {
			continue // a rotated key has the quota of the one before
		}
		seen[q] = true
		for a, limiter := range q.apis {
			left, budget, limit := limiter.left(0)
			quotas = append(quotas, Quota{a.operation, a.endpoint, q.label, left, budget, limit})
		}
	}
	slices.SortFunc(quotas, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Operation, b.Operation))
	})
	return quotas
}

// forget drops the quotas that nobody used lately, and the keys that were
// replaced long ago.
func (l *limiters) forget() {
	now := l.now()
	for access, q := range l.quotas {
		idle := now.Sub(q.used) > window
		for _, a := range q.apis {
			idle = idle && a.idle()
		}
		if idle || now.Sub(l.used[access]) > keptKey {
			delete(l.quotas, access)
			delete(l.used, access)
		}
	}
}
