// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// emitter passes the samples of one family of one project on.
type emitter struct {
	scope *scope
	sink  func(labels []string, value float64) // must not keep labels
	row   []string                             // region and project_id stay in front
	seen  seen
}

func newEmitter(s *scope, sink func(labels []string, value float64)) *emitter {
	return &emitter{scope: s, sink: sink, row: []string{s.Project.Region, s.Project.ID}}
}

// say emits a sample. The values are those of the labels behind region and
// project_id.
func (e *emitter) say(value float64, labels ...string) {
	e.row = append(e.row[:2], labels...)
	e.sink(e.row, value)
}

// sayNew is say, but for a sample that was said since e.seen was reset. Two
// equal series would cost the scrape, and the cloud can bring them about: two
// interfaces without a port ID, say.
func (e *emitter) sayNew(value float64, labels ...string) {
	e.row = append(e.row[:2], labels...)
	if e.seen.add(e.row) {
		e.sink(e.row, value)
	}
}

// seen is a set of rows that is cheap while it is small.
type seen struct {
	rows [][]string
	keys map[string]struct{}
}

// fewRows is where comparing each with each gets dearer than hashing.
const fewRows = 16

func (s *seen) reset() {
	s.rows = s.rows[:0]
	clear(s.keys)
}

// add reports whether the row is new. It copies the row.
func (s *seen) add(row []string) bool {
	if len(s.rows) < fewRows {
		if slices.ContainsFunc(s.rows, func(r []string) bool { return slices.Equal(r, row) }) {
			return false
		}
		s.rows = grow(s.rows)
		last := &s.rows[len(s.rows)-1]
		*last = append((*last)[:0], row...)
		return true
	}
	if s.keys == nil {
		s.keys = make(map[string]struct{})
	}
	if len(s.keys) == 0 {
		for _, r := range s.rows {
			s.keys[rowKey(r)] = struct{}{}
		}
	}
	key := rowKey(row)
	_, known := s.keys[key]
	s.keys[key] = struct{}{}
	return !known
}

// grow lengthens rows by one, taking back a row that reset left behind.
func grow(rows [][]string) [][]string {
	if len(rows) < cap(rows) {
		return rows[:len(rows)+1]
	}
	return append(rows, nil)
}

// rowKey joins with a byte that valid UTF-8 never holds.
func rowKey(row []string) string { return strings.Join(row, "\xff") }

func desktopInfo(e *emitter, r *inventory.Record) {
	if !r.Listed && r.Networks == nil {
		return // a configured ID that nobody has confirmed yet
	}
	d := &r.Desktop
	ip := d.IP
	if ip == "" && r.Networks != nil {
		ip = r.Networks.IP
	}
	e.say(1, d.ID, r.Name(), ip, d.EnterpriseProjectID, d.PoolID, d.AvailabilityZone, d.Type)
}

func desktopNetworkInfo(e *emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	e.seen.reset()
	name := r.Name()
	for i := range r.Networks.Interfaces {
		n := &r.Networks.Interfaces[i]
		e.sayNew(1, r.Desktop.ID, name, n.PortID, n.PrivateIP, n.VPC.ID, n.VPC.Name, n.VPC.CIDR,
			n.Subnet.ID, n.Subnet.Name, n.Subnet.CIDR, n.EIP.ID, n.EIP.Address)
	}
}

func desktopSecurityGroupInfo(e *emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	e.seen.reset()
	for i := range r.Networks.Interfaces {
		n := &r.Networks.Interfaces[i]
		for _, g := range n.SecurityGroups {
			e.sayNew(1, r.Desktop.ID, n.PortID, g.ID, g.Name)
		}
	}
}

func desktopNetworkInterfaces(e *emitter, r *inventory.Record) {
	if r.Networks != nil {
		e.say(float64(len(r.Networks.Interfaces)), r.Desktop.ID)
	}
}

func desktopEIPs(e *emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	count := 0
	for i := range r.Networks.Interfaces {
		if r.Networks.Interfaces[i].EIP != (inventory.EIP{}) {
			count++
		}
	}
	e.say(float64(count), r.Desktop.ID)
}

func desktopSecurityGroups(e *emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	e.seen.reset()
	count := 0
	for i := range r.Networks.Interfaces {
		for _, g := range r.Networks.Interfaces[i].SecurityGroups {
			if e.seen.add([]string{g.ID}) {
				count++
			}
		}
	}
	e.say(float64(count), r.Desktop.ID)
}

// desktopStatus needs no look at Snapshot.Discovered: only a list brings a
// status, and only discovery reads the list.
func desktopStatus(e *emitter, r *inventory.Record) {
	if r.Listed && r.Desktop.Status != "" {
		e.say(1, r.Desktop.ID, r.Desktop.Status)
	}
}

