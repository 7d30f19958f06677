// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"sync"
	"time"
)

// quota limits the calls per user and operation in any sliding minute, as the
// gateway's documentation describes. Rejected calls do not count.
type quota struct {
	mu        sync.Mutex
	perMinute int
	windows   map[quotaKey]*callWindow
	refused   map[string]int
}

type quotaKey struct{ user, operation string }

// callWindow contains the calls of the last minute.
type callWindow struct {
	times []time.Time // of admitted calls, oldest first
	peak  int
}

func (q *quota) init(perMinute int) {
	q.perMinute = perMinute
	q.windows, q.refused = map[quotaKey]*callWindow{}, map[string]int{}
}

// admit counts a call, or rejects it. limit is the quota.
func (q *quota) admit(user, operation string, clock func() time.Time) (limit int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock() // with the lock, so that times are in order
	w := q.windows[quotaKey{user, operation}]
	if w == nil {
		w = &callWindow{}
		q.windows[quotaKey{user, operation}] = w
	}
	for len(w.times) > 0 && !w.times[0].Add(time.Minute).After(now) {
		w.times = w.times[1:]
	}
	if q.perMinute > 0 && len(w.times) >= q.perMinute {
		q.refused[operation]++
		return q.perMinute, false
	}
	w.times = append(w.times, now)
	w.peak = max(w.peak, len(w.times))
	return q.perMinute, true
}

func (q *quota) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.windows)
	clear(q.refused)
}

// SetQuota changes the quota; 0 is unlimited. Previous calls still count.
func (c *Cloud) SetQuota(perMinute int) {
	c.quota.mu.Lock()
	defer c.quota.mu.Unlock()
	c.quota.perMinute = perMinute
}

// ThrottledCount returns the number of calls of an operation that the quota
// rejected, or of all operations for "".
func (c *Cloud) ThrottledCount(operation string) int {
	c.quota.mu.Lock()
	defer c.quota.mu.Unlock()
	if operation != "" {
		return c.quota.refused[operation]
	}
	sum := 0
	for _, n := range c.quota.refused {
		sum += n
	}
	return sum
}

// PeakCallsPerMinute returns the maximum of admitted calls of an operation by one
// user in any sliding minute.
func (c *Cloud) PeakCallsPerMinute(operation string) int {
	c.quota.mu.Lock()
	defer c.quota.mu.Unlock()
	peak := 0
	for k, w := range c.quota.windows {
		if k.operation == operation {
			peak = max(peak, w.peak)
		}
	}
	return peak
}
