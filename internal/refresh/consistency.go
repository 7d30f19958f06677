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
	firstEIPReadDelay     = 5 * time.Minute
	secondEIPReadDelay    = time.Minute
	eipReadInterval       = 10 * time.Minute
	deniedEIPReadInterval = time.Hour
)

// consistency is what the engine knows of contradictions.
type consistency struct {
	checker    inventory.ConsistencyChecker
	candidates []inventory.Finding           // by the audit, when something moved last
	pending    map[inventory.Finding]pending // those of two desktops
	eips       eipList
}

type pending struct {
	since     time.Time // when it was noticed
	confirmed bool
}

// eipList is the last reading of the EIP list, and who is in doubt by it.
type eipList struct {
	bindings   inventory.EIPBindings // nil: unknown
	firstRead  time.Time             // when the first of the readings without a break was asked for
	lastRead   time.Time             // when the last one was
	failedAt   time.Time             // the first try since that failed; zero: none
	nextRead   time.Time             // when it is to be read again; zero: not planned yet
	mismatches map[string]mismatch
}

// mismatch is a desktop of which the EIP list says something else than its
// networks.
type mismatch struct {
	listed, shown string
	step          int       // how much of the proof there is
	since         time.Time // when that was
}

// confirmedStep is the last step of the proof, for which networks, EIP list and
// networks must say the same again one after the other. So each has been read
// between two readings of the other, and neither can have been late.
const confirmedStep = 3

// readTwice tells whether the EIP list has been read often enough to prove a
// contradiction.
func (l *eipList) readTwice() bool { return l.bindings != nil && l.lastRead.After(l.firstRead) }

// reset forgets what the list said.
func (l *eipList) reset() { *l = eipList{nextRead: l.nextRead} }

// applyEIPList brings a reading of the EIP list, or its failure, into the state.
func (s *engineState) applyEIPList(b inventory.EIPBindings, err error, asked time.Time) {
	l := &s.consistency.eips
	if wait, ok := asQuotaExceeded(err); ok {
		l.nextRead = wait.Until
		return
	}
	if asked.Before(l.lastRead) {
		return
	}
	l.nextRead = asked.Add(eipReadInterval)
	if err != nil {
		if asFailure(inventory.ListDesktopsEips, err).Kind >= inventory.Denied {
			l.nextRead = asked.Add(deniedEIPReadInterval)
		}
		if l.bindings != nil && l.failedAt.IsZero() {
			l.failedAt = asked
		}
		return
	}
	if l.bindings == nil {
		l.firstRead, l.mismatches = asked, map[string]mismatch{}
		l.nextRead = asked.Add(secondEIPReadDelay)
	}
	l.bindings, l.lastRead, l.failedAt = b, asked, time.Time{}
	for _, d := range s.desktops {
		s.compareEIPs(d, asked, false)
	}
	s.dirty = true
}

// compareEIPs holds the networks of a desktop against the EIP list, when it has
// read the networks or else the list.
func (s *engineState) compareEIPs(d *desktop, asked time.Time, networks bool) {
	l := &s.consistency.eips
	if l.bindings == nil || d.record.Networks == nil {
		return
	}
	id := d.record.Desktop.ID
	listed, shown := l.bindings[id], d.record.Networks.EIPAddresses()
	if listed == shown {
		delete(l.mismatches, id)
		return
	}
	m, known := l.mismatches[id]
	switch {
	case !known || m.listed != listed || m.shown != shown:
		l.mismatches[id] = mismatch{listed: listed, shown: shown, since: time.Now()}
	case m.step < confirmedStep && networks == (m.step%2 == 0) && asked.After(m.since):
		m.step, m.since = m.step+1, time.Now()
		l.mismatches[id] = m
	}
}

