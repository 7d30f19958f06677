// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// What contradicts itself within one answer is a finding at once. What two
// answers say may differ because something changed between them: that is a doubt,
// and becomes a finding when it is said again.

// Where the quota pays for all networks in every refresh, the EIP list is not
// needed to notice changes. It is read beside the refreshes then, to compare:
// not at once, so that it delays no start, a second time soon, since one reading
// proves nothing, and seldom from there on.
const (
	firstComparison = 5 * time.Minute
	soonComparison  = time.Minute
	comparison      = 10 * time.Minute
	deniedPause     = time.Hour
)

// suspicions is what the engine knows of contradictions.
type suspicions struct {
	audit inventory.ConsistencyChecker
	found []inventory.Finding         // by the audit, when something moved last
	pairs map[inventory.Finding]doubt // those of two desktops
	eips  eipList
}

type doubt struct {
	since  time.Time // when it was noticed
	proven bool
}

// eipList is the last reading of the EIP list, and who is in doubt by it.
type eipList struct {
	bound  inventory.EIPBindings // nil: unknown
	since  time.Time             // when the first of the readings without a break was asked for
	asked  time.Time             // when the last one was
	failed time.Time             // the first try since that failed; zero: none
	due    time.Time             // when it is to be read again; zero: not planned yet
	doubts map[string]mismatch
}

// mismatch is a desktop of which the EIP list says something else than its
// networks.
type mismatch struct {
	listed, shown string
	step          int       // how much of the proof there is
	since         time.Time // when that was
}

// proven is the last step of the proof, for which networks, EIP list and
// networks must say the same again one after the other. So each has been read
// between two readings of the other, and neither can have been late.
const proven = 3

// compared tells whether the EIP list has been read often enough to prove a
// contradiction.
func (l *eipList) compared() bool { return l.bound != nil && l.asked.After(l.since) }

// drop forgets what the list said.
func (l *eipList) drop() { *l = eipList{due: l.due} }

// bind brings a reading of the EIP list, or its failure, into the state.
func (s *engineState) bind(b inventory.EIPBindings, err error, asked time.Time) {
	l := &s.suspicions.eips
	if wait, ok := asWait(err); ok {
		l.due = wait.Until
		return
	}
	if asked.Before(l.asked) {
		return
	}
	l.due = asked.Add(comparison)
	if err != nil {
		if asFailure(inventory.ListDesktopsEips, err).Kind >= inventory.Denied {
			l.due = asked.Add(deniedPause)
		}
		if l.bound != nil && l.failed.IsZero() {
			l.failed = asked
		}
		return
	}
	if l.bound == nil {
		l.since, l.doubts = asked, map[string]mismatch{}
		l.due = asked.Add(soonComparison)
	}
	l.bound, l.asked, l.failed = b, asked, time.Time{}
	for _, d := range s.desktops {
		s.compare(d, asked, false)
	}
	s.touched = true
}

// compare holds the networks of a desktop against the EIP list, when it has
// read the networks or else the list.
func (s *engineState) compare(d *desktop, asked time.Time, networks bool) {
	l := &s.suspicions.eips
	if l.bound == nil || d.record.Networks == nil {
		return
	}
	id := d.record.Desktop.ID
	listed, shown := l.bound[id], d.record.Networks.EIPAddresses()
	if listed == shown {
		delete(l.doubts, id)
		return
	}
	m, known := l.doubts[id]
	switch {
	case !known || m.listed != listed || m.shown != shown:
		l.doubts[id] = mismatch{listed: listed, shown: shown, since: time.Now()}
	case m.step < proven && networks == (m.step%2 == 0) && asked.After(m.since):
		m.step, m.since = m.step+1, time.Now()
		l.doubts[id] = m
	}
}

