// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"slices"
	"sync"
	"time"
)

// Key is an access key and what its user may do.
type Key struct {
	AccessKey     string
	SecretKey     string
	SecurityToken string    // must come with every call, if the key has one
	Expires       time.Time // zero: never
	User          string    // keys of one user share a quota; absent: the key has its own
	Projects      []string  // that it may ask; absent: all
	Deny          []string  // operations that it may not use
}

func (k Key) quotaUser() string {
	if k.User != "" {
		return k.User
	}
	return k.AccessKey
}

func (k Key) canAccess(project string) bool {
	return len(k.Projects) == 0 || slices.Contains(k.Projects, project)
}

func (k Key) isAllowed(operation string) bool { return !slices.Contains(k.Deny, operation) }

// keyStore knows the keys and locks out those that fail too often.
type keyStore struct {
	mu       sync.Mutex
	keys     map[string]Key
	failures map[string]*failureCount
	lockouts int
}

// failureCount is how a key has failed lately.
type failureCount struct {
	consecutive int // consecutive
	lockedUntil time.Time
}

// The real cloud locks a key for lockTime after more than maxFailures
// consecutive failures.
const (
	maxFailures     = 5
	lockoutDuration = 5 * time.Minute
)

func (k *keyStore) init() {
	k.keys, k.failures = map[string]Key{}, map[string]*failureCount{}
}

// AddKey makes a key valid, or changes it.
func (c *Cloud) AddKey(key Key) {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	key.Projects, key.Deny = slices.Clone(key.Projects), slices.Clone(key.Deny)
	c.keys.keys[key.AccessKey] = key
}

// RemoveKey makes a key invalid.
func (c *Cloud) RemoveKey(accessKey string) {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	delete(c.keys.keys, accessKey)
}

// LockoutCount gives the number of times that a key was locked.
func (c *Cloud) LockoutCount() int {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	return c.keys.lockouts
}

// UnlockKeys forgets the failures of all keys.
func (c *Cloud) UnlockKeys() {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	clear(c.keys.failures)
}

func (k *keyStore) resetLockouts() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lockouts = 0
}

// lookup gives a key; locked says that it is locked out, known or not.
func (k *keyStore) lookup(accessKey string, now time.Time) (key Key, known, locked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.failures[accessKey]; t != nil && now.Before(t.lockedUntil) {
		return Key{}, false, true
	}
	key, known = k.keys[accessKey]
	return key, known, false
}

// recordAttempt counts a success or a failure of a key.
func (k *keyStore) recordAttempt(accessKey string, passed bool, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if passed {
		delete(k.failures, accessKey)
		return
	}
	t := k.failures[accessKey]
	if t == nil {
		t = &failureCount{}
		k.failures[accessKey] = t
	}
	t.consecutive++
	if t.consecutive > maxFailures {
		*t = failureCount{lockedUntil: now.Add(lockoutDuration)}
		k.lockouts++
	}
}
