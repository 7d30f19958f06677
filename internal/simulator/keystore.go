// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"slices"
	"sync"
	"time"
)

// Key is an access key with the permissions of its user.
type Key struct {
	AccessKey     string
	SecretKey     string
	SecurityToken string    // if set, required in every call
	Expires       time.Time // zero: never
	User          string    // keys of one user share a quota; "": the key has its own
	Projects      []string  // accessible project IDs; empty: all
	Deny          []string  // operations without permission
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

// keyStore contains the keys and their authentication failures.
type keyStore struct {
	mu       sync.Mutex
	keys     map[string]Key
	failures map[string]*failureCount
	lockouts int
}

// failureCount counts the authentication failures of a key.
type failureCount struct {
	consecutive int // consecutive
	lockedUntil time.Time
}

// The real cloud locks a key for lockoutDuration after more than maxFailures
// consecutive failures.
const (
	maxFailures     = 5
	lockoutDuration = 5 * time.Minute
)

func (k *keyStore) init() {
	k.keys, k.failures = map[string]Key{}, map[string]*failureCount{}
}

// AddKey adds or replaces an access key.
func (c *Cloud) AddKey(key Key) {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	key.Projects, key.Deny = slices.Clone(key.Projects), slices.Clone(key.Deny)
	c.keys.keys[key.AccessKey] = key
}

// RemoveKey removes an access key.
func (c *Cloud) RemoveKey(accessKey string) {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	delete(c.keys.keys, accessKey)
}

// LockoutCount returns the number of times that a key was locked.
func (c *Cloud) LockoutCount() int {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	return c.keys.lockouts
}

// UnlockKeys resets the authentication failures of all keys.
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

// lookup returns a key. locked reports whether it is locked, known or not.
func (k *keyStore) lookup(accessKey string, now time.Time) (key Key, known, locked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.failures[accessKey]; t != nil && now.Before(t.lockedUntil) {
		return Key{}, false, true
	}
	key, known = k.keys[accessKey]
	return key, known, false
}

// recordAttempt counts a successful or failed authentication of a key.
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
