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

// Fault is a fault of the cloud. The first fields select calls; the others define
// the effects, which can be combined.
type Fault struct {
	Operation   string          // "": all
	Project     string          // "": all
	DesktopID   string          // only calls that request this desktop; "": all
	Match       func(Call) bool // nil: all
	After       int             // number of matching calls to skip first
	Times       int             // maximum of affected calls; 0: unlimited
	Probability float64         // of affecting a call, derived from seed and call; 0: always

	Latency          time.Duration // delay before the response
	ResetConnection  bool          // closes the connection without a response
	HangBeforeHeader bool          // sends nothing until the client disconnects
	HangAfterHeader  bool          // the same, after status and headers
	HangInBody       bool          // the same, after half of the body
	TruncateBody     bool          // closes the connection after half of the body
	SlowBody         time.Duration // interval of sending the body in 8 chunks
	RawResponse      []byte        // these bytes in place of an HTTP response, then closes the connection

	Status      int                 // responds with this status and Body, without authentication
	Header      http.Header         // additional headers, by canonical name
	Body        []byte              // nil: the body that the real cloud sends with Status
	RewriteBody func([]byte) []byte // modifies the body of any response

	OmitIDs         []string // desktops that ShowDesktopNetworks omits
	TotalCountDelta int      // added to total_count
	RepeatPage      bool     // the first page for every offset
	EmptyPage       bool     // no items, but the same total_count
	PageLimit       int      // maximum number of items in a page, whatever the request; 0: as documented
}

// faultEffect is the combined effect of all faults that affect a call.
type faultEffect = Fault

// activeFault is a fault that was added.
type activeFault struct {
	Fault
	id         uint64
	matched    int // matching calls so far
	triggered  int
	callCounts map[uint64]uint64 // repetitions of each call, for random faults
}

type faults struct {
	mu   sync.Mutex
	seed uint64
	next uint64
	list []*activeFault
}

// AddFault activates a fault until remove is called. If several affect a call, their
// Latency and TotalCountDelta add up; for other fields the earliest wins.
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

// evaluate returns the combined effect of all faults on a call.
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

// maxCallCounts limits the size of activeFault.callCounts.
const maxCallCounts = 1 << 16

// triggers counts a matching call and reports whether the fault affects it. Random
// faults depend on the seed, the call and its repetitions, not on the order of
// calls, so that tests with concurrent calls are reproducible.
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
	if e.RawResponse == nil {
		e.RawResponse = f.RawResponse
	}
	if e.PageLimit == 0 {
		e.PageLimit = f.PageLimit
	}
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

// response returns the response of a fault with Status.
func (e *faultEffect) response(requestID string) response {
	a := response{status: e.Status, body: e.Body}
	if a.body == nil {
		a.body = defaultBody(e.Status, requestID)
	}
	return a
}