func desktopTagsInfo(tags []tagLabel) func(*emitter, *inventory.Record) {
	return func(e *emitter, r *inventory.Record) {
		if !r.Listed {
			return
		}
		e.row = append(e.row[:2], r.Desktop.ID)
		for _, t := range tags {
			e.row = append(e.row, tagValue(r.Desktop.Tags, t.key))
		}
		e.sink(e.row, 1)
	}
}

func desktopUserInfo(e *emitter, r *inventory.Record) {
	e.seen.reset()
	for _, u := range r.Desktop.Users {
		e.sayNew(1, r.Desktop.ID, u)
	}
}

func desktopEIPExpected(expect Expect) func(*emitter, *inventory.Record) {
	return func(e *emitter, r *inventory.Record) {
		if !r.Listed && r.Networks == nil {
			return
		}
		if policy, expected, ok := expect(e.scope.projectOf(r), r); ok {
			e.say(oneOrZero(expected), r.Desktop.ID, policy)
		}
	}
}

func oneOrZero(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func vpcInfo(e *emitter, s *inventory.Snapshot) {
	for _, v := range s.VPCs {
		e.say(1, v.ID, v.Name, v.CIDR)
	}
}

func subnetInfo(e *emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		e.say(1, n.ID, n.Name, n.CIDR, n.VPCID)
	}
}

func securityGroupInfo(e *emitter, s *inventory.Snapshot) {
	for _, g := range s.SecurityGroups {
		e.say(1, g.ID, g.Name)
	}
}

func subnetNetworkInterfaces(e *emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		e.say(float64(n.Interfaces), n.ID)
	}
}

func subnetAddresses(e *emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		if usable, ok := usableAddresses(n.CIDR); ok {
			e.say(usable, n.ID)
		}
	}
}

// reserved is how many addresses of a subnet the VPC service keeps: network,
// broadcast, gateway, DHCP and a system interface.
const reserved = 5

func usableAddresses(cidr string) (float64, bool) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() {
		return 0, false
	}
	return float64(max(int64(1)<<(32-p.Bits())-reserved, 0)), true
}

// findings says a reason that was looked for without success, too: 0 is what
// all is well looks like.
func findings(e *emitter, s *inventory.Snapshot) {
	counts := map[inventory.FindingReason]int{}
	for _, f := range s.Findings {
		counts[f.Reason]++
	}
	for _, r := range s.CheckedReasons {
		e.say(float64(counts[r]), string(r))
	}
}

// mostFindings bounds the series of one reason, lest one mistake in a network
// plan make as many as there are desktops.
const mostFindings = 1000

func findingInfo(e *emitter, s *inventory.Snapshot) {
	said := map[inventory.FindingReason]int{}
	for _, f := range s.Findings {
		if said[f.Reason]++; said[f.Reason] <= mostFindings {
			e.say(1, string(f.Reason), f.Subject, f.Other, f.Value)
		}
	}
}

func up(e *emitter, s *scope) {
	if !s.Health.Refreshed {
		return
	}
	e.say(oneOrZero(s.Health.Up))
}

func projectInfo(e *emitter, s *scope) {
	for _, name := range s.names {
		e.say(1, name)
	}
}

func desktops(e *emitter, s *scope) {
	if s.Health.Listed {
		e.say(float64(len(s.Records)))
	}
}

func desktopsUnresolved(e *emitter, s *scope) {
	if s.Health.Listed {
		e.say(float64(s.Health.Unresolved))
	}
}

func desktopsStale(e *emitter, s *scope) {
	if s.Health.Listed {
		e.say(float64(s.Health.Stale))
	}
}

func refreshDuration(e *emitter, s *scope) {
	if s.Health.Refreshed {
		e.say(s.Health.Duration.Seconds())
	}
}

func refreshLastSuccess(e *emitter, s *scope) { sayTime(e, s.Health.LastSuccess) }

func oldestData(e *emitter, s *scope) { sayTime(e, s.Health.OldestData) }

func policies(n int) func(*emitter, *scope) {
	return func(e *emitter, _ *scope) { e.say(float64(n)) }
}

// desktopChanges says all kinds from the start, so that the first change of a
// kind is an increase.
func desktopChanges(count func(inventory.Project) map[inventory.ChangeKind]uint64) func(*emitter, *scope) {
	return func(e *emitter, s *scope) {
		if count == nil {
			return
		}
		counts := count(s.Project)
		if counts == nil {
			return
		}
		for _, kind := range slices.Sorted(slices.Values(inventory.ChangeKinds())) {
			e.say(float64(counts[kind]), string(kind))
		}
	}
}

func sayTime(e *emitter, t time.Time) {
	if !t.IsZero() {
		e.say(float64(t.UnixMilli()) / 1e3)
	}
}
