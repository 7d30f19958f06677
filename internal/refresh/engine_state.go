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

// The first pause before a desktop that the cloud refuses is asked for again,
// and the longest: each refusal doubles it.
const (
	minRetryDelay = 5 * time.Minute
	maxRetryDelay = time.Hour
)

// engineState is all that an engine remembers. The engine's lock guards it.
type engineState struct {
	opts         Options
	project      inventory.Project
	desktops     []*desktop // sorted by ID
	ageOrder     []*desktop // all of them, as byAge left them
	resources    inventory.ResourceCounts
	consistency  consistency
	listed       bool      // the desktops are known
	listComplete bool      // the list that was read last was complete
	listFailedAt time.Time // the first failed try since the list was last read; zero: none
	quotaLimited bool      // the quota did not pay for all of the last round
	health       inventory.Health

	dirty        bool                // something may have changed since latest was made
	recordsDirty bool                // something that is said of desktops did
	latest       *inventory.Snapshot // the last one made
	nextExpiry   time.Time           // when the first value that is held ends; zero: none is held
	hashSeed     maphash.Seed
}

// desktop is what an engine remembers of one desktop.
type desktop struct {
	record       *inventory.Record // what is said of it
	readAt       time.Time         // when its networks were asked for with success; zero: never
	lastRun      uint64            // the round that asked for them last
	failedAt     time.Time         // the first try that failed since readAt; zero: none
	retryAt      time.Time         // refused: not asked for before this
	refusals     int
	missingSince time.Time // the first incomplete list that lacked it; zero: the last list had it
	added        bool      // came after the first list
	everChanged  bool      // came late, or its networks have been others
	fingerprint  uint64
	queuedAt     time.Time // readAt when it took its place in the queue
	queued       bool      // it has one
	removed      bool      // no longer one of the desktops
	// What the lists said when its networks were read last.
	readFingerprint uint64
	listedEIPs      string
	eipListKnown    bool
}

func newEngineState(o Options) engineState {
	return engineState{opts: o, project: o.Project, hashSeed: maphash.MakeSeed(), recordsDirty: true}
}

// mergeList brings a reading of the list into the state: new desktops come, and
// those that a complete list lacks go. An incomplete one proves nothing of
// those it lacks: they are missing since the first try that failed.
func (s *engineState) mergeList(l []inventory.Desktop, complete bool, since time.Time) {
	merged := make([]*desktop, 0, max(len(l), len(s.desktops)))
	known := s.desktops
	lacks := func(d *desktop) {
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
			lacks(known[0])
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
		lacks(d)
	}
	s.desktops, s.listed, s.listComplete, s.listFailedAt = merged, true, complete, time.Time{}
}

// markListFailed notes that the list could not be read.
func (s *engineState) markListFailed(asked time.Time) {
	if s.listFailedAt.IsZero() {
		s.listFailedAt = asked
	}
}

// remove notes that a desktop is no longer exported. The caller takes it off
// the desktops.
func (s *engineState) remove(d *desktop) {
	s.updateAggregates(d, nil)
	d.removed, s.recordsDirty = true, true
}

// fingerprint sums up what in the list hints at a change of the networks. A task is
// in it so that its end counts as one.
func (s *engineState) fingerprint(d *inventory.Desktop) uint64 {
	return maphash.Comparable(s.hashSeed, [...]string{d.Name, d.IP, d.SubnetID, d.PoolID, d.Status, d.TaskStatus})
}

// setRecord makes what is said of a desktop anew.
func (s *engineState) setRecord(d *desktop, listed inventory.Desktop, n *inventory.Networks) {
	if d.record != nil && n != d.record.Networks {
		s.updateAggregates(d, n)
	}
	d.record = &inventory.Record{Desktop: listed, Listed: s.opts.Discovered, Networks: n}
	d.fingerprint = s.fingerprint(&listed)
	s.recordsDirty = true
}

// updateAggregates lets a desktop count by other networks than before; nil: by none.
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

