// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// baseline is the last known state of the desktops in a scope, with which the
// next snapshot is compared. The History's lock guards it.
type baseline struct {
	owner    *Observer // takes precedence; nil: none since Restore or Retain
	observed bool      // false: only restored from a State
	lastSeen time.Time // time of the last snapshot
	complete bool      // a complete list was observed, so a desktop that is not here is new
	desktops []desktop // sorted by ID

	// Of the last snapshot.
	records []*inventory.Record
	absent  int // desktops that it lacks although its list may be incomplete
}

// desktop is the last known state of a desktop. A part that becomes unknown keeps
// its last known value.
type desktop struct {
	record   *inventory.Record // of the last snapshot; nil: absent from it
	id       string
	name     string
	listed   bool // the name comes from the desktop list
	networks *inventory.Networks
}

// compare returns the changes between the baseline and a snapshot, and updates
// the baseline.
func (b *baseline) compare(s *inventory.Snapshot, now time.Time) []inventory.Change {
	complete := s.Health.ListComplete
	if sameSlice(s.Records, b.records) && (b.absent == 0 || !complete) {
		b.complete = b.complete || complete
		return nil
	}
	c := comparison{snapshot: s, now: now, old: b.desktops}
	for _, r := range s.Records {
		c.skipAbsent(r)
		if c.atRecord(r) {
			c.present(r)
		} else {
			c.added(r, b.complete)
		}
	}
	for c.pos < len(c.old) {
		c.missing()
	}
	if c.copied {
		b.desktops = c.next
	}
	b.records, b.absent = s.Records, c.absent
	b.complete = b.complete || complete
	return c.changes
}

// sameSlice reports whether a and b share their elements in memory.
func sameSlice(a, b []*inventory.Record) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// comparison merges the desktops of a baseline and the records of a snapshot,
// both sorted by ID. It updates the desktops in place until one appears or
// vanishes; only then it copies them.
type comparison struct {
	snapshot *inventory.Snapshot
	now      time.Time
	old      []desktop
	pos      int // in old
	copied   bool
	next     []desktop // replaces old if copied
	absent   int
	changes  []inventory.Change
}

// atRecord reports whether the current desktop is that of the record.
func (c *comparison) atRecord(r *inventory.Record) bool {
	return c.pos < len(c.old) && (c.old[c.pos].record == r || c.old[c.pos].id == r.Desktop.ID)
}

// skipAbsent handles the desktops before that of the record.
func (c *comparison) skipAbsent(r *inventory.Record) {
	for c.pos < len(c.old) && c.old[c.pos].record != r && c.old[c.pos].id < r.Desktop.ID {
		c.missing()
	}
}

// present handles the current desktop, which is in the snapshot.
func (c *comparison) present(r *inventory.Record) {
	d := &c.old[c.pos]
	c.pos++
	if d.record != r {
		c.update(d, r)
	}
	if c.copied {
		c.next = append(c.next, *d)
	}
}

// missing handles the current desktop, which the snapshot lacks. It vanished if
// the list is complete.
func (c *comparison) missing() {
	d := &c.old[c.pos]
	if c.snapshot.Health.ListComplete {
		c.copy()
		c.record(d, inventory.Vanished, "", "")
	} else {
		c.absent++
		d.record = nil
		if c.copied {
			c.next = append(c.next, *d)
		}
	}
	c.pos++
}

// added handles a record whose desktop the baseline lacks. It appeared if a
// complete list was observed before.
func (c *comparison) added(r *inventory.Record, appeared bool) {
	c.copy()
	d := desktop{id: r.Desktop.ID}
	d.merge(r)
	if appeared {
		c.record(&d, inventory.Appeared, "", "")
	}
	c.next = append(c.next, d)
}

// copy copies the desktops before the current one, once.
func (c *comparison) copy() {
	if c.copied {
		return
	}
	c.next = make([]desktop, c.pos, max(len(c.old), len(c.snapshot.Records))+1)
	copy(c.next, c.old[:c.pos])
	c.copied = true
}

// update merges a record into a desktop and records the changes. A part that is
// unknown before or after is no change: the networks, and the parts that every
// interface has. If the list has a name for the desktop, a
// change of the name in its networks is no rename.
func (c *comparison) update(d *desktop, r *inventory.Record) {
	name, listed, networks := d.name, d.listed, d.networks
	d.merge(r)
	if name != "" && d.name != name && d.listed == listed {
		c.record(d, inventory.Renamed, name, d.name)
	}
	if networks == nil || networks == d.networks {
		return
	}
	before, after := summarize(networks), summarize(d.networks)
	if kind, changed := before.eips.eipChange(after.eips); changed {
		c.record(d, kind, before.eips.joinIDs(), after.eips.joinIDs())
	}
	for _, p := range []struct {
		kind          inventory.ChangeKind
		before, after idSet
		known         bool
	}{
		{inventory.SubnetChanged, before.subnets, after.subnets, before.subnetsKnown && after.subnetsKnown},
		{inventory.AddressChanged, before.addresses, after.addresses, before.addressesKnown && after.addressesKnown},
		{inventory.SecurityGroupsChanged, before.groups, after.groups, before.groupsKnown && after.groupsKnown},
	} {
		if p.known && !p.before.equal(p.after) {
			before, after := describe(p.before, p.after)
			c.record(d, p.kind, before, after)
		}
	}
}

func (c *comparison) record(d *desktop, kind inventory.ChangeKind, before, after string) {
	c.changes = append(c.changes, inventory.Change{
		Time: c.now, Project: c.snapshot.Project, DesktopID: d.id, DesktopName: d.name, Kind: kind, Before: before, After: after,
	})
}

// merge adopts the known parts of a record.
func (d *desktop) merge(r *inventory.Record) {
	d.record = r
	if r.Desktop.Name != "" {
		d.name, d.listed = r.Desktop.Name, true
	} else if name := r.Name(); name != "" && !d.listed {
		d.name = name
	}
	if r.Networks != nil {
		d.networks = r.Networks.Complete(d.networks)
	}
}

// summary is the compared parts of a desktop's networks, regardless of which
// interface each belongs to.
type summary struct {
	eips, subnets, addresses, groups          idSet
	subnetsKnown, addressesKnown, groupsKnown bool // of every interface
}

func summarize(n *inventory.Networks) summary {
	s := summary{subnetsKnown: true, addressesKnown: true, groupsKnown: n.GroupsKnown()}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		s.subnetsKnown = s.subnetsKnown && nic.Subnet != inventory.Subnet{}
		s.addressesKnown = s.addressesKnown && nic.PrivateIP != ""
		s.eips.add(cmp.Or(nic.EIP.Address, nic.EIP.ID), "")
		s.subnets.add(cmp.Or(nic.Subnet.ID, nic.Subnet.Name), nic.Subnet.Name)
		s.addresses.add(nic.PrivateIP, "")
		for _, g := range nic.SecurityGroups {
			s.groups.add(cmp.Or(g.ID, g.Name), g.Name)
		}
	}
	return s
}