// maybeReadEIPs reads the EIP list beside the refreshes where that is due. The
// caller holds the lock.
func (e *Engine) maybeReadEIPs(now time.Time) {
	l := &e.state.consistency.eips
	if !e.opts.ReadEIPList || e.readingEIPs || e.state.quotaLimited || !e.state.health.Up {
		return
	}
	if l.nextRead.IsZero() {
		l.nextRead = now.Add(firstEIPReadDelay)
	}
	if now.Before(l.nextRead) {
		return
	}
	e.readingEIPs = true
	e.work.Go(func() {
		ctx, cancel := context.WithTimeout(e.ctx, e.opts.Timeout)
		defer cancel()
		b, err := e.opts.Source.ListEIPBindings(ctx)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.readingEIPs = false
		if e.ctx.Err() == nil {
			e.state.applyEIPList(b, err, now)
		}
	})
}

// findings gives what could have been found by now, and what was.
func (s *engineState) findings(now time.Time, resolved bool) ([]inventory.FindingReason, []inventory.Finding) {
	p := &s.consistency
	if s.recordsDirty {
		p.candidates = p.checker.Findings()
	}
	if !s.listed || !resolved {
		p.pending = nil
		return nil, nil
	}
	var all []inventory.Finding
	pairs := map[inventory.Finding]pending{}
	for _, f := range p.candidates {
		if f.Reason == inventory.AddressUsedTwice || f.Reason == inventory.EIPUsedTwice {
			pairs[f] = s.confirm(f, now)
			if !pairs[f].confirmed {
				continue
			}
		}
		all = append(all, f)
	}
	p.pending = pairs
	all = s.appendMismatches(all)
	slices.SortFunc(all, inventory.Finding.Compare)
	return s.checkedReasons(), all
}

// checkedReasons gives the reasons for which something could have been found.
func (s *engineState) checkedReasons() []inventory.FindingReason {
	compared := s.consistency.eips.readTwice()
	return slices.DeleteFunc(inventory.FindingReasons(), func(r inventory.FindingReason) bool {
		return r == inventory.EIPNotShown && !compared || r == inventory.EIPNotListed && (!compared || s.opts.EIPListPartial)
	})
}

// confirm looks at a contradiction between two desktops again. What one of them
// lost, the other may have got: then only the next reading of both tells. Where
// neither has ever been otherwise, nothing went from one to the other.
func (s *engineState) confirm(f inventory.Finding, now time.Time) pending {
	one, other := s.desktopByID(f.Subject), s.desktopByID(f.Other)
	c, known := s.consistency.pending[f]
	if !known {
		return pending{since: now, confirmed: one == other || !one.everChanged && !other.everChanged}
	}
	c.confirmed = c.confirmed || one.readAt.After(c.since) && other.readAt.After(c.since)
	return c
}

// desktopByID gives the desktop of an ID, which is one of the desktops.
func (s *engineState) desktopByID(id string) *desktop {
	i, _ := slices.BinarySearchFunc(s.desktops, id, func(d *desktop, id string) int {
		return strings.Compare(d.record.Desktop.ID, id)
	})
	return s.desktops[i]
}

// appendMismatches tells where EIP list and networks have proven not to fit.
func (s *engineState) appendMismatches(all []inventory.Finding) []inventory.Finding {
	for id, m := range s.consistency.eips.mismatches {
		if m.step < confirmedStep {
			continue
		}
		d := s.desktopByID(id)
		listed, shown := splitAddresses(m.listed), splitAddresses(m.shown)
		for _, address := range listed {
			if !slices.Contains(shown, address) && !hasEIPWithoutAddress(d.record.Networks) {
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

// splitAddresses takes apart what inventory.JoinAddresses joined.
func splitAddresses(addresses string) []string {
	if addresses == "" {
		return nil
	}
	return strings.Split(addresses, ",")
}

// hasEIPWithoutAddress tells whether some EIP is shown whose address is not known: it may
// be the one that seems to be missing.
func hasEIPWithoutAddress(n *inventory.Networks) bool {
	return slices.ContainsFunc(n.Interfaces, func(i inventory.Interface) bool {
		return i.EIP.Address == "" && i.EIP.ID != ""
	})
}
