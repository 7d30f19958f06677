// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// batchSize is the most desktops that one networks call may name.
const batchSize = 100

// The classes of desktops that wait to be read.
const (
	classChanged = iota // the lists say that something happened to them, or is about to
	classOldest         // all others, by the age of what is known of them
	numClasses
)

// run is the asking of one refresh. What it learns goes into the engine's
// state at once; only the engine's lock guards both.
type run struct {
	engine    *Engine
	number    uint64
	start     time.Time
	lastStart time.Time // no question starts after this
	release   func()    // lets the scrapes go; nil: they went

	listDone            bool                   // the list needs no further try
	listQuotaUntil      time.Time              // the quota for the list, or for the project's ID, is spent until then
	bindings            inventory.EIPBindings  // nil: not asked, or no answer
	queue               [numClasses][]*desktop // who is still to be read, in order
	changedFitBatch     bool                   // one batch takes all that changed
	changedInFlight     int                    // batches of changed desktops that are being asked for
	quotaUntil          [numClasses]time.Time  // the quota for a class is spent until then
	contestedBatches    int                    // batches taken while both classes waited
	consecutiveFailures int                    // batches that failed since the last that did not
	aborted             bool                   // nothing more is asked: it would fail as well
	answered            bool                   // something was asked and answered
	failures            []*inventory.Failure   // each kind of each operation once
}

// readLists reads the list of desktops and, where the last refresh could not read
// everything, the EIP list, and plans from both what to read in which order.
func (r *run) readLists(ctx context.Context) {
	e := r.engine
	project, err := e.opts.Source.ResolveProject(ctx)
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if wait, ok := asQuotaExceeded(err); ok {
			r.listQuotaUntil = wait.Until
			return
		}
		r.listDone = true
		r.addFailure(asFailure(inventory.KeystoneListProjects, err))
		e.state.markListFailed(r.start)
		r.aborted = true
		return
	}

	var bindings sync.WaitGroup
	var refusal error
	asked := time.Now()
	e.mu.Lock()
	if known := e.state.project.ID; known != "" && known != project.ID {
		e.state.reset(project)
	}
	e.state.project = project
	read := e.opts.ReadEIPList && e.state.quotaLimited && r.bindings == nil
	if read {
		bindings.Go(func() { r.bindings, refusal = e.opts.Source.ListEIPBindings(ctx) })
	}
	e.mu.Unlock()
	listing, err := e.opts.Source.ListDesktops(ctx)
	bindings.Wait()

	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.dirty = true
	if read && e.ctx.Err() == nil {
		// An accelerator only: without it a change shows later, no more.
		e.state.applyEIPList(r.bindings, refusal, asked)
	}
	r.listQuotaUntil = time.Time{}
	if wait, ok := asQuotaExceeded(err); ok {
		r.listQuotaUntil = wait.Until
	} else {
		r.listDone = true
		r.applyList(listing, err, asked)
	}
	r.plan(asked)
	r.releaseEarly()
}

// releaseEarly lets the scrapes go before the end of the round: where the quota did
// not pay for all of the last one, there is much to read, and what changed is
// read. To wait for a part of the others would make no difference to anyone.
func (r *run) releaseEarly() {
	s := &r.engine.state
	much := 10 * batchSize * max(1, r.engine.opts.Concurrency)
	if r.release == nil || !s.quotaLimited || r.aborted || r.changedInFlight > 0 || len(r.queue[classChanged]) > 0 || len(r.queue[classOldest]) <= much {
		return
	}
	s.finishRun(r, time.Time{})
	r.release()
	r.release = nil
}

// applyList brings a reading of the list, or its failure, into the state.
func (r *run) applyList(listing []inventory.Desktop, err error, asked time.Time) {
	s := &r.engine.state
	if err == nil {
		r.answered = r.answered || s.opts.Discovered
		s.mergeList(listing, true, asked)
		return
	}
	f := asFailure(inventory.ListDesktops, err)
	r.addFailure(f)
	// What used up the time leaves none to ask in.
	r.aborted = f.Kind >= inventory.Disabled || time.Now().After(r.lastStart)
	s.markListFailed(asked)
	if f.Kind == inventory.Incomplete {
		s.mergeList(listing, false, s.listFailedAt)
	}
}

// plan queues who is to be read in this round and was not tried yet.
func (r *run) plan(now time.Time) {
	r.queue = [numClasses][]*desktop{classOldest: make([]*desktop, 0, len(r.engine.state.desktops))}
	var atWork []*desktop
	for _, d := range r.engine.state.sortByAge() {
		switch {
		case d.lastRun == r.number:
		case d.changed(r.bindings):
			r.queue[classChanged] = append(r.queue[classChanged], d)
		case d.taskRunning():
			atWork = append(atWork, d)
		case !d.retryAt.After(now):
			r.queue[classOldest] = append(r.queue[classOldest], d)
		}
	}
	r.queue[classChanged] = append(r.queue[classChanged], atWork...)
	r.changedFitBatch = len(r.queue[classChanged]) <= batchSize
}

