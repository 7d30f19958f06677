// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
)

// change is something that happened to a desktop.
type change struct {
	kind    string
	id      string
	at      time.Time
	scrapes int                          // begun before it
	shown   func(*inventory.Record) bool // nil: the desktop is not exported
}

const (
	rebuilt        = "rebuilt by a task"
	inAnotherGroup = "in another group"
)

// The kinds of changes, and how many of each an hour brings to 100,000 desktops.
// The lists tell of all but the last, which only a full cycle finds.
var kinds = []struct {
	name    string
	perHour float64
	happen  func(*site, string)
}{
	{"EIP bound", 120, (*site).bind},
	{"EIP unbound", 120, (*site).unbind},
	{"renamed", 30, (*site).rename},
	{"created", 60, (*site).create},
	{"deleted", 60, (*site).remove},
	{"moved by a task", 600, (*site).move},
	{rebuilt, 600, (*site).rebuild},
	{inAnotherGroup, 30, (*site).regroup},
}

// churn lets changes happen at random, until ctx ends.
func (s *site) churn(ctx context.Context, times float64) {
	total := 0.0
	for _, k := range kinds {
		total += k.perHour
	}
	for {
		s.mu.Lock()
		perHour := total * times * float64(len(s.machines)) / 100_000
		pause := time.Duration(s.rng.ExpFloat64() * float64(time.Hour) / perHour)
		at := s.rng.Float64() * total
		s.mu.Unlock()
		if ratelimit.Sleep(ctx, pause) != nil {
			return
		}
		s.mu.Lock()
		for _, k := range kinds {
			if at -= k.perHour; at < 0 {
				k.happen(s, k.name)
				break
			}
		}
		s.mu.Unlock()
	}
}

// pick chooses a desktop that is like that; -1 where none is found soon.
func (s *site) pick(like func(*machine) bool) int {
	for range 100 {
		i := s.rng.IntN(len(s.listed))
		if m := s.machines[s.listed[i].ID]; !m.busy && like(m) {
			return i
		}
	}
	return -1
}

func (s *site) index(id string) int {
	i, _ := slices.BinarySearchFunc(s.listed, id, func(d inventory.Desktop, id string) int { return strings.Compare(d.ID, id) })
	return i
}

// happened notes a change that is to be shown.
func (s *site) happened(kind, id string, shown func(*inventory.Record) bool) {
	if m := s.machines[id]; m != nil {
		m.busy = true
	}
	s.pending = append(s.pending, &change{kind, id, time.Now(), s.scrapes, shown})
}

// edit changes the networks of a desktop: a new value, as each answer brings one.
func (s *site) edit(kind, id string, do func(*inventory.Interface), shown func(*inventory.Interface) bool) {
	m := s.machines[id]
	nic := m.networks.Interfaces[0]
	do(&nic)
	m.networks = &inventory.Networks{Name: m.networks.Name, Interfaces: []inventory.Interface{nic}}
	s.happened(kind, id, func(r *inventory.Record) bool {
		return r != nil && r.Networks != nil && shown(&r.Networks.Interfaces[0])
	})
}

func hasEIP(m *machine) bool { return m.networks.Interfaces[0].EIP.Address != "" }
func noEIP(m *machine) bool  { return !hasEIP(m) }
func anyone(*machine) bool   { return true }

func (s *site) bind(kind string) {
	i := s.pick(noEIP)
	if i < 0 {
		return
	}
	eip := inventory.EIP{ID: s.next("eip"), Address: s.next("address")}
	s.bound[s.listed[i].ID] = eip.Address
	s.edit(kind, s.listed[i].ID, func(n *inventory.Interface) { n.EIP = eip }, func(n *inventory.Interface) bool { return n.EIP == eip })
}

func (s *site) unbind(kind string) {
	i := s.pick(hasEIP)
	if i < 0 {
		return
	}
	delete(s.bound, s.listed[i].ID)
	s.edit(kind, s.listed[i].ID, func(n *inventory.Interface) { n.EIP = inventory.EIP{} },
		func(n *inventory.Interface) bool { return n.EIP == inventory.EIP{} })
}

func (s *site) regroup(kind string) {
	i := s.pick(anyone)
	if i < 0 {
		return
	}
	group := s.next("group")
	s.edit(kind, s.listed[i].ID,
		func(n *inventory.Interface) { n.SecurityGroups = []inventory.SecurityGroup{{ID: group}} },
		func(n *inventory.Interface) bool { return n.SecurityGroups[0].ID == group })
}

func (s *site) rename(kind string) {
	i := s.pick(anyone)
	if i < 0 {
		return
	}
	name := s.next("renamed")
	s.listed[i].Name = name
	s.happened(kind, s.listed[i].ID, func(r *inventory.Record) bool { return r != nil && r.Desktop.Name == name })
}

// create shows with the networks of the new desktop, not before.
func (s *site) create(kind string) {
	d, n := s.makeUp()
	s.listed = slices.Insert(s.listed, s.index(d.ID), d)
	s.machines[d.ID] = &machine{networks: n, asked: time.Now(), cycle: s.cycle}
	if address := n.EIPAddresses(); address != "" {
		s.bound[d.ID] = address
	}
	s.happened(kind, d.ID, func(r *inventory.Record) bool { return r != nil && r.Networks != nil })
}

func (s *site) remove(kind string) {
	i := s.pick(anyone)
	if i < 0 {
		return
	}
	id := s.listed[i].ID
	s.listed = slices.Delete(s.listed, i, i+1)
	if s.machines[id].cycle != s.cycle {
		s.left--
	}
	delete(s.machines, id)
	delete(s.bound, id)
	s.happened(kind, id, func(r *inventory.Record) bool { return r == nil })
}

// move gives a desktop another address, of which the list tells, too.
func (s *site) move(kind string) {
	s.task(kind, 10*time.Second, func(d *inventory.Desktop) { d.IP = s.next("ip") })
}

// rebuild gives a desktop another port, of which the list tells nothing. It
// takes long enough for a list to show the task.
func (s *site) rebuild(kind string) {
	s.task(kind, 2*time.Minute, func(*inventory.Desktop) {})
}

// task runs for some time; when it ends, the desktop has another port.
func (s *site) task(kind string, least time.Duration, end func(*inventory.Desktop)) {
	i := s.pick(anyone)
	if i < 0 {
		return
	}
	id := s.listed[i].ID
	s.machines[id].busy = true
	s.listed[i].TaskStatus = "working"
	time.AfterFunc(least+time.Duration(s.rng.Int64N(int64(4*time.Minute))), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d := &s.listed[s.index(id)]
		d.TaskStatus = ""
		end(d)
		port := s.next("port")
		s.edit(kind, id, func(n *inventory.Interface) { n.PortID = port }, func(n *inventory.Interface) bool { return n.PortID == port })
	})
}

// settle takes the changes off that a snapshot shows.
func (s *site) settle(snapshot *inventory.Snapshot, report func(c *change, scrapes int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = slices.DeleteFunc(s.pending, func(c *change) bool {
		var record *inventory.Record
		if i, ok := slices.BinarySearchFunc(snapshot.Records, c.id, func(r *inventory.Record, id string) int {
			return strings.Compare(r.Desktop.ID, id)
		}); ok {
			record = snapshot.Records[i]
		}
		if !c.shown(record) {
			return false
		}
		if m := s.machines[c.id]; m != nil {
			m.busy = false
		}
		report(c, s.scrapes-c.scrapes)
		return true
	})
}
