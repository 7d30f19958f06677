// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"slices"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// expectedFleet is the fleet as the reported changes describe it. Each change must
// begin where the one before ended and lead to something that was true; together
// they must lead to the exposition. So none is repeated, lost or invented.
type expectedFleet struct {
	desktops map[string]*expectedDesktop
	seen     int // changes applied so far
}

// expectedDesktop is a desktop as the changes describe it. A part without a change
// yet is unknown, and takes the first exposed value.
type expectedDesktop struct {
	name, address, eip part
}

type part struct {
	text  string
	known bool
}

// applyChanges applies the new changes to the expected fleet, and compares it
// with the snapshot.
func (m *fleetModel) applyChanges() {
	m.App.Fleet().Snapshots() // publishes finished refreshes
	synctest.Wait()           // refreshes in progress may report more
	now := m.App.Fleet().Snapshots()[0]
	changes := m.App.History().Changes()
	slices.Reverse(changes)
	for _, c := range changes[m.shadow.seen:] {
		m.apply(c)
	}
	m.shadow.seen = len(changes)

	shown := map[string]bool{}
	for _, r := range now.Records {
		id := r.Desktop.ID
		shown[id] = true
		d := m.shadow.desktops[id]
		if d == nil {
			m.Errorf("step %d: %s has a record, but no change reported it", m.step, id)
			continue
		}
		m.checkPart(id, "the name", &d.name, r.Name())
		if r.Networks != nil {
			m.checkPart(id, "the address", &d.address, r.Networks.Interfaces[0].PrivateIP)
			m.checkPart(id, "the EIP", &d.eip, r.Networks.EIPAddresses())
		}
	}
	for id := range m.shadow.desktops {
		if !shown[id] && now.Health.Listed && now.Health.ListComplete {
			m.Errorf("step %d: %s has no record, but no change reported it", m.step, id)
		}
	}
	total := 0.0
	for _, n := range m.App.History().Count(now.Project) {
		total += float64(n)
	}
	if total != float64(len(changes)) {
		m.Errorf("step %d: %v changes counted of %d", m.step, total, len(changes))
	}
}

// checkPart compares a part of a desktop with the snapshot.
func (m *fleetModel) checkPart(id, what string, p *part, text string) {
	if p.known && p.text != text {
		m.Errorf("step %d: %s of %s is %q, by the changes %q", m.step, what, id, text, p.text)
	}
	*p = part{text, true}
}

// apply applies one change to the expected fleet.
func (m *fleetModel) apply(c inventory.Change) {
	id, d := c.DesktopID, m.shadow.desktops[c.DesktopID]
	lived := func(what func(period) bool) bool { return m.wasTrue(id, m.oldestAllowed(c.Time), what) }
	switch c.Kind {
	case inventory.Appeared:
		if d != nil || !lived(func(l period) bool { return l.exists }) {
			m.Errorf("step %d: a wrong change: %+v: %+v", m.step, c, m.lives[id])
		}
		m.shadow.desktops[id] = &expectedDesktop{}
		return
	case inventory.Vanished:
		if d == nil || !lived(func(l period) bool { return !l.exists }) {
			m.Errorf("step %d: a wrong change: %+v: %+v", m.step, c, m.lives[id])
		}
		delete(m.shadow.desktops, id)
		return
	}
	if d == nil {
		m.Errorf("step %d: a change of an unknown desktop: %+v", m.step, c)
		return
	}
	p, of := &d.name, func(l period) string { return l.name }
	switch c.Kind {
	case inventory.Renamed:
	case inventory.AddressChanged:
		p, of = &d.address, func(l period) string { return l.address }
	case inventory.EIPBound, inventory.EIPUnbound, inventory.EIPSwapped:
		p, of = &d.eip, func(l period) string { return l.eip }
		kind := inventory.EIPSwapped
		if c.Before == "" {
			kind = inventory.EIPBound
		} else if c.After == "" {
			kind = inventory.EIPUnbound
		}
		if c.Kind != kind {
			m.Errorf("step %d: a change of kind %s, want %s: %+v", m.step, c.Kind, kind, c)
		}
	default:
		m.Errorf("step %d: an unknown kind of change: %+v", m.step, c)
		return
	}
	if p.known && p.text != c.Before || c.Before == c.After {
		m.Errorf("step %d: a change from %q, want %q: %+v", m.step, c.Before, p.text, c)
	}
	if !m.wasTrue(id, time.Time{}, func(l period) bool { return of(l) == c.Before }) || !lived(func(l period) bool { return l.exists && of(l) == c.After }) {
		m.Errorf("step %d: a change to a value that never was: %+v: %+v", m.step, c, m.lives[id])
	}
	*p = part{c.After, true}
}

// checkComplete checks, while nothing fails, that the changes lead to the truth.
func (m *fleetModel) checkComplete() {
	m.applyChanges()
	for id, lives := range m.lives {
		l, d := lives[len(lives)-1], m.shadow.desktops[id]
		switch {
		case (d != nil) != l.exists:
			m.Errorf("step %d: %s exists: %t, by the changes: %t", m.step, id, l.exists, d != nil)
		case d != nil && *d != expectedDesktop{part{l.name, true}, part{l.address, true}, part{l.eip, true}}:
			m.Errorf("step %d: %s is %+v, by the changes %+v", m.step, id, l, *d)
		}
	}
}
