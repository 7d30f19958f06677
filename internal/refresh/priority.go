// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"slices"
	"time"
)

// plan queues the desktops whose networks are to be read in this run and were not
// requested in it yet.
func (r *run) plan(now time.Time) {
	r.queue = [numClasses][]*desktop{classOldest: make([]*desktop, 0, len(r.engine.state.desktops))}
	var running []*desktop
	for _, d := range r.engine.state.sortByAge() {
		switch {
		case d.lastRun == r.number:
		case d.changed(r.bindings):
			r.queue[classChanged] = append(r.queue[classChanged], d)
		case d.taskRunning():
			running = append(running, d)
		case !d.retryAt.After(now):
			r.queue[classOldest] = append(r.queue[classOldest], d)
		}
	}
	r.queue[classChanged] = append(r.queue[classChanged], running...)
	r.changedFitBatch = len(r.queue[classChanged]) <= batchSize
}

// batch is the desktops of one networks request.
type batch struct {
	desktops []*desktop
	class    int
	urgent   bool // may use the reserved part of the quota
}

// nextBatch takes the next batch from the queue: changed desktops first, but every
// second batch is of the desktops with the oldest data, so that many changes delay
// no desktop by more than two cycles. A batch of changed desktops is filled up with
// the oldest ones, which costs no further request. If tasks run on more desktops
// than one batch takes, those are not urgent, because tasks may take long.
func (r *run) nextBatch() (b batch, ok bool) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if r.aborted || time.Now().After(r.lastStart) {
		return batch{}, false
	}
	ready := func(class int) bool { return len(r.queue[class]) > 0 && r.quotaUntil[class].IsZero() }
	switch {
	case ready(classChanged) && ready(classOldest):
		r.contestedBatches++
		if r.contestedBatches%2 == 0 && r.queue[classOldest][0].readAt.Before(r.queue[classChanged][0].readAt) {
			b.class = classOldest
		}
	case ready(classOldest):
		b.class = classOldest
	case !ready(classChanged):
		return batch{}, false
	}
	b.desktops = r.dequeue(b.class, batchSize)
	if b.class == classChanged {
		r.changedInFlight++
		b.urgent = r.changedFitBatch || b.desktops[0].changed(r.bindings)
		b.desktops = append(b.desktops, r.dequeue(classOldest, batchSize-len(b.desktops))...)
	}
	return b, true
}

// dequeue takes up to n desktops from the queue of a class.
func (r *run) dequeue(class, n int) []*desktop {
	q := r.queue[class]
	n = min(n, len(q))
	r.queue[class] = q[n:]
	return slices.Clone(q[:n])
}
