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

// Emitter passes the samples of a scope to a sink. It reuses its buffers: use it
// in one goroutine.
type Emitter struct {
	scope *Scope
	sink  Sink
	row   []string // begins with region and project ID
	seen  rowSet
}

// Sink receives a sample: its label values, in the order of Metric.Labels, and
// its value. It must not retain labels.
type Sink func(labels []string, value float64)

// NewEmitter returns an Emitter of samples of s.
func NewEmitter(s *Scope, sink Sink) *Emitter {
	return &Emitter{scope: s, sink: sink, row: []string{s.Project.Region, s.Project.ID}}
}

// emit emits a sample. Labels are the values of the labels after region and
// project_id.
func (e *Emitter) emit(value float64, labels ...string) {
	e.row = append(e.row[:2], labels...)
	e.sink(e.row, value)
}

// emitUnique is emit, unless a sample with the same labels was emitted since
// e.seen was reset. A response must not contain a series twice, and the API can
// cause one, for example by two interfaces without a port ID.
func (e *Emitter) emitUnique(value float64, labels ...string) {
	e.row = append(e.row[:2], labels...)
	if e.seen.add(e.row) {
		e.sink(e.row, value)
	}
}

// rowSet is a set of rows of label values that is cheap while it is small.
type rowSet struct {
	rows [][]string
	keys map[string]struct{}
}

// linearSearchMax is the number of rows up to which comparing with each is
// cheaper than hashing.
const linearSearchMax = 16

func (s *rowSet) reset() {
	s.rows = s.rows[:0]
	clear(s.keys)
}

