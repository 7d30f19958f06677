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

// batchSize is the largest number of desktops in one networks request.
const batchSize = 100

// The classes of desktops whose networks are to be read.
const (
	classChanged = iota // the lists hint at a change, or a task runs
	classOldest         // all others, by the age of their networks
	numClasses
)

// run is the requests of one refresh. Their results go into the engine's state at
// once. The engine's lock guards both.
type run struct {
	engine    *Engine
	number    uint64
	start     time.Time
	lastStart time.Time // no request starts later
	release   func()    // releases the waiting scrapes; nil: they are released

	listDone            bool                   // the list was read, or reading it failed
	listQuotaUntil      time.Time              // the quota for the list, or for the project's ID, is spent until then
	bindings            inventory.EIPBindings  // nil: not requested, or failed
	queue               [numClasses][]*desktop // to be read, in order
	changedFitBatch     bool                   // all changed desktops fit into one batch
	changedInFlight     int                    // batches of changed desktops in flight
	quotaUntil          [numClasses]time.Time  // the quota for a class is spent until then
	contestedBatches    int                    // batches taken while both classes waited
	consecutiveFailures int                    // failed batches since the last successful one
	aborted             bool                   // no request is sent any more, because it would fail as well
	answered            bool                   // a request succeeded
	failures            []*inventory.Failure   // one for each kind and operation
}

// readLists reads the list of desktops and, if the quota did not pay for all
// networks in the last refresh, the EIP list. From both it plans whose networks
// to read in which order.
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
	var bindingsErr error
	requestedAt := time.Now()
	e.mu.Lock()
	if known := e.state.project.ID; known != "" && known != project.ID {
		e.state.reset(project)
	}
	e.state.project = project
	read := e.opts.ReadEIPList && e.state.quotaLimited && r.bindings == nil
	if read {
		bindings.Go(func() { r.bindings, bindingsErr = e.opts.Source.ListEIPBindings(ctx) })
	}
	e.mu.Unlock()
	listing, err := e.opts.Source.ListDesktops(ctx)
	bindings.Wait()

	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.dirty = true
	if read && e.ctx.Err() == nil {
		// Without the EIP list, changes of EIPs are only read later, so an error
		// of reading it is no failure of the refresh.
		e.state.applyEIPList(r.bindings, bindingsErr, requestedAt)
	}
	r.listQuotaUntil = time.Time{}
	if wait, ok := asQuotaExceeded(err); ok {
		r.listQuotaUntil = wait.Until
	} else {
		r.listDone = true
		r.applyList(listing, err, requestedAt)
	}
	r.plan(requestedAt)
	r.releaseEarly()
}

// releaseEarly releases the scrapes before the end of the run if the quota did not
// pay for everything in the last one, the changed desktops are read, and many
// others are not. A part of the others is not worth the wait.
func (r *run) releaseEarly() {
	s := &r.engine.state
	many := 10 * batchSize * max(1, r.engine.opts.Concurrency)
	if r.release == nil || !s.quotaLimited || r.aborted || r.changedInFlight > 0 || len(r.queue[classChanged]) > 0 || len(r.queue[classOldest]) <= many {
		return
	}
	s.finishRun(r, time.Time{})
	r.release()
	r.release = nil
}

// applyList stores a list of desktops, or the error of reading it.
func (r *run) applyList(listing []inventory.Desktop, err error, requestedAt time.Time) {
	s := &r.engine.state
	if err == nil {
		r.answered = r.answered || s.opts.Discovered
		s.mergeList(listing, true, requestedAt)
		return
	}
	f := asFailure(inventory.ListDesktops, err)
	r.addFailure(f)
	// After a slow failure there is no time left for networks.
	r.aborted = f.Kind >= inventory.Disabled || time.Now().After(r.lastStart)
	s.markListFailed(requestedAt)
	if f.Kind == inventory.Incomplete {
		s.mergeList(listing, false, s.listFailedAt)
	}
}

// readNetworks reads the networks of the queued desktops until the queue is empty,
// the time is over, or stop is closed. It returns the time of quota for the rest,
// or zero if there is nothing to wait for.
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

// readBatch requests the networks of one batch and stores the result.
func (r *run) readBatch(ctx context.Context, b batch) {
	r.engine.mu.Lock() // a scrape may replace the record when a stale value ends
	ids := make([]string, len(b.desktops))
	for i, d := range b.desktops {
		ids[i] = d.record.Desktop.ID
	}
	r.engine.mu.Unlock()
	requestedAt := time.Now()
	result, err := r.engine.opts.Source.ReadNetworks(ctx, ids, b.urgent)

	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if r.engine.ctx.Err() != nil {
		return // the request was cancelled by Close, it did not fail
	}
	r.engine.state.dirty = true
	defer r.releaseEarly()
	if b.class == classChanged {
		r.changedInFlight--
	}
	wait, waiting := asQuotaExceeded(err)
	// If all of several desktops are refused, the cause is not each single desktop.
	allRefused := err == nil && len(b.desktops) > 1 && len(result.Unresolved) == len(b.desktops)
	if allRefused {
		err = result.Unresolved[ids[0]]
	}
	r.answered = r.answered || err == nil || len(result.Networks) > 0
	var unread []*desktop
	for _, d := range b.desktops {
		id := d.record.Desktop.ID
		n, refusal := result.Networks[id], result.Unresolved[id]
		if n == nil && refusal == nil && waiting {
			unread = append(unread, d)
			continue
		}
		d.lastRun = r.number
		switch {
		case n != nil:
			r.engine.state.setNetworks(d, n, requestedAt, r.bindings)
		case refusal != nil && !allRefused:
			d.markRefused(requestedAt)
		default:
			d.markFailed(requestedAt)
		}
	}
	switch {
	case waiting:
		r.queue[b.class] = append(unread, r.queue[b.class]...)
		r.quotaUntil[b.class] = wait.Until
	case err == nil:
		r.consecutiveFailures = 0
	default:
		f := asFailure(inventory.ShowDesktopNetworks, err)
		r.addFailure(f)
		r.consecutiveFailures++
		// A refused key or project fails every batch. So does, most likely, a cloud
		// that failed so often in a row.
		r.aborted = f.Kind >= inventory.Denied || r.consecutiveFailures >= 2*max(1, r.engine.opts.Concurrency)
	}
}

// addFailure records a failure of the run.
func (r *run) addFailure(f *inventory.Failure) {
	for _, known := range r.failures {
		if known.Operation == f.Operation && known.Kind == f.Kind {
			return
		}
	}
	r.failures = append(r.failures, f)
	slices.SortStableFunc(r.failures, func(a, b *inventory.Failure) int { return int(b.Kind) - int(a.Kind) })
}

// failUntried records a failed attempt for all desktops that were not requested.
func (r *run) failUntried() {
	for _, d := range r.engine.state.desktops {
		if d.lastRun != r.number {
			d.markFailed(r.start)
		}
	}
}
