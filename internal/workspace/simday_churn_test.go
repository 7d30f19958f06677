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

// change is a change of a desktop.
type change struct {
	kind    string
	id      string
	at      time.Time
	scrapes int                          // started before the change
	isShown func(*inventory.Record) bool // of the desktop's record; nil: not exported
}

const (
	rebuilt              = "rebuilt by a task"
	securityGroupChanged = "security group"
)

// changeKinds are the kinds of changes, with their rate per hour and 100,000
// desktops. The lists show all but the last one, which needs a full cycle.
var changeKinds = []struct {
	name    string
	perHour float64
	apply   func(*simProject, string)
}{
	{"EIP bound", 120, (*simProject).bind},
	{"EIP unbound", 120, (*simProject).unbind},
	{"renamed", 30, (*simProject).rename},
	{"created", 60, (*simProject).create},
	{"deleted", 60, (*simProject).remove},
	{"moved by a task", 600, (*simProject).taskWithNewIP},
	{rebuilt, 600, (*simProject).taskWithNewPort},
	{securityGroupChanged, 30, (*simProject).changeSecurityGroup},
}

// churn changes random desktops until ctx is done.
func (s *simProject) churn(ctx context.Context, times float64) {
	total := 0.0
	for _, k := range changeKinds {
		total += k.perHour
	}
	for {
		s.mu.Lock()
		perHour := total * times * float64(len(s.desktops)) / 100_000
		pause := time.Duration(s.rng.ExpFloat64() * float64(time.Hour) / perHour)
		at := s.rng.Float64() * total
		s.mu.Unlock()
		if ratelimit.Sleep(ctx, pause) != nil {
			return
		}
		s.mu.Lock()
		for _, k := range changeKinds {
			if at -= k.perHour; at < 0 {
				k.apply(s, k.name)
				break
			}
		}
		s.mu.Unlock()
	}
}

// pick returns the index of a random desktop that matches, or -1 if it finds none
// in 100 attempts.
func (s *simProject) pick(matches func(*simDesktop) bool) int {
	for range 100 {
		i := s.rng.IntN(len(s.listed))
		if m := s.desktops[s.listed[i].ID]; !m.changing && matches(m) {
			return i
		}
	}
	return -1
}

func (s *simProject) index(id string) int {
	i, _ := slices.BinarySearchFunc(s.listed, id, func(d inventory.Desktop, id string) int { return strings.Compare(d.ID, id) })
	return i
}

// addChange records a change that a snapshot must show.
func (s *simProject) addChange(kind, id string, shown func(*inventory.Record) bool) {
	if m := s.desktops[id]; m != nil {
		m.changing = true
	}
	s.unshown = append(s.unshown, &change{kind, id, time.Now(), s.scrapes, shown})
}

// editInterface changes the interface of a desktop. It creates a new value, like every
// response.
func (s *simProject) editInterface(kind, id string, update func(*inventory.Interface), shown func(*inventory.Interface) bool) {
	m := s.desktops[id]
	nic := m.networks.Interfaces[0]
	update(&nic)
	m.networks = &inventory.Networks{Name: m.networks.Name, Interfaces: []inventory.Interface{nic}}
	s.addChange(kind, id, func(r *inventory.Record) bool {
		return r != nil && r.Networks != nil && shown(&r.Networks.Interfaces[0])
	})
}

func hasEIP(m *simDesktop) bool   { return m.networks.Interfaces[0].EIP.Address != "" }
func noEIP(m *simDesktop) bool    { return !hasEIP(m) }
func anyDesktop(*simDesktop) bool { return true }

func (s *simProject) bind(kind string) {
	i := s.pick(noEIP)
	if i < 0 {
		return
	}
	eip := inventory.EIP{ID: s.next("eip"), Address: s.next("address")}
	s.bindings[s.listed[i].ID] = eip.Address
	s.editInterface(kind, s.listed[i].ID, func(n *inventory.Interface) { n.EIP = eip }, func(n *inventory.Interface) bool { return n.EIP == eip })
}