// add reports whether the row is new. It copies the row.
func (s *rowSet) add(row []string) bool {
	if len(s.rows) < linearSearchMax {
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

// grow extends rows by one, reusing a row from before reset if there is one.
func grow(rows [][]string) [][]string {
	if len(rows) < cap(rows) {
		return rows[:len(rows)+1]
	}
	return append(rows, nil)
}

// rowKey joins with a byte that valid UTF-8 does not contain.
func rowKey(row []string) string { return strings.Join(row, "\xff") }

func desktopInfo(e *Emitter, r *inventory.Record) {
	if !r.Listed && r.Networks == nil {
		return // a configured ID that the API has not confirmed yet
	}
	d := &r.Desktop
	ip := d.IP
	if ip == "" && r.Networks != nil {
		ip = r.Networks.IP
	}
	e.emit(1, d.ID, r.Name(), ip, d.EnterpriseProjectID, d.PoolID, d.AvailabilityZone, d.Type)
}

func desktopNetworkInfo(e *Emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	e.seen.reset()
	name := r.Name()
	for i := range r.Networks.Interfaces {
		n := &r.Networks.Interfaces[i]
		e.emitUnique(1, r.Desktop.ID, name, n.PortID, n.PrivateIP, n.VPC.ID, n.VPC.Name, n.VPC.CIDR,
			n.Subnet.ID, n.Subnet.Name, n.Subnet.CIDR, n.EIP.ID, n.EIP.Address)
	}
}

func desktopSecurityGroupInfo(e *Emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	e.seen.reset()
	for i := range r.Networks.Interfaces {
		n := &r.Networks.Interfaces[i]
		for _, g := range n.SecurityGroups {
			e.emitUnique(1, r.Desktop.ID, n.PortID, g.ID, g.Name)
		}
	}
}

func desktopNetworkInterfaces(e *Emitter, r *inventory.Record) {
	if r.Networks != nil {
		e.emit(float64(len(r.Networks.Interfaces)), r.Desktop.ID)
	}
}

func desktopEIPs(e *Emitter, r *inventory.Record) {
	if r.Networks == nil {
		return
	}
	count := 0
	for i := range r.Networks.Interfaces {
		if r.Networks.Interfaces[i].EIP != (inventory.EIP{}) {
			count++
		}
	}
	e.emit(float64(count), r.Desktop.ID)
}

func desktopSecurityGroups(e *Emitter, r *inventory.Record) {
	if r.Networks == nil || !r.Networks.GroupsKnown() {
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
	e.emit(float64(count), r.Desktop.ID)
}

// desktopStatus does not check Snapshot.Discovered: the status comes from the
// list, which only discovery reads.
func desktopStatus(e *Emitter, r *inventory.Record) {
	if r.Listed && r.Desktop.Status != "" {
		e.emit(1, r.Desktop.ID, r.Desktop.Status)
	}
}

func desktopTagsInfo(tags []tagLabel) func(*Emitter, *inventory.Record) {
	return func(e *Emitter, r *inventory.Record) {
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

func desktopUserInfo(e *Emitter, r *inventory.Record) {
	e.seen.reset()
	for _, u := range r.Desktop.Users {
		e.emitUnique(1, r.Desktop.ID, u)
	}
}

func desktopEIPExpected(expect EIPExpectation) func(*Emitter, *inventory.Record) {
	return func(e *Emitter, r *inventory.Record) {
		if !r.Listed && r.Networks == nil {
			return
		}
		if policy, expected, ok := expect(e.scope.projectOf(r), r); ok {
			e.emit(boolValue(expected), r.Desktop.ID, policy)
		}
	}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func vpcInfo(e *Emitter, s *inventory.Snapshot) {
	for _, v := range s.VPCs {
		e.emit(1, v.ID, v.Name, v.CIDR)
	}
}

func subnetInfo(e *Emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		e.emit(1, n.ID, n.Name, n.CIDR, n.VPCID)
	}
}

func securityGroupInfo(e *Emitter, s *inventory.Snapshot) {
	for _, g := range s.SecurityGroups {
		e.emit(1, g.ID, g.Name)
	}
}

func subnetNetworkInterfaces(e *Emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		e.emit(float64(n.Interfaces), n.ID)
	}
}

func subnetAddresses(e *Emitter, s *inventory.Snapshot) {
	for _, n := range s.Subnets {
		if usable, ok := usableAddresses(n.CIDR); ok {
			e.emit(usable, n.ID)
		}
	}
}

// reservedAddresses is the number of addresses of a subnet that the VPC service
// reserves: network, broadcast, gateway, DHCP and a system interface.
const reservedAddresses = 5

func usableAddresses(cidr string) (float64, bool) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() {
		return 0, false
	}
	return float64(max(int64(1)<<(32-p.Bits())-reservedAddresses, 0)), true
}

// findings emits 0 for a reason that was checked without a finding.
func findings(e *Emitter, s *inventory.Snapshot) {
	counts := map[inventory.FindingReason]int{}
	for _, f := range s.Findings {
		counts[f.Reason]++
	}
	for _, r := range s.CheckedReasons {
		e.emit(float64(counts[r]), string(r))
	}
}

// maxFindings limits the series of one reason: one mistake in a network plan
// can cause a finding for each desktop.
const maxFindings = 1000

func findingInfo(e *Emitter, s *inventory.Snapshot) {
	counts := map[inventory.FindingReason]int{}
	for _, f := range s.Findings {
		if counts[f.Reason]++; counts[f.Reason] <= maxFindings {
			e.emit(1, string(f.Reason), f.Subject, f.Other, f.Value)
		}
	}
}

func up(e *Emitter, s *Scope) {
	if !s.Health.Refreshed {
		return
	}
	e.emit(boolValue(s.Health.Up))
}

func projectInfo(e *Emitter, s *Scope) {
	for _, name := range s.names {
		e.emit(1, name)
	}
}

func desktops(e *Emitter, s *Scope) {
	if s.Health.Listed {
		e.emit(float64(len(s.Records)))
	}
}

func desktopsUnresolved(e *Emitter, s *Scope) {
	if s.Health.Listed {
		e.emit(float64(s.Health.Unresolved))
	}
}

func desktopsStale(e *Emitter, s *Scope) {
	if s.Health.Listed {
		e.emit(float64(s.Health.Stale))
	}
}

func refreshDuration(e *Emitter, s *Scope) {
	if s.Health.Refreshed {
		e.emit(s.Health.Duration.Seconds())
	}
}

func refreshLastSuccess(e *Emitter, s *Scope) { emitTime(e, s.Health.LastSuccess) }

func oldestData(e *Emitter, s *Scope) { emitTime(e, s.Health.OldestData) }

func policies(n int) func(*Emitter, *Scope) {
	return func(e *Emitter, _ *Scope) { e.emit(float64(n)) }
}

// desktopChanges emits all kinds from the start, so that the first change of a
// kind is an increase.
func desktopChanges(count func(inventory.Project) map[inventory.ChangeKind]uint64) func(*Emitter, *Scope) {
	return func(e *Emitter, s *Scope) {
		if count == nil {
			return
		}
		counts := count(s.Project)
		if counts == nil {
			return
		}
		for _, kind := range slices.Sorted(slices.Values(inventory.ChangeKinds())) {
			e.emit(float64(counts[kind]), string(kind))
		}
	}
}

func emitTime(e *Emitter, t time.Time) {
	if !t.IsZero() {
		e.emit(float64(t.UnixMilli()) / 1e3)
	}
}