// setNetworks notes that the networks of a desktop were read.
func (s *engineState) setNetworks(d *desktop, n *inventory.Networks, asked time.Time, b inventory.EIPBindings) {
	if d.removed {
		return // held for too long while it was asked for
	}
	if !n.Equal(d.record.Networks) {
		d.everChanged = d.everChanged || d.record.Networks != nil
		s.setRecord(d, d.record.Desktop, n)
	}
	d.readAt = asked
	d.failedAt, d.retryAt, d.refusals = time.Time{}, time.Time{}, 0
	d.readFingerprint, d.listedEIPs, d.eipListKnown = d.fingerprint, b[d.record.Desktop.ID], b != nil
	d.added = false
	s.compareEIPs(d, asked, true)
}

// markFailed notes that the networks of a desktop could not be read.
func (d *desktop) markFailed(asked time.Time) {
	if d.failedAt.IsZero() {
		d.failedAt = asked
	}
}

// markRefused notes that the cloud has no networks for a desktop. It is not asked
// for again soon, lest one desktop cost a call in every scrape.
func (d *desktop) markRefused(asked time.Time) {
	d.markFailed(asked)
	pause := min(minRetryDelay<<min(d.refusals, 8), maxRetryDelay)
	d.refusals++
	d.retryAt = asked.Add(pause)
	d.readFingerprint, d.added = d.fingerprint, false
}

// changed tells whether the lists say that the networks of a desktop, which
// were read or refused before, are others now.
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

// taskRunning tells whether a task runs on a desktop, which may change its networks
// at any moment.
func (d *desktop) taskRunning() bool { return d.record.Desktop.TaskStatus != "" && d.refusals == 0 }

// sortByAge gives all desktops in the order in which they are to be read: those
// read longest ago first, and those read together by their IDs. Most of them
// have kept the order that they had, so the few that did not are sorted in.
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

func compareAge(a, b *desktop) int {
	if c := a.readAt.Compare(b.readAt); c != 0 {
		return c
	}
	return cmp.Compare(a.record.Desktop.ID, b.record.Desktop.ID)
}

// finishRun notes how a round went, which waits for quota until the given time.
func (s *engineState) finishRun(r *run, until time.Time) {
	now := time.Now()
	s.dirty = true
	h := &s.health
	// Who waits for the first answer knows no better than the refresh before.
	if silent := !until.IsZero() && !r.answered && len(r.failures) == 0; !silent || !h.Refreshed {
		h.Up = len(r.failures) == 0
		h.Failures = slices.Clone(r.failures) // the round may go on
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

// expiresBy tells whether a value that is held ends by now.
func (s *engineState) expiresBy(now time.Time) bool {
	return !s.nextExpiry.IsZero() && !now.Before(s.nextExpiry)
}

// expire ends what has been held for too long, and finds when the next ends.
func (s *engineState) expire(now time.Time) {
	s.nextExpiry = time.Time{}
	holds := func(failed time.Time) bool {
		if end := failed.Add(s.opts.MaxStaleness); now.Before(end) {
			if s.nextExpiry.IsZero() || end.Before(s.nextExpiry) {
				s.nextExpiry = end
			}
			return true
		}
		return false
	}
	if s.listed && !s.listFailedAt.IsZero() && !holds(s.listFailedAt) {
		for _, d := range s.desktops {
			s.remove(d)
		}
		s.listed, s.listComplete, s.desktops, s.recordsDirty = false, false, nil, true
	}
	if eips := &s.consistency.eips; !eips.failedAt.IsZero() && !holds(eips.failedAt) {
		eips.reset()
	}
	s.desktops = slices.DeleteFunc(s.desktops, func(d *desktop) bool {
		if d.missingSince.IsZero() || holds(d.missingSince) {
			return false
		}
		s.remove(d)
		return true
	})
	for _, d := range s.desktops {
		if d.record.Networks != nil && !d.failedAt.IsZero() && !holds(d.failedAt) {
			s.setRecord(d, d.record.Desktop, nil)
			d.readAt, d.eipListKnown = time.Time{}, false
		}
	}
}

// snapshot makes the snapshot of now. What did not change is shared with the
// one before.
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