// lookAtEIPs reads the EIP list beside the refreshes where that is due. The
// caller holds the lock.
func (e *Engine) lookAtEIPs(now time.Time) {
	l := &e.state.suspicions.eips
	if !e.opts.ReadEIPList || e.comparing || e.state.behind || !e.state.health.Up {
		return
	}
	if l.due.IsZero() {
		l.due = now.Add(firstComparison)
	}
	if now.Before(l.due) {
		return
	}
	e.comparing = true
	e.work.Go(func() {
		ctx, cancel := context.WithTimeout(e.ctx, e.opts.Timeout)
		defer cancel()
		b, err := e.opts.Source.ListEIPBindings(ctx)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.comparing = false
		if e.ctx.Err() == nil {
			e.state.bind(b, err, now)
		}
	})
}

// findings gives what could have been found by now, and what was.
func (s *engineState) findings(now time.Time, resolved bool) ([]inventory.FindingReason, []inventory.Finding) {
	p := &s.suspicions
	if s.moved {
		p.found = p.audit.Findings()
	}
	if !s.listed || !resolved {
		p.pairs = nil
		return nil, nil
	}
	var all []inventory.Finding
	pairs := map[inventory.Finding]doubt{}
	for _, f := range p.found {
		if f.Reason == inventory.AddressUsedTwice || f.Reason == inventory.EIPUsedTwice {
			pairs[f] = s.second(f, now)
			if !pairs[f].proven {
				continue
			}
		}
		all = append(all, f)
	}
	p.pairs = pairs
	all = s.appendMismatches(all)
	slices.SortFunc(all, inventory.Finding.Compare)
	return s.checked(), all
}

// checked gives the reasons for which something could have been found.
func (s *engineState) checked() []inventory.FindingReason {
	compared := s.suspicions.eips.compared()
	return slices.DeleteFunc(inventory.FindingReasons(), func(r inventory.FindingReason) bool {
		return r == inventory.EIPNotShown && !compared || r == inventory.EIPNotListed && (!compared || s.opts.EIPListPartial)
	})
}

// second looks at a contradiction between two desktops again. What one of them
// lost, the other may have got: then only the next reading of both tells. Where
// neither has ever been otherwise, nothing went from one to the other.
func (s *engineState) second(f inventory.Finding, now time.Time) doubt {
	one, other := s.find(f.Subject), s.find(f.Other)
	c, known := s.suspicions.pairs[f]
	if !known {
		return doubt{since: now, proven: one == other || !one.moved && !other.moved}
	}
	c.proven = c.proven || one.readAt.After(c.since) && other.readAt.After(c.since)
	return c
}

// find gives the desktop of an ID, which is one of the desktops.
func (s *engineState) find(id string) *desktop {
	i, _ := slices.BinarySearchFunc(s.desktops, id, func(d *desktop, id string) int {
		return strings.Compare(d.record.Desktop.ID, id)
	})
	return s.desktops[i]
}

// appendMismatches tells where EIP list and networks have proven not to fit.
func (s *engineState) appendMismatches(all []inventory.Finding) []inventory.Finding {
	for id, m := range s.suspicions.eips.doubts {
		if m.step < proven {
			continue
		}
		d := s.find(id)
		listed, shown := split(m.listed), split(m.shown)
		for _, address := range listed {
			if !slices.Contains(shown, address) && !nameless(d.record.Networks) {
				all = append(all, inventory.Finding{Reason: inventory.EIPNotShown, Subject: id, Value: address})
			}
		}
		for _, address := range shown {
			if !slices.Contains(listed, address) && !s.opts.EIPListPartial {
				all = append(all, inventory.Finding{Reason: inventory.EIPNotListed, Subject: id, Value: address})
			}
		}
	}
	return all
}

// split takes apart what inventory.JoinAddresses joined.
func split(addresses string) []string {
	if addresses == "" {
		return nil
	}
	return strings.Split(addresses, ",")
}

// nameless tells whether some EIP is shown whose address is not known: it may
// be the one that seems to be missing.
func nameless(n *inventory.Networks) bool {
	return slices.ContainsFunc(n.Interfaces, func(i inventory.Interface) bool {
		return i.EIP.Address == "" && i.EIP.ID != ""
	})
}
