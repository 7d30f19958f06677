// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The delays before the networks of a refused desktop are requested again: each
// refusal doubles the delay.
const (
	minRetryDelay = 5 * time.Minute
	maxRetryDelay = time.Hour
)

// engineState is the data of an engine. The engine's lock guards it.
type engineState struct {
	opts         Options
	project      inventory.Project
	desktops     []*desktop // sorted by ID
	ageOrder     []*desktop // all of them, in the order of the last sortByAge
	resources    inventory.ResourceCounts
	consistency  consistency
	listed       bool      // the desktops are known
	listComplete bool      // the last list was complete
	listFailedAt time.Time // first failed attempt since the last list; zero: none
	quotaLimited bool      // the quota did not pay for everything in the last run
	health       inventory.Health

	dirty        bool                // something may differ from latest
	recordsDirty bool                // the records differ from those of latest
	latest       *inventory.Snapshot // the last snapshot
	nextExpiry   time.Time           // when the next stale value ends; zero: none is stale
	hashSeed     maphash.Seed
}

// desktop is the data of one desktop.
type desktop struct {
	record       *inventory.Record // as it is exported
	readAt       time.Time         // when its networks were requested with success; zero: never
	lastRun      uint64            // the last run that requested them
	failedAt     time.Time         // first failed attempt since readAt; zero: none
	retryAt      time.Time         // after a refusal: when its networks are requested again
	refusals     int               // in a row
	missingSince time.Time         // first incomplete list without it; zero: it is in the last list
	added        bool              // new since the first list, and its networks were not read yet
	everChanged  bool              // new since the first list, or its networks changed once
	fingerprint  uint64            // of the last list
	queuedAt     time.Time         // readAt when it was placed in ageOrder
	queued       bool              // it is in ageOrder
	removed      bool              // no longer exported
	// What the lists contained when its networks were read last.
	readFingerprint uint64
	listedEIPs      string
	eipListKnown    bool
}

func newEngineState(o Options) engineState {
	return engineState{opts: o, project: o.Project, hashSeed: maphash.MakeSeed(), recordsDirty: true}
}

// mergeList merges a list of desktops. It adds new ones and removes those
// that a complete list lacks. Those that an incomplete list lacks may exist: they
// are missing since the given time.
func (s *engineState) mergeList(l []inventory.Desktop, complete bool, since time.Time) {
	merged := make([]*desktop, 0, max(len(l), len(s.desktops)))
	known := s.desktops
	missing := func(d *desktop) {
		if complete {
			s.remove(d)
			return
		}
		if d.missingSince.IsZero() {
			d.missingSince = since
		}
		merged = append(merged, d)
	}
	for i := range l {
		listed := &l[i]
		for len(known) > 0 && known[0].record.Desktop.ID < listed.ID {
			missing(known[0])
			known = known[1:]
		}
		var d *desktop
		if len(known) > 0 && known[0].record.Desktop.ID == listed.ID {
			d, known = known[0], known[1:]
			if !d.record.Desktop.Equal(listed) {
				s.setRecord(d, *listed, d.record.Networks)
			}
		} else {
			d = &desktop{added: s.listed, everChanged: s.listed}
			s.setRecord(d, *listed, nil)
		}
		d.missingSince = time.Time{}
		merged = append(merged, d)
	}
	for _, d := range known {
		missing(d)
	}
	s.desktops, s.listed, s.listComplete, s.listFailedAt = merged, true, complete, time.Time{}
}

// markListFailed records that the list could not be read.
func (s *engineState) markListFailed(requestedAt time.Time) {
	if s.listFailedAt.IsZero() {
		s.listFailedAt = requestedAt
	}
}

// remove records that a desktop is no longer exported. The caller removes it from
// the desktops.
func (s *engineState) remove(d *desktop) {
	s.updateAggregates(d, nil)
	d.removed, s.recordsDirty = true, true
}

// fingerprint returns a hash of the fields whose change hints at a change of the
// networks. The task is one of them, so that its end counts as a change.
func (s *engineState) fingerprint(d *inventory.Desktop) uint64 {
	return maphash.Comparable(s.hashSeed, [...]string{d.Name, d.IP, d.SubnetID, d.PoolID, d.Status, d.TaskStatus})
}

