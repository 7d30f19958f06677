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
	SlowBody         time.Duration // sends the body in 8 pieces, so far apart

	Status      int                 // answers this instead, unauthenticated, with Body
	Header      http.Header         // added to the answer, by canonical names
	Body        []byte              // absent: what the real cloud sends with Status
	RewriteBody func([]byte) []byte // changes the body of whatever is answered

	OmitIDs         []string // ShowDesktopNetworks answers 200 without these
	TotalCountDelta int      // added to total_count
	RepeatPage      bool     // the first page, whatever the offset
	EmptyPage       bool     // no items, with the total_count of the rest
}

// faultEffect is what the faults that strike a call do to it, together.
type faultEffect = Fault

// activeFault is a fault in place.
type activeFault struct {
	Fault
	id         uint64
	matched    int // matching calls so far
	triggered  int
	callCounts map[uint64]uint64 // how often each call came, for its chance
}

type faults struct {
	mu   sync.Mutex
	seed uint64
	next uint64
	list []*activeFault
}

// AddFault puts a fault in place, until remove is called. Where several strike one
// call, latencies and totals add up, and the earlier one wins the rest.
func (c *Cloud) AddFault(f Fault) (remove func()) {
	s := &c.faults
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	a := &activeFault{Fault: f, id: s.next, callCounts: map[uint64]uint64{}}
	s.list = append(s.list, a)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = slices.DeleteFunc(s.list, func(x *activeFault) bool { return x == a })
	}
}

// ClearFaults removes all faults.
func (c *Cloud) ClearFaults() {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.list = nil
}

// evaluate gives the joint effect of the faults that strike a call.
func (s *faults) evaluate(call Call) faultEffect {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e faultEffect
	for _, a := range s.list {
		if a.matches(call) && a.triggers(call, s.seed) {
			merge(&e, &a.Fault)
		}
	}
	return e
}

func (a *activeFault) matches(call Call) bool {
	return (a.Operation == "" || a.Operation == call.Operation) &&
		(a.Project == "" || a.Project == call.Project) &&
		(a.DesktopID == "" || slices.Contains(call.IDs, a.DesktopID)) &&
		(a.Match == nil || a.Match(call))
}

// maxCallCounts bounds what an armed fault remembers of calls.
const maxCallCounts = 1 << 16

// triggers counts a matching call and decides. Chance depends on the seed, on
// what is asked and on how often it was asked, not on the order in which calls
// happen to arrive: so runs with calls at once can be repeated.
func (a *activeFault) triggers(call Call, seed uint64) bool {
	a.matched++
	if a.matched <= a.After || a.Times > 0 && a.triggered >= a.Times {
		return false
	}
	if a.Probability > 0 {
		h := fnv.New64a()
		for _, s := range [...]string{call.Method, call.Path, call.RawQuery} {
			_, _ = h.Write([]byte(s)) // a hash never fails
			_, _ = h.Write([]byte{0})
		}
		what := h.Sum64()
		if len(a.callCounts) >= maxCallCounts {
			clear(a.callCounts)
		}
		a.callCounts[what]++
		if float64(hashNumbers(seed, a.id, what, a.callCounts[what])>>11)/(1<<53) >= a.Probability {
			return false
		}
	}
	a.triggered++
	return true
}

func merge(e *faultEffect, f *Fault) {
	e.Latency += f.Latency
	e.TotalCountDelta += f.TotalCountDelta
	e.SlowBody = max(e.SlowBody, f.SlowBody)
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
	if e.RewriteBody == nil {
		e.RewriteBody = f.RewriteBody
	}
}

// response is the answer that faults demand instead of the service's.
func (e *faultEffect) response(requestID string) response {
	a := response{status: e.Status, body: e.Body}
	if a.body == nil {
		a.body = defaultBody(e.Status, requestID)
	}
	return a
}
