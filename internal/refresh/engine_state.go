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
	firstRetry = 5 * time.Minute
	lastRetry  = time.Hour
)

// engineState is all that an engine remembers. The engine's lock guards it.
type engineState struct {
	opts       Options
	project    inventory.Project
	desktops   []*desktop // sorted by ID
	queue      []*desktop // all of them, as byAge left them
	objects    inventory.ResourceCounts
	suspicions suspicions
	listed     bool      // the desktops are known
	complete   bool      // the list that was read last was complete
	listFailed time.Time // the first failed try since the list was last read; zero: none
	behind     bool      // the quota did not pay for all of the last round
	health     inventory.Health

	touched  bool                // something may have changed since latest was made
	moved    bool                // something that is said of desktops did
	latest   *inventory.Snapshot // the last one made
	expires  time.Time           // when the first value that is held ends; zero: none is held
	hashSeed maphash.Seed
}

// desktop is what an engine remembers of one desktop.
type desktop struct {
	record   *inventory.Record // what is said of it
	readAt   time.Time         // when its networks were asked for with success; zero: never
	tried    uint64            // the round that asked for them last
	failedAt time.Time         // the first try that failed since readAt; zero: none
	retryAt  time.Time         // refused: not asked for before this
	refusals int
	missing  time.Time // the first incomplete list that lacked it; zero: the last list had it
	appeared bool      // came after the first list
	moved    bool      // came late, or its networks have been others
	sketch   uint64
	queuedAt time.Time // readAt when it took its place in the queue
	queued   bool      // it has one
	gone     bool      // no longer one of the desktops
	// What the lists said when its networks were read last.
	readSketch uint64
	bound      string
	boundKnown bool
}

func newEngineState(o Options) engineState {
	return engineState{opts: o, project: o.Project, hashSeed: maphash.MakeSeed(), moved: true}
}

// list brings a reading of the list into the state: new desktops come, and
// those that a complete list lacks go. An incomplete one proves nothing of
// those it lacks: they are missing since the first try that failed.
func (s *engineState) list(l []inventory.Desktop, complete bool, since time.Time) {
	merged := make([]*desktop, 0, max(len(l), len(s.desktops)))
	known := s.desktops
	lacks := func(d *desktop) {
		if complete {
			s.remove(d)
			return
		}
		if d.missing.IsZero() {
			d.missing = since
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
				s.say(d, *listed, d.record.Networks)
			}
		} else {
			d = &desktop{appeared: s.listed, moved: s.listed}
			s.say(d, *listed, nil)
		}
		d.missing = time.Time{}
		merged = append(merged, d)
	}
	for _, d := range known {
		lacks(d)
	}
	s.desktops, s.listed, s.complete, s.listFailed = merged, true, complete, time.Time{}
}

// cannotList notes that the list could not be read.
func (s *engineState) cannotList(asked time.Time) {
	if s.listFailed.IsZero() {
		s.listFailed = asked
	}
}

// remove notes that a desktop is no longer exported. The caller takes it off
// the desktops.
func (s *engineState) remove(d *desktop) {
	s.count(d, nil)
	d.gone, s.moved = true, true
}

// sketch sums up what in the list hints at a change of the networks. A task is
// in it so that its end counts as one.
func (s *engineState) sketch(d *inventory.Desktop) uint64 {
	return maphash.Comparable(s.hashSeed, [...]string{d.Name, d.IP, d.SubnetID, d.PoolID, d.Status, d.TaskStatus})
}

// say makes what is said of a desktop anew.
func (s *engineState) say(d *desktop, listed inventory.Desktop, n *inventory.Networks) {
	if d.record != nil && n != d.record.Networks {
		s.count(d, n)
	}
	d.record = &inventory.Record{Desktop: listed, Listed: s.opts.Discovered, Networks: n}
	d.sketch = s.sketch(&listed)
	s.moved = true
}

// count lets a desktop count by other networks than before; nil: by none.
func (s *engineState) count(d *desktop, n *inventory.Networks) {
	id := d.record.Desktop.ID
	s.objects.Remove(d.record.Networks)
	s.suspicions.audit.Remove(id, d.record.Networks)
	if n == nil {
		delete(s.suspicions.eips.doubts, id)
		return
	}
	s.objects.Add(n)
	s.suspicions.audit.Add(id, n)
}

// read notes that the networks of a desktop were read.
func (s *engineState) read(d *desktop, n *inventory.Networks, asked time.Time, b inventory.EIPBindings) {
	if d.gone {
		return // held for too long while it was asked for
	}
	if !n.Equal(d.record.Networks) {
		d.moved = d.moved || d.record.Networks != nil
		s.say(d, d.record.Desktop, n)
	}
	d.readAt = asked
	d.failedAt, d.retryAt, d.refusals = time.Time{}, time.Time{}, 0
	d.readSketch, d.bound, d.boundKnown = d.sketch, b[d.record.Desktop.ID], b != nil
	d.appeared = false
	s.compare(d, asked, true)
}

// fail notes that the networks of a desktop could not be read.
func (d *desktop) fail(asked time.Time) {
	if d.failedAt.IsZero() {
		d.failedAt = asked
	}
}

