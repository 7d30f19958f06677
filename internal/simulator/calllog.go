// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Call is one call as it came in.
type Call struct {
	Operation string // one of the constants; empty: no such API
	Project   string
	AccessKey string   // that claims to ask
	IDs       []string // desktops that are asked for, as often as asked
	Method    string
	Path      string
	RawQuery  string
	Header    http.Header // not to be changed
	RequestID string
	Time      time.Time
	Status    int // of the answer; 0: none yet, or never
}

// Query gives the parameters.
func (c Call) Query() url.Values {
	q, _ := url.ParseQuery(c.RawQuery) // the good part of a bad query is what the cloud used
	return q
}

// callLog remembers the calls. Counts are of all calls; details only of the
// last ones, so that a soak test measures the exporter and not the simulator.
type callLog struct {
	mu          sync.Mutex
	seed        uint64
	history     int
	calls       []*Call // in the order of arrival; a ring once it is full
	next        int
	total       uint64
	counts      map[string]int
	inFlight    int
	maxInFlight int
}

func (l *callLog) init(history int, seed uint64) {
	l.history, l.seed = history, seed
	l.counts = map[string]int{}
}

// begin records a call and gives it its request id.
func (l *callLog) begin(call *Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	call.RequestID = hexID(l.seed, l.total)
	l.counts[call.Operation]++
	l.inFlight++
	l.maxInFlight = max(l.maxInFlight, l.inFlight)
	record := new(*call)
	switch {
	case l.history < 0:
	case len(l.calls) < l.history:
		l.calls = append(l.calls, record)
	default:
		l.calls[l.next] = record
		l.next = (l.next + 1) % l.history
	}
	return record
}

func (l *callLog) status(record *Call, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record.Status = status
}

func (l *callLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
}

// Calls gives the calls so far, the oldest first, as far as they are remembered.
func (c *Cloud) Calls() []Call {
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Call, 0, len(l.calls))
	for i := range l.calls {
		out = append(out, *l.calls[(l.next+i)%len(l.calls)])
	}
	return out
}

// CallCount gives the number of calls of an operation that arrived, answered or
// not; of all calls without an operation.
func (c *Cloud) CallCount(operation string) int {
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	if operation != "" {
		return l.counts[operation]
	}
	sum := 0
	for _, n := range l.counts {
		sum += n
	}
	return sum
}

// MaxInFlight gives the largest number of calls that were in work at once.
func (c *Cloud) MaxInFlight() int {
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maxInFlight
}

// ResetCounters forgets the calls, the counts of all kinds and the spent quota, but
// neither the fleet nor keys, locks and faults.
func (c *Cloud) ResetCounters() {
	c.quota.reset()
	c.keys.resetLockouts()
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.next, l.maxInFlight = nil, 0, l.inFlight
	clear(l.counts)
}

// hooks are the functions that see calls before they are answered.
type hooks struct {
	mu        sync.Mutex
	functions map[int]func(Call)
	id        int
}

// OnCall has every call shown to fn before it is answered, so that fn can change
// the fleet between two pages. fn may be called at once for several calls.
func (c *Cloud) OnCall(fn func(Call)) (remove func()) {
	h := &c.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.functions == nil {
		h.functions = map[int]func(Call){}
	}
	h.id++
	id := h.id
	h.functions[id] = fn
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.functions, id)
	}
}

func (h *hooks) run(call Call) {
	h.mu.Lock()
	fns := make([]func(Call), 0, len(h.functions))
	for id := range h.id {
		if fn, ok := h.functions[id+1]; ok {
			fns = append(fns, fn)
		}
	}
	h.mu.Unlock()
	for _, fn := range fns {
		fn(call)
	}
}

// hashNumbers is a hash of numbers (splitmix64): cheap, and the same on every run.
func hashNumbers(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h += p + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// hexID gives 32 hexadecimal digits, as the cloud's ids have them.
func hexID(parts ...uint64) string {
	var b [16]byte
	h := hashNumbers(parts...)
	binary.BigEndian.PutUint64(b[:8], h)
	binary.BigEndian.PutUint64(b[8:], hashNumbers(h, 1))
	return hex.EncodeToString(b[:])
}