func (s *simProject) unbind(kind string) {
	i := s.pick(hasEIP)
	if i < 0 {
		return
	}
	delete(s.bindings, s.listed[i].ID)
	s.editInterface(kind, s.listed[i].ID, func(n *inventory.Interface) { n.EIP = inventory.EIP{} },
		func(n *inventory.Interface) bool { return n.EIP == inventory.EIP{} })
}

func (s *simProject) changeSecurityGroup(kind string) {
	i := s.pick(anyDesktop)
	if i < 0 {
		return
	}
	group := s.next("group")
	s.editInterface(kind, s.listed[i].ID,
		func(n *inventory.Interface) { n.SecurityGroups = []inventory.SecurityGroup{{ID: group}} },
		func(n *inventory.Interface) bool { return n.SecurityGroups[0].ID == group })
}

func (s *simProject) rename(kind string) {
	i := s.pick(anyDesktop)
	if i < 0 {
		return
	}
	name := s.next("renamed")
	s.listed[i].Name = name
	s.addChange(kind, s.listed[i].ID, func(r *inventory.Record) bool { return r != nil && r.Desktop.Name == name })
}

// create creates a desktop. The change shows with the networks of the desktop.
func (s *simProject) create(kind string) {
	d, n := s.newDesktop()
	s.listed = slices.Insert(s.listed, s.index(d.ID), d)
	s.desktops[d.ID] = &simDesktop{networks: n, lastRead: time.Now(), cycle: s.cycle}
	if address := n.EIPAddresses(); address != "" {
		s.bindings[d.ID] = address
	}
	s.addChange(kind, d.ID, func(r *inventory.Record) bool { return r != nil && r.Networks != nil })
}

func (s *simProject) remove(kind string) {
	i := s.pick(anyDesktop)
	if i < 0 {
		return
	}
	id := s.listed[i].ID
	s.listed = slices.Delete(s.listed, i, i+1)
	if s.desktops[id].cycle != s.cycle {
		s.unread--
	}
	delete(s.desktops, id)
	delete(s.bindings, id)
	s.addChange(kind, id, func(r *inventory.Record) bool { return r == nil })
}

// taskWithNewIP changes the private IP of a desktop, which the list also shows.
func (s *simProject) taskWithNewIP(kind string) {
	s.startTask(kind, 10*time.Second, func(d *inventory.Desktop) { d.IP = s.next("ip") })
}

// taskWithNewPort changes the port of a desktop, which the list does not show.
// The task runs long enough for a list to show the task.
func (s *simProject) taskWithNewPort(kind string) {
	s.startTask(kind, 2*time.Minute, func(*inventory.Desktop) {})
}

// startTask starts a task. When the task ends, the desktop has another port.
func (s *simProject) startTask(kind string, minDuration time.Duration, end func(*inventory.Desktop)) {
	i := s.pick(anyDesktop)
	if i < 0 {
		return
	}
	id := s.listed[i].ID
	s.desktops[id].changing = true
	s.listed[i].TaskStatus = "working"
	time.AfterFunc(minDuration+time.Duration(s.rng.Int64N(int64(4*time.Minute))), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d := &s.listed[s.index(id)]
		d.TaskStatus = ""
		end(d)
		port := s.next("port")
		s.editInterface(kind, id, func(n *inventory.Interface) { n.PortID = port }, func(n *inventory.Interface) bool { return n.PortID == port })
	})
}

// removeShown removes the changes that a snapshot shows.
func (s *simProject) removeShown(snapshot *inventory.Snapshot, report func(c *change, scrapes int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unshown = slices.DeleteFunc(s.unshown, func(c *change) bool {
		var record *inventory.Record
		if i, ok := slices.BinarySearchFunc(snapshot.Records, c.id, func(r *inventory.Record, id string) int {
			return strings.Compare(r.Desktop.ID, id)
		}); ok {
			record = snapshot.Records[i]
		}
		if !c.isShown(record) {
			return false
		}
		if m := s.desktops[c.id]; m != nil {
			m.changing = false
		}
		report(c, s.scrapes-c.scrapes)
		return true
	})
}