// refuse notes that the cloud has no networks for a desktop. It is not asked
// for again soon, lest one desktop cost a call in every scrape.
func (d *desktop) refuse(asked time.Time) {
	d.fail(asked)
	pause := min(firstRetry<<min(d.refusals, 8), lastRetry)
	d.refusals++
	d.retryAt = asked.Add(pause)
	d.readSketch, d.appeared = d.sketch, false
}

// changed tells whether the lists say that the networks of a desktop, which
// were read or refused before, are others now.
func (d *desktop) changed(b inventory.EIPBindings) bool {
	if d.readAt.IsZero() && d.refusals == 0 {
		return d.appeared
	}
	if d.sketch != d.readSketch {
		return true
	}
	if b == nil || d.record.Networks == nil {
		return false
	}
	if d.boundKnown {
		return d.bound != b[d.record.Desktop.ID]
	}
	return d.record.Networks.EIPAddresses() != b[d.record.Desktop.ID]
}

// atWork tells whether a task runs on a desktop, which may change its networks
// at any moment.
func (d *desktop) atWork() bool { return d.record.Desktop.TaskStatus != "" && d.refusals == 0 }

// byAge gives all desktops in the order in which they are to be read: those
// read longest ago first, and those read together by their IDs. Most of them
// have kept the order that they had, so the few that did not are sorted in.
func (s *engineState) byAge() []*desktop {
	var moved []*desktop
	for _, d := range s.desktops {
		if !d.queued || !d.queuedAt.Equal(d.readAt) {
			moved = append(moved, d)
		}
	}
	slices.SortFunc(moved, older)
	queue := make([]*desktop, 0, len(s.desktops))
	for _, d := range s.queue {
		if d.gone || !d.queuedAt.Equal(d.readAt) {
			continue
		}
		for len(moved) > 0 && older(moved[0], d) < 0 {
			queue = append(queue, moved[0])
			moved = moved[1:]
		}
		queue = append(queue, d)
	}
	s.queue = append(queue, moved...)
	for _, d := range s.queue {
		d.queued, d.queuedAt = true, d.readAt
	}
	return s.queue
}

func older(a, b *desktop) int {
	if c := a.readAt.Compare(b.readAt); c != 0 {
		return c
	}
	return cmp.Compare(a.record.Desktop.ID, b.record.Desktop.ID)
}

// end notes how a round went, which waits for quota until the given time.
func (s *engineState) end(r *round, until time.Time) {
	now := time.Now()
	s.touched = true
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
	s.behind = !until.IsZero() || len(r.queue[changed])+len(r.queue[oldest]) > 0
}

// expiresBy tells whether a value that is held ends by now.
func (s *engineState) expiresBy(now time.Time) bool {
	return !s.expires.IsZero() && !now.Before(s.expires)
}

// expire ends what has been held for too long, and finds when the next ends.
func (s *engineState) expire(now time.Time) {
	s.expires = time.Time{}
	holds := func(failed time.Time) bool {
		if end := failed.Add(s.opts.MaxStaleness); now.Before(end) {
			if s.expires.IsZero() || end.Before(s.expires) {
				s.expires = end
			}
			return true
		}
		return false
	}
	if s.listed && !s.listFailed.IsZero() && !holds(s.listFailed) {
		for _, d := range s.desktops {
			s.remove(d)
		}
		s.listed, s.complete, s.desktops, s.moved = false, false, nil, true
	}
	if eips := &s.suspicions.eips; !eips.failed.IsZero() && !holds(eips.failed) {
		eips.drop()
	}
	s.desktops = slices.DeleteFunc(s.desktops, func(d *desktop) bool {
		if d.missing.IsZero() || holds(d.missing) {
			return false
		}
		s.remove(d)
		return true
	})
	for _, d := range s.desktops {
		if d.record.Networks != nil && !d.failedAt.IsZero() && !holds(d.failedAt) {
			s.say(d, d.record.Desktop, nil)
			d.readAt, d.boundKnown = time.Time{}, false
		}
	}
}

// snapshot makes the snapshot of now. What did not change is shared with the
// one before.
func (s *engineState) snapshot(now time.Time) *inventory.Snapshot {
	s.expire(now)
	next := inventory.Snapshot{Project: s.project, Discovered: s.opts.Discovered}
	if s.moved {
		next.Records = make([]*inventory.Record, len(s.desktops))
		for i, d := range s.desktops {
			next.Records[i] = d.record
		}
		next.VPCs, next.Subnets, next.SecurityGroups = s.objects.Resources()
	} else {
		next.Records, next.VPCs = s.latest.Records, s.latest.VPCs
		next.Subnets, next.SecurityGroups = s.latest.Subnets, s.latest.SecurityGroups
	}
	next.Health = s.health
	next.Health.Listed, next.Health.ListComplete = s.listed, s.complete
	for _, d := range s.desktops {
		if d.record.Networks == nil {
			next.Health.Unresolved++
			if !d.appeared && d.refusals == 0 {
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
	s.touched, s.moved, s.latest = false, false, &next
	return &next
}
