// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// scopeState remembers the last known state of each desktop in a scope. The
// History's lock guards it.
type scopeState struct {
	owner    *Observer // who is believed; nil: nobody yet
	claimed  bool      // somebody observes it, or did; false: it comes from a state file
	seen     time.Time // of the last snapshot
	complete bool      // a complete list was seen: who was not in it did not exist
	desktops []desktop // sorted by ID

	// Of the last snapshot.
	records []*inventory.Record
	absent  int // entries that it lacks, without proof that they are gone
}

// desktop is what is known of a desktop. What is unknown for a while stays as it
// was known last.
type desktop struct {
	record   *inventory.Record // the last one seen; nil: none since the start
	id       string
	name     string
	listed   bool // the name is the list's
	networks *inventory.Networks
}

// compare brings a snapshot into the tracker and tells what it changed.
func (t *scopeState) compare(s *inventory.Snapshot, now time.Time) []inventory.Change {
	complete := s.Health.ListComplete
	if same(s.Records, t.records) && (t.absent == 0 || !complete) {
		t.complete = t.complete || complete
		return nil
	}
	var changes []inventory.Change
	say := func(e *desktop, kind inventory.ChangeKind, before, after string) {
		changes = append(changes, inventory.Change{
			Time: now, Project: s.Project, DesktopID: e.id, DesktopName: e.name, Kind: kind, Before: before, After: after,
		})
	}
	absent := 0
	old := t.desktops
	var next []desktop // what replaces old, from the first desktop on that comes or goes
	i := 0
	moved := false
	move := func() { // from here on, old is no longer followed in place
		if !moved {
			next = make([]desktop, i, max(len(old), len(s.Records))+1)
			copy(next, old[:i])
			moved = true
		}
	}
	lacks := func(e *desktop) {
		if complete {
			move()
			say(e, inventory.Vanished, "", "")
			return
		}
		absent++
		e.record = nil
		if moved {
			next = append(next, *e)
		}
	}
	for _, r := range s.Records {
		for i < len(old) && old[i].record != r && old[i].id < r.Desktop.ID {
			lacks(&old[i])
			i++
		}
		if i < len(old) && (old[i].record == r || old[i].id == r.Desktop.ID) {
			e := &old[i]
			if e.record != r {
				e.update(r, say)
			}
			if moved {
				next = append(next, *e)
			}
			i++
			continue
		}
		move()
		e := desktop{id: r.Desktop.ID}
		e.merge(r)
		if t.complete {
			say(&e, inventory.Appeared, "", "")
		}
		next = append(next, e)
	}
	for ; i < len(old); i++ {
		lacks(&old[i])
	}
	if moved {
		t.desktops = next
	}
	t.records, t.absent = s.Records, absent
	t.complete = t.complete || complete
	return changes
}

// same tells whether two slices are one.
func same(a, b []*inventory.Record) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// merge takes over what a record knows, which is news of nothing.
func (e *desktop) merge(r *inventory.Record) {
	e.record = r
	if r.Desktop.Name != "" {
		e.name, e.listed = r.Desktop.Name, true
	} else if name := r.Name(); name != "" && !e.listed {
		e.name = name
	}
	if r.Networks != nil {
		e.networks = r.Networks
	}
}

// update takes over what a record knows and says what that changes. What one
// of both does not know is no change. Where the list names a desktop, the name
// that the networks call gives it says nothing: it may always be another.
func (e *desktop) update(r *inventory.Record, say func(e *desktop, kind inventory.ChangeKind, before, after string)) {
	name, listed, networks := e.name, e.listed, e.networks
	e.merge(r)
	if name != "" && e.name != name && e.listed == listed {
		say(e, inventory.Renamed, name, e.name)
	}
	if networks == nil || networks == e.networks {
		return
	}
	before, after := summarize(networks), summarize(e.networks)
	if kind, changed := before.eips.change(after.eips); changed {
		say(e, kind, before.eips.text(), after.eips.text())
	}
	for _, c := range []struct {
		kind          inventory.ChangeKind
		before, after set
	}{
		{inventory.SubnetChanged, before.subnets, after.subnets},
		{inventory.AddressChanged, before.addresses, after.addresses},
		{inventory.SecurityGroupsChanged, before.groups, after.groups},
	} {
		if !c.before.equal(c.after) {
			before, after := describe(c.before, c.after)
			say(e, c.kind, before, after)
		}
	}
}

// summary is what counts of the networks of a desktop, whichever interface it
// belongs to.
type summary struct {
	eips, subnets, addresses, groups set
}

func summarize(n *inventory.Networks) summary {
	var s summary
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		s.eips.add(cmp.Or(nic.EIP.Address, nic.EIP.ID), "")
		s.subnets.add(cmp.Or(nic.Subnet.ID, nic.Subnet.Name), nic.Subnet.Name)
		s.addresses.add(nic.PrivateIP, "")
		for _, g := range nic.SecurityGroups {
			s.groups.add(cmp.Or(g.ID, g.Name), g.Name)
		}
	}
	return s
}
