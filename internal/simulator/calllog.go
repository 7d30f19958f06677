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

// Call is a received call.
type Call struct {
	Operation string // one of the constants; "": no such API
	Project   string
	AccessKey string   // as in the request, not authenticated
	IDs       []string // requested desktops, duplicates included
	Method    string
	Path      string
	RawQuery  string
	Header    http.Header // must not be modified
	RequestID string
	Time      time.Time
	Status    int // of the response; 0: none, or not yet
}

// Query returns the query parameters.
func (c Call) Query() url.Values {
	q, _ := url.ParseQuery(c.RawQuery) // as the cloud: the valid part of an invalid query
	return q
}

// callLog counts all calls and stores the newest ones. The limit keeps the memory of
// long tests constant.
type callLog struct {
	mu          sync.Mutex
	seed        uint64
	history     int
	calls       []*Call // in order of arrival; a ring buffer when full
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

// begin logs a call and sets its request ID.
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

// Calls returns the calls, oldest first, limited by Options.History.
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

// CallCount returns the number of received calls of an operation, or of all
// operations for "".
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

// MaxInFlight returns the maximum of concurrent calls.
func (c *Cloud) MaxInFlight() int {
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maxInFlight
}

// ResetCounters resets the call log, all counts and the used quota. Desktops, keys,
// key lockouts and faults stay.
func (c *Cloud) ResetCounters() {
	c.quota.reset()
	c.keys.resetLockouts()
	l := &c.callLog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.next, l.maxInFlight = nil, 0, l.inFlight
	clear(l.counts)
}

// hooks are functions that run before a call is served.
type hooks struct {
	mu        sync.Mutex
	functions map[int]func(Call)
	id        int
}

// OnCall registers a function that runs before each call is served, for example to
// change desktops between two pages. fn must be safe for concurrent use.
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

// hashNumbers returns a hash of numbers (splitmix64) that is the same on every run.
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

// hexID returns 32 hexadecimal digits, the format of the cloud's IDs.
func hexID(parts ...uint64) string {
	var b [16]byte
	h := hashNumbers(parts...)
	binary.BigEndian.PutUint64(b[:8], h)
	binary.BigEndian.PutUint64(b[8:], hashNumbers(h, 1))
	return hex.EncodeToString(b[:])
}
