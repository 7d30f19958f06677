// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// keyTTL is how long an unused access key leads to the quota of its successors:
// as long as temporary keys can live.
const keyTTL = 24 * time.Hour

// Registry has a limiter for each operation, endpoint and user. The cloud counts
// requests by the user of an access key: a key that replaces another one of the
// same credentials continues with its quota.
type Registry struct {
	now func() time.Time

	mu   sync.Mutex
	keys map[string]*key // by access key
}

// key is an access key that was used lately.
type key struct {
	user     *user
	lastUsed time.Time
}

// user has the limiters of one user of the cloud.
type user struct {
	keyHash  string // of the newest access key
	lastUsed time.Time
	limiters map[api]*Limiter
}

type api struct{ operation, endpoint string }

// NewRegistry returns an empty registry.
func NewRegistry(now func() time.Time) *Registry {
	return &Registry{now: now, keys: map[string]*key{}}
}

// Limiter returns the limiter for an operation at an endpoint by an access key.
func (r *Registry) Limiter(operation, endpoint, accessKey string) *Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.keys[accessKey]
	if k == nil {
		r.dropUnused()
		k = &key{user: &user{keyHash: hash(accessKey), limiters: map[api]*Limiter{}}}
		r.keys[accessKey] = k
	}
	k.lastUsed = r.now()
	u := k.user
	u.lastUsed = k.lastUsed
	a := api{operation, endpoint}
	if u.limiters[a] == nil {
		u.limiters[a] = NewLimiter(r.now)
	}
	return u.limiters[a]
}

// KeyRotated makes an access key continue with the quota of the one that it
// replaces.
func (r *Registry) KeyRotated(from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.keys[from]; k != nil && r.keys[to] == nil {
		r.dropUnused()
		r.keys[to] = &key{user: k.user, lastUsed: r.now()}
		k.user.keyHash = hash(to)
	}
}

// hash identifies an access key without showing it.
func hash(accessKey string) string {
	sum := sha256.Sum256([]byte(accessKey))
	return hex.EncodeToString(sum[:4])
}

// Quota is the state of one limiter, in requests per minute.
type Quota struct {
	Operation string
	Endpoint  string
	Key       string // short hash of the access key
	Available int
	Budget    int // in force: less than Limit after a 429
	Limit     int // configured
}

// Quotas returns the quotas in use, ordered by key, endpoint and operation.
func (r *Registry) Quotas() []Quota {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropUnused()
	var quotas []Quota
	seen := map[*user]bool{}
	for _, k := range r.keys {
		if seen[k.user] {
			continue // by another key
		}
		seen[k.user] = true
		for a, l := range k.user.limiters {
			available, budget, limit := l.Available(0)
			quotas = append(quotas, Quota{a.operation, a.endpoint, k.user.keyHash, available, budget, limit})
		}
	}
	slices.SortFunc(quotas, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Operation, b.Operation))
	})
	return quotas
}

// dropUnused drops the users without recent requests, and the keys that were
// replaced long ago.
func (r *Registry) dropUnused() {
	now := r.now()
	for accessKey, k := range r.keys {
		idle := now.Sub(k.user.lastUsed) > window
		for _, l := range k.user.limiters {
			idle = idle && l.idle()
		}
		if idle || now.Sub(k.lastUsed) > keyTTL {
			delete(r.keys, accessKey)
		}
	}
}
