// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"slices"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// shadow is what the changes that were told make of the fleet. Each must begin
// where the one before it ended, and lead to something that was true; together
// they must lead to what is shown. So none can be told twice, lost or invented.
type shadow struct {
	desktops map[string]*image
	told     int
}

// image is a desktop as the changes tell it. A part that no change told of yet
// is not known; it is what is shown first.
type image struct {
	name, address, eip part
}

type part struct {
	text  string
	known bool
}

// follow brings what was told since the last time into the shadow, and holds
// the shadow against what is known to the exporter.
func (m *modelFleet) follow() {
	m.App.Fleet().Snapshots() // publishes what has ended meanwhile
	synctest.Wait()           // what is under way may tell more, and show it
	now := m.App.Fleet().Snapshots()[0]
	changes := m.App.History().Changes()
	slices.Reverse(changes)
	for _, c := range changes[m.shadow.told:] {
		m.believe(c)
	}
	m.shadow.told = len(changes)

	shown := map[string]bool{}
	for _, r := range now.Records {
		id := r.Desktop.ID
		shown[id] = true
		d := m.shadow.desktops[id]
		if d == nil {
			m.Errorf("step %d: %s is shown, and nothing was told of its coming", m.step, id)
			continue
		}
		m.shows(id, "the name", &d.name, r.Name())
		if r.Networks != nil {
			m.shows(id, "the address", &d.address, r.Networks.Interfaces[0].PrivateIP)
			m.shows(id, "the EIP", &d.eip, r.Networks.EIPAddresses())
		}
	}
	for id := range m.shadow.desktops {
		if !shown[id] && now.Health.Listed && now.Health.ListComplete {
			m.Errorf("step %d: %s went, and nothing was told of it", m.step, id)
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

// shows compares a part with what is shown.
func (m *modelFleet) shows(id, what string, p *part, text string) {
	if p.known && p.text != text {
		m.Errorf("step %d: %s of %s is shown as %q; by what was told, it is %q", m.step, what, id, text, p.text)
	}
	*p = part{text, true}
}

// believe brings one change into the shadow.
func (m *modelFleet) believe(c inventory.Change) {
	id, d := c.DesktopID, m.shadow.desktops[c.DesktopID]
	lived := func(what func(life) bool) bool { return m.was(id, m.oldest(c.Time), what) }
	switch c.Kind {
	case inventory.Appeared:
		if d != nil || !lived(func(l life) bool { return l.exists }) {
			m.Errorf("step %d: told, and not so: %+v: %+v", m.step, c, m.lives[id])
		}
		m.shadow.desktops[id] = &image{}
		return
	case inventory.Vanished:
		if d == nil || !lived(func(l life) bool { return !l.exists }) {
			m.Errorf("step %d: told, and not so: %+v: %+v", m.step, c, m.lives[id])
		}
		delete(m.shadow.desktops, id)
		return
	}
	if d == nil {
		m.Errorf("step %d: told of a desktop that never came: %+v", m.step, c)
		return
	}
	p, of := &d.name, func(l life) string { return l.name }
	switch c.Kind {
	case inventory.Renamed:
	case inventory.AddressChanged:
		p, of = &d.address, func(l life) string { return l.address }
	case inventory.EIPBound, inventory.EIPUnbound, inventory.EIPSwapped:
		p, of = &d.eip, func(l life) string { return l.eip }
		kind := inventory.EIPSwapped
		if c.Before == "" {
			kind = inventory.EIPBound
		} else if c.After == "" {
			kind = inventory.EIPUnbound
		}
		if c.Kind != kind {
			m.Errorf("step %d: told as %s, and is %s: %+v", m.step, c.Kind, kind, c)
		}
	default:
		m.Errorf("step %d: told, and never done: %+v", m.step, c)
		return
	}
	if p.known && p.text != c.Before || c.Before == c.After {
		m.Errorf("step %d: told from %q, and it was %q: %+v", m.step, c.Before, p.text, c)
	}
	if !m.was(id, time.Time{}, func(l life) bool { return of(l) == c.Before }) || !lived(func(l life) bool { return l.exists && of(l) == c.After }) {
		m.Errorf("step %d: told, and never so: %+v: %+v", m.step, c, m.lives[id])
	}
	*p = part{c.After, true}
}

// toldAll expects, of a calm cloud, that what was told leads to the truth.
func (m *modelFleet) toldAll() {
	m.follow()
	for id, lives := range m.lives {
		l, d := lives[len(lives)-1], m.shadow.desktops[id]
		switch {
		case (d != nil) != l.exists:
			m.Errorf("step %d: %s exists: %t; by what was told: %t", m.step, id, l.exists, d != nil)
		case d != nil && *d != image{part{l.name, true}, part{l.address, true}, part{l.eip, true}}:
			m.Errorf("step %d: %s is %+v; by what was told, it is %+v", m.step, id, l, *d)
		}
	}
}