// readNetworks asks for the networks of all that are queued, until the queue is
// empty, the time is up, or stop is closed. It returns when quota for the rest
// comes, and zero where there is nothing to wait for.
func (r *run) readNetworks(ctx context.Context, stop <-chan struct{}) time.Time {
	r.quotaUntil = [numClasses]time.Time{}
	var workers sync.WaitGroup
	for range max(1, r.engine.opts.Concurrency) {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				b, ok := r.nextBatch()
				if !ok {
					return
				}
				r.readBatch(ctx, b)
			}
		})
	}
	workers.Wait()

	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	until := r.listQuotaUntil
	for class, q := range r.queue {
		if w := r.quotaUntil[class]; len(q) > 0 && !w.IsZero() && (until.IsZero() || w.Before(until)) {
			until = w
		}
	}
	if r.aborted {
		r.failUntried()
		return time.Time{}
	}
	return until
}

// batch is who is asked for in one question.
type batch struct {
	desktops []*desktop
	class    int
	urgent   bool // it may use the quota that is kept for such
}

// nextBatch takes the next batch from the queue: changed desktops first, but every
// second batch goes to whoever is the oldest of all, so that no flood of
// changes keeps anyone waiting for more than two cycles. A batch of changed
// ones is filled up with the oldest, whom that reads for nothing. Where tasks run
// on more desktops than go into one batch, they are not urgent, for they may go
// on for long.
func (r *run) nextBatch() (b batch, ok bool) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if r.aborted || time.Now().After(r.lastStart) {
		return batch{}, false
	}
	waits := func(class int) bool { return len(r.queue[class]) > 0 && r.quotaUntil[class].IsZero() }
	switch {
	case waits(classChanged) && waits(classOldest):
		r.contestedBatches++
		if r.contestedBatches%2 == 0 && r.queue[classOldest][0].readAt.Before(r.queue[classChanged][0].readAt) {
			b.class = classOldest
		}
	case waits(classOldest):
		b.class = classOldest
	case !waits(classChanged):
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

func (r *run) dequeue(class, n int) []*desktop {
	q := r.queue[class]
	n = min(n, len(q))
	r.queue[class] = q[n:]
	return slices.Clone(q[:n])
}

// readBatch asks for one batch and brings the answer into the state.
func (r *run) readBatch(ctx context.Context, b batch) {
	r.engine.mu.Lock() // a scrape may end a held value meanwhile, and with it the record
	ids := make([]string, len(b.desktops))
	for i, d := range b.desktops {
		ids[i] = d.record.Desktop.ID
	}
	r.engine.mu.Unlock()
	asked := time.Now()
	answer, err := r.engine.opts.Source.ReadNetworks(ctx, ids, b.urgent)

	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if r.engine.ctx.Err() != nil {
		return // closing: what broke off says nothing about the cloud
	}
	r.engine.state.dirty = true
	defer r.releaseEarly()
	if b.class == classChanged {
		r.changedInFlight--
	}
	wait, waiting := asQuotaExceeded(err)
	// Where nobody of many is answered, it is not because of each of them.
	wholesale := err == nil && len(b.desktops) > 1 && len(answer.Unresolved) == len(b.desktops)
	if wholesale {
		err = answer.Unresolved[ids[0]]
	}
	r.answered = r.answered || err == nil || len(answer.Networks) > 0
	var unasked []*desktop
	for _, d := range b.desktops {
		id := d.record.Desktop.ID
		n, refusal := answer.Networks[id], answer.Unresolved[id]
		if n == nil && refusal == nil && waiting {
			unasked = append(unasked, d)
			continue
		}
		d.lastRun = r.number
		switch {
		case n != nil:
			r.engine.state.setNetworks(d, n, asked, r.bindings)
		case refusal != nil && !wholesale:
			d.markRefused(asked)
		default:
			d.markFailed(asked)
		}
	}
	switch {
	case waiting:
		r.queue[b.class] = append(unasked, r.queue[b.class]...)
		r.quotaUntil[b.class] = wait.Until
	case err == nil:
		r.consecutiveFailures = 0
	default:
		f := asFailure(inventory.ShowDesktopNetworks, err)
		r.addFailure(f)
		r.consecutiveFailures++
		// What refuses the key or the project refuses every batch, and a cloud
		// that failed so often in a row is not asked a thousand times more.
		r.aborted = f.Kind >= inventory.Denied || r.consecutiveFailures >= 2*max(1, r.engine.opts.Concurrency)
	}
}

// addFailure notes a failure of the round.
func (r *run) addFailure(f *inventory.Failure) {
	for _, known := range r.failures {
		if known.Operation == f.Operation && known.Kind == f.Kind {
			return
		}
	}
	r.failures = append(r.failures, f)
	slices.SortStableFunc(r.failures, func(a, b *inventory.Failure) int { return int(b.Kind) - int(a.Kind) })
}

// failUntried counts all that were not tried as failed: they could not be read.
func (r *run) failUntried() {
	for _, d := range r.engine.state.desktops {
		if d.lastRun != r.number {
			d.markFailed(r.start)
		}
	}
}