// setRecord replaces the record of a desktop.
func (s *engineState) setRecord(d *desktop, listed inventory.Desktop, n *inventory.Networks) {
	if d.record != nil && n != d.record.Networks {
		s.updateAggregates(d, n)
	}
	d.record = &inventory.Record{Desktop: listed, Listed: s.opts.Discovered, Networks: n}
	d.fingerprint = s.fingerprint(&listed)
	s.recordsDirty = true
}

// updateAggregates replaces the networks of a desktop in what is counted over all
// desktops; nil: it no longer counts.
func (s *engineState) updateAggregates(d *desktop, n *inventory.Networks) {
	id := d.record.Desktop.ID
	s.resources.Remove(d.record.Networks)
	s.consistency.checker.Remove(id, d.record.Networks)
	if n == nil {
		delete(s.consistency.eips.mismatches, id)
		return
	}
	s.resources.Add(n)
	s.consistency.checker.Add(id, n)
}

// setNetworks records the networks of a desktop, which were requested at the given
// time.
func (s *engineState) setNetworks(d *desktop, n *inventory.Networks, requestedAt time.Time, b inventory.EIPBindings) {
	if d.removed {
		return // it expired during the request
	}
	if !n.Equal(d.record.Networks) {
		d.everChanged = d.everChanged || d.record.Networks != nil
		s.setRecord(d, d.record.Desktop, n)
	}
	d.readAt = requestedAt
	d.failedAt, d.retryAt, d.refusals = time.Time{}, time.Time{}, 0
	d.readFingerprint, d.listedEIPs, d.eipListKnown = d.fingerprint, b[d.record.Desktop.ID], b != nil
	d.added = false
	s.compareEIPs(d, requestedAt, true)
}

// markFailed records that the networks of a desktop could not be read.
func (d *desktop) markFailed(requestedAt time.Time) {
	if d.failedAt.IsZero() {
		d.failedAt = requestedAt
	}
}

// markRefused records that the cloud refused to return the networks of a desktop.
// They are requested again after a delay, because a refused desktop costs a call
// of its own each time.
func (d *desktop) markRefused(requestedAt time.Time) {
	d.markFailed(requestedAt)
	delay := min(minRetryDelay<<min(d.refusals, 8), maxRetryDelay)
	d.refusals++
	d.retryAt = requestedAt.Add(delay)
	d.readFingerprint, d.added = d.fingerprint, false
}

// changed reports whether the lists hint that the networks of a desktop changed
// since they were read or refused.
func (d *desktop) changed(b inventory.EIPBindings) bool {
	if d.readAt.IsZero() && d.refusals == 0 {
		return d.added
	}
	if d.fingerprint != d.readFingerprint {
		return true
	}
	if b == nil || d.record.Networks == nil {
		return false
	}
	if d.eipListKnown {
		return d.listedEIPs != b[d.record.Desktop.ID]
	}
	return d.record.Networks.EIPAddresses() != b[d.record.Desktop.ID]
}

// taskRunning reports whether a task runs on a desktop, which may change its
// networks at any moment.
func (d *desktop) taskRunning() bool { return d.record.Desktop.TaskStatus != "" && d.refusals == 0 }

// sortByAge returns all desktops, those with the oldest networks first, then by
// ID. Most are still in the order of the last call, so only the others are
// sorted, and merged.
func (s *engineState) sortByAge() []*desktop {
	var moved []*desktop
	for _, d := range s.desktops {
		if !d.queued || !d.queuedAt.Equal(d.readAt) {
			moved = append(moved, d)
		}
	}
	slices.SortFunc(moved, compareAge)
	queue := make([]*desktop, 0, len(s.desktops))
	for _, d := range s.ageOrder {
		if d.removed || !d.queuedAt.Equal(d.readAt) {
			continue
		}
		for len(moved) > 0 && compareAge(moved[0], d) < 0 {
			queue = append(queue, moved[0])
			moved = moved[1:]
		}
		queue = append(queue, d)
	}
	s.ageOrder = append(queue, moved...)
	for _, d := range s.ageOrder {
		d.queued, d.queuedAt = true, d.readAt
	}
	return s.ageOrder
}

