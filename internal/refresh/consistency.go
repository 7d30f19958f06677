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

// An inconsistency within one response is a finding at once. Two responses may
// also differ because something changed between them: such an inconsistency is
// pending, and becomes a finding when later responses confirm it.

// The times of reading the EIP list between refreshes, to compare it with the
// networks, where the quota pays for all networks in every refresh, so that
// refreshes do not need the list. The first read does not delay the start, the
// second one confirms the first.
const (
	firstEIPReadDelay     = 5 * time.Minute
	secondEIPReadDelay    = time.Minute
	eipReadInterval       = 10 * time.Minute
	deniedEIPReadInterval = time.Hour
)

// consistency is the state of the search for inconsistencies.
type consistency struct {
	checker    inventory.ConsistencyChecker
	candidates []inventory.Finding           // of the checker, for the current records
	pending    map[inventory.Finding]pending // the candidates that name two desktops
	eips       eipList
}

// pending is an inconsistency between two desktops.
type pending struct {
	since     time.Time
	confirmed bool
}

// eipList is the EIP list, and how it differs from the networks.
type eipList struct {
	bindings   inventory.EIPBindings // nil: unknown
	firstRead  time.Time             // first read since the list was unknown
	lastRead   time.Time
	failedAt   time.Time           // first failed attempt since lastRead; zero: none
	nextRead   time.Time           // zero: not planned yet
	mismatches map[string]mismatch // by desktop ID
}

// mismatch is a desktop whose EIPs in the EIP list and in its networks differ.
type mismatch struct {
	listed, shown string    // addresses in the EIP list and in the networks
	step          int       // confirmations so far
	since         time.Time // the last one, or the mismatch itself
}

// confirmedStep is the number of confirmations that make a mismatch a finding:
// networks, EIP list and networks must be read again, in this order, with the
// same result. Then each was read between two reads of the other, so the mismatch
// is no delay of one of them.
const confirmedStep = 3

// readTwice reports whether the EIP list was read often enough to confirm a
// mismatch.
func (l *eipList) readTwice() bool { return l.bindings != nil && l.lastRead.After(l.firstRead) }

// reset drops the list.
func (l *eipList) reset() { *l = eipList{nextRead: l.nextRead} }

// applyEIPList stores an EIP list, or the error of reading it.
func (s *engineState) applyEIPList(b inventory.EIPBindings, err error, requestedAt time.Time) {
	l := &s.consistency.eips
	if wait, ok := asQuotaExceeded(err); ok {
		l.nextRead = wait.Until
		return
	}
	if requestedAt.Before(l.lastRead) {
		return
	}
	l.nextRead = requestedAt.Add(eipReadInterval)
	if err != nil {
		if asFailure(inventory.ListDesktopsEips, err).Kind >= inventory.Denied {
			l.nextRead = requestedAt.Add(deniedEIPReadInterval)
		}
		if l.bindings != nil && l.failedAt.IsZero() {
			l.failedAt = requestedAt
		}
		return
	}
	if l.bindings == nil {
		l.firstRead, l.mismatches = requestedAt, map[string]mismatch{}
		l.nextRead = requestedAt.Add(secondEIPReadDelay)
	}
	l.bindings, l.lastRead, l.failedAt = b, requestedAt, time.Time{}
	for _, d := range s.desktops {
		s.compareEIPs(d, requestedAt, false)
	}
	s.dirty = true
}

// compareEIPs compares the networks of a desktop with the EIP list after one of
// them was read: the networks, or else the list.
func (s *engineState) compareEIPs(d *desktop, requestedAt time.Time, networks bool) {
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
	case m.step < confirmedStep && networks == (m.step%2 == 0) && requestedAt.After(m.since):
		m.step, m.since = m.step+1, time.Now()
		l.mismatches[id] = m
	}
}

// maybeReadEIPs reads the EIP list concurrently with the refreshes if it is due. The caller
// holds the lock.
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

// findings returns the reasons that are checked and the findings. Resolved means
// that the networks of a desktop are known.
func (s *engineState) findings(now time.Time, resolved bool) ([]inventory.FindingReason, []inventory.Finding) {
	c := &s.consistency
	if s.recordsDirty {
		c.candidates = c.checker.Findings()
	}
	if !s.listed || !resolved {
		c.pending = nil
		return nil, nil
	}
	var all []inventory.Finding
	pairs := map[inventory.Finding]pending{}
	for _, f := range c.candidates {
		if f.Reason == inventory.AddressUsedTwice || f.Reason == inventory.EIPUsedTwice {
			pairs[f] = s.confirm(f, now)
			if !pairs[f].confirmed {
				continue
			}
		}
		all = append(all, f)
	}
	c.pending = pairs
	all = s.appendMismatches(all)
	slices.SortFunc(all, inventory.Finding.Compare)
	return s.checkedReasons(), all
}

// checkedReasons returns the reasons of which findings are possible at present.
func (s *engineState) checkedReasons() []inventory.FindingReason {
	readTwice := s.consistency.eips.readTwice()
	return slices.DeleteFunc(inventory.FindingReasons(), func(r inventory.FindingReason) bool {
		return r == inventory.EIPNotShown && !readTwice || r == inventory.EIPNotListed && (!readTwice || s.opts.EIPListPartial)
	})
}

// confirm returns the pending state of an inconsistency between two desktops. An
// address may have moved from one to the other: then the next read of both
// confirms it. If the networks of neither ever changed, nothing moved.
func (s *engineState) confirm(f inventory.Finding, now time.Time) pending {
	one, other := s.desktopByID(f.Subject), s.desktopByID(f.Other)
	p, known := s.consistency.pending[f]
	if !known {
		return pending{since: now, confirmed: one == other || !one.everChanged && !other.everChanged}
	}
	p.confirmed = p.confirmed || one.readAt.After(p.since) && other.readAt.After(p.since)
	return p
}

// desktopByID returns the desktop of an ID, which must exist.
func (s *engineState) desktopByID(id string) *desktop {
	i, _ := slices.BinarySearchFunc(s.desktops, id, func(d *desktop, id string) int {
		return strings.Compare(d.record.Desktop.ID, id)
	})
	return s.desktops[i]
}

// appendMismatches appends the findings of the confirmed mismatches.
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

// splitAddresses reverts inventory.JoinAddresses.
func splitAddresses(addresses string) []string {
	if addresses == "" {
		return nil
	}
	return strings.Split(addresses, ",")
}

// hasEIPWithoutAddress reports whether an interface has an EIP of unknown address,
// which may be the address that seems to be missing.
func hasEIPWithoutAddress(n *inventory.Networks) bool {
	return slices.ContainsFunc(n.Interfaces, func(i inventory.Interface) bool {
		return i.EIP.Address == "" && i.EIP.ID != ""
	})
}
