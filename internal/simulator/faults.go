// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"hash/fnv"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is something that goes wrong. The first fields choose the calls; the
// others say what happens to them, and may be combined.
type Fault struct {
	Operation   string // absent: every call
	Project     string // absent: in every project
	DesktopID   string // absent: whatever is asked for; else calls that ask for this desktop
	Match       func(Call) bool
	After       int     // leaves so many matching calls alone first
	Times       int     // then strikes so many times; 0: until it is removed
	Probability float64 // strikes by chance, decided by seed and call; 0: always

	Latency          time.Duration // waits before it answers
	ResetConnection  bool          // breaks the connection instead of answering
	HangBeforeHeader bool          // says nothing until the caller leaves
	HangAfterHeader  bool          // the same, after status and header
	HangInBody       bool          // the same, after half of the body
	TruncateBody     bool          // breaks the connection after half of the body
	Drip             time.Duration // sends the body in 8 pieces, so far apart

	Status  int                 // answers this instead, unauthenticated, with Body
	Header  http.Header         // added to the answer, by canonical names
	Body    []byte              // absent: what the real cloud sends with Status
	Rewrite func([]byte) []byte // changes the body of whatever is answered

	OmitIDs     []string // ShowDesktopNetworks answers 200 without these
	ChangeTotal int      // added to total_count
	RepeatPage  bool     // the first page, whatever the offset
	EmptyPage   bool     // no items, with the total_count of the rest
}

// effect is what the faults that strike a call do to it, together.
type effect = Fault

// armed is a fault in place.
type armed struct {
	Fault
	id     uint64
	passed int // matching calls so far
	struck int
	seen   map[uint64]uint64 // how often each call came, for its chance
}

type faults struct {
	mu   sync.Mutex
	seed uint64
	next uint64
	list []*armed
}

// Fail puts a fault in place, until remove is called. Where several strike one
// call, latencies and totals add up, and the earlier one wins the rest.
func (c *Cloud) Fail(f Fault) (remove func()) {
	s := &c.faults
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	a := &armed{Fault: f, id: s.next, seen: map[uint64]uint64{}}
	s.list = append(s.list, a)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = slices.DeleteFunc(s.list, func(x *armed) bool { return x == a })
	}
}

// ClearFaults removes all faults.
func (c *Cloud) ClearFaults() {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.list = nil
}

// fire gives the joint effect of the faults that strike a call.
func (s *faults) fire(call Call) effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e effect
	for _, a := range s.list {
		if a.matches(call) && a.strikes(call, s.seed) {
			merge(&e, &a.Fault)
		}
	}
	return e
}

func (a *armed) matches(call Call) bool {
	return (a.Operation == "" || a.Operation == call.Operation) &&
		(a.Project == "" || a.Project == call.Project) &&
		(a.DesktopID == "" || slices.Contains(call.IDs, a.DesktopID)) &&
		(a.Match == nil || a.Match(call))
}

// maxSeen bounds what an armed fault remembers of calls.
const maxSeen = 1 << 16

// strikes counts a matching call and decides. Chance depends on the seed, on
// what is asked and on how often it was asked, not on the order in which calls
// happen to arrive: so runs with calls at once can be repeated.
func (a *armed) strikes(call Call, seed uint64) bool {
	a.passed++
	if a.passed <= a.After || a.Times > 0 && a.struck >= a.Times {
		return false
	}
	if a.Probability > 0 {
		h := fnv.New64a()
		for _, s := range [...]string{call.Method, call.Path, call.RawQuery} {
			_, _ = h.Write([]byte(s)) // a hash never fails
			_, _ = h.Write([]byte{0})
		}
		what := h.Sum64()
		if len(a.seen) >= maxSeen {
			clear(a.seen)
		}
		a.seen[what]++
		if float64(mix(seed, a.id, what, a.seen[what])>>11)/(1<<53) >= a.Probability {
			return false
		}
	}
	a.struck++
	return true
}

func merge(e *effect, f *Fault) {
	e.Latency += f.Latency
	e.ChangeTotal += f.ChangeTotal
	e.Drip = max(e.Drip, f.Drip)
	e.ResetConnection = e.ResetConnection || f.ResetConnection
	e.HangBeforeHeader = e.HangBeforeHeader || f.HangBeforeHeader
	e.HangAfterHeader = e.HangAfterHeader || f.HangAfterHeader
	e.HangInBody = e.HangInBody || f.HangInBody
	e.TruncateBody = e.TruncateBody || f.TruncateBody
	e.RepeatPage = e.RepeatPage || f.RepeatPage
	e.EmptyPage = e.EmptyPage || f.EmptyPage
	e.OmitIDs = append(e.OmitIDs, f.OmitIDs...)
	if e.Status == 0 && f.Status != 0 {
		e.Status, e.Body = f.Status, f.Body
	}
	if e.Header == nil {
		e.Header = f.Header
	}
	if e.Rewrite == nil {
		e.Rewrite = f.Rewrite
	}
}

// canned is the answer that faults demand instead of the service's.
func (e *effect) canned(requestID string) answer {
	a := answer{status: e.Status, body: e.Body}
	if a.body == nil {
		a.body = usual(e.Status, requestID)
	}
	return a
}