// compareAge compares desktops by the age of their networks, then by ID.
func compareAge(a, b *desktop) int {
	if c := a.readAt.Compare(b.readAt); c != 0 {
		return c
	}
	return cmp.Compare(a.record.Desktop.ID, b.record.Desktop.ID)
}

// finishRun records the result of a run, which waits for quota until the given
// time.
func (s *engineState) finishRun(r *run, until time.Time) {
	now := time.Now()
	s.dirty = true
	h := &s.health
	// Nothing answered yet: keep the previous health.
	if unanswered := !until.IsZero() && !r.answered && len(r.failures) == 0; !unanswered || !h.Refreshed {
		h.Up = len(r.failures) == 0
		h.Failures = slices.Clone(r.failures) // the run may continue
		if h.Up {
			h.LastSuccess = now
		}
	}
	h.Refreshed = true
	h.Duration = now.Sub(r.start)
	h.LastRefresh = now
	h.QuotaExceededUntil = until
	s.quotaLimited = !until.IsZero() || len(r.queue[classChanged])+len(r.queue[classOldest]) > 0
}

// expiresBy reports whether a stale value ends by now.
func (s *engineState) expiresBy(now time.Time) bool {
	return !s.nextExpiry.IsZero() && !now.Before(s.nextExpiry)
}

// expire removes the values that are stale for MaxStaleness, and sets nextExpiry.
func (s *engineState) expire(now time.Time) {
	s.nextExpiry = time.Time{}
	valid := func(failed time.Time) bool {
		if end := failed.Add(s.opts.MaxStaleness); now.Before(end) {
			if s.nextExpiry.IsZero() || end.Before(s.nextExpiry) {
				s.nextExpiry = end
			}
			return true
		}
		return false
	}
	if s.listed && !s.listFailedAt.IsZero() && !valid(s.listFailedAt) {
		for _, d := range s.desktops {
			s.remove(d)
		}
		s.listed, s.listComplete, s.desktops, s.recordsDirty = false, false, nil, true
	}
	if eips := &s.consistency.eips; !eips.failedAt.IsZero() && !valid(eips.failedAt) {
		eips.reset()
	}
	s.desktops = slices.DeleteFunc(s.desktops, func(d *desktop) bool {
		if d.missingSince.IsZero() || valid(d.missingSince) {
			return false
		}
		s.remove(d)
		return true
	})
	for _, d := range s.desktops {
		if d.record.Networks != nil && !d.failedAt.IsZero() && !valid(d.failedAt) {
			s.setRecord(d, d.record.Desktop, nil)
			d.readAt, d.eipListKnown = time.Time{}, false
		}
	}
}

// snapshot returns a new snapshot, which shares with the last one what did not
// change.
func (s *engineState) snapshot(now time.Time) *inventory.Snapshot {
	s.expire(now)
	next := inventory.Snapshot{Project: s.project, Discovered: s.opts.Discovered}
	if s.recordsDirty {
		next.Records = make([]*inventory.Record, len(s.desktops))
		for i, d := range s.desktops {
			next.Records[i] = d.record
		}
		next.VPCs, next.Subnets, next.SecurityGroups = s.resources.Resources()
	} else {
		next.Records, next.VPCs = s.latest.Records, s.latest.VPCs
		next.Subnets, next.SecurityGroups = s.latest.Subnets, s.latest.SecurityGroups
	}
	next.Health = s.health
	next.Health.Listed, next.Health.ListComplete = s.listed, s.listComplete
	for _, d := range s.desktops {
		if d.record.Networks == nil {
			next.Health.Unresolved++
			if !d.added && d.refusals == 0 {
				next.Health.Unread++
			}
			continue
		}
		if !d.failedAt.IsZero() {
			next.Health.Stale++
		}
		if oldest := next.Health.OldestData; oldest.IsZero() || d.readAt.Before(oldest) {
			next.Health.OldestData = d.readAt
		}
	}
	next.CheckedReasons, next.Findings = s.findings(now, len(s.desktops) == 0 || next.Health.Unresolved < len(s.desktops))
	if s.latest != nil && slices.Equal(next.Findings, s.latest.Findings) {
		next.Findings = s.latest.Findings
	}
	s.dirty, s.recordsDirty, s.latest = false, false, &next
	return &next
}
