// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"sync"
	"time"
)

// quota admits so many calls of one user and operation in any sliding minute,
// as the gateway's documented limits do. Calls that it refuses cost nothing.
type quota struct {
	mu      sync.Mutex
	perMin  int
	windows map[caller]*window
	refused map[string]int
}

type caller struct{ user, operation string }

// window holds the times of the calls of the last minute.
type window struct {
	times []time.Time // admitted, the oldest first
	peak  int
}

func (q *quota) init(perMinute int) {
	q.perMin = perMinute
	q.windows, q.refused = map[caller]*window{}, map[string]int{}
}

// admit counts a call, or refuses it and says what the limit is.
func (q *quota) admit(user, operation string, clock func() time.Time) (limit int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock() // under the lock, so that the times of a window are in order
	w := q.windows[caller{user, operation}]
	if w == nil {
		w = &window{}
		q.windows[caller{user, operation}] = w
	}
	for len(w.times) > 0 && !w.times[0].Add(time.Minute).After(now) {
		w.times = w.times[1:]
	}
	if q.perMin > 0 && len(w.times) >= q.perMin {
		q.refused[operation]++
		return q.perMin, false
	}
	w.times = append(w.times, now)
	w.peak = max(w.peak, len(w.times))
	return q.perMin, true
}

func (q *quota) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.windows)
	clear(q.refused)
}

// SetQuota changes the quota; 0 ends it. What is spent stays spent.
func (c *Cloud) SetQuota(perMinute int) {
	c.quota.mu.Lock()
	defer c.quota.mu.Unlock()
	c.quota.perMin = perMinute
}

// Throttled gives the number of calls of an operation that the quota refused;
// of all operations without one.
func (c *Cloud) Throttled(operation string) int {
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

// Peak gives the largest number of calls of an operation that one user had
// admitted in any sliding minute.
func (c *Cloud) Peak(operation string) int {
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
