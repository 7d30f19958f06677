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

func (k Key) user() string {
	if k.User != "" {
		return k.User
	}
	return k.AccessKey
}

func (k Key) sees(project string) bool {
	return len(k.Projects) == 0 || slices.Contains(k.Projects, project)
}

func (k Key) may(operation string) bool { return !slices.Contains(k.Deny, operation) }

// keyring knows the keys and locks out those that fail too often.
type keyring struct {
	mu       sync.Mutex
	keys     map[string]Key
	trials   map[string]*trial
	lockouts int
}

// trial is how a key has failed lately.
type trial struct {
	failures int // consecutive
	locked   time.Time
}

// The real cloud locks a key for lockTime after more than maxFailures
// consecutive failures.
const (
	maxFailures = 5
	lockTime    = 5 * time.Minute
)

func (k *keyring) init() {
	k.keys, k.trials = map[string]Key{}, map[string]*trial{}
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

// Lockouts gives the number of times that a key was locked.
func (c *Cloud) Lockouts() int {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	return c.keys.lockouts
}

// Unlock forgets the failures of all keys.
func (c *Cloud) Unlock() {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	clear(c.keys.trials)
}

func (k *keyring) forgetLockouts() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lockouts = 0
}

// find gives a key; locked says that it is locked out, known or not.
func (k *keyring) find(accessKey string, now time.Time) (key Key, known, locked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.trials[accessKey]; t != nil && now.Before(t.locked) {
		return Key{}, false, true
	}
	key, known = k.keys[accessKey]
	return key, known, false
}

// judge counts a success or a failure of a key.
func (k *keyring) judge(accessKey string, passed bool, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if passed {
		delete(k.trials, accessKey)
		return
	}
	t := k.trials[accessKey]
	if t == nil {
		t = &trial{}
		k.trials[accessKey] = t
	}
	t.failures++
	if t.failures > maxFailures {
		*t = trial{locked: now.Add(lockTime)}
		k.lockouts++
	}
}
