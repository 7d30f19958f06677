// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package refresh answers what is read when, and how long it is valid.
//
// A refresh reads the list of desktops, detects what changed, and reads the
// networks of the desktops in batches: changed desktops first, then those with
// the oldest data. When the API quota is spent, it publishes a snapshot,
// releases the waiting scrapes, and continues in the background until its
// timeout or until a scrape starts the next refresh.
//
// Scrapes share a refresh (single flight), but golang.org/x/sync/singleflight
// does not fit: a refresh outlives the scrapes that wait for it, releases them
// before its end, and is replaced by a new one when it takes too long.
package refresh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Source reads one project. Its errors are *inventory.Failure, or
// *inventory.QuotaExceeded if the API quota is spent.
type Source interface {
	// ResolveProject returns the project with its ID, which it requests if it is
	// not configured.
	ResolveProject(ctx context.Context) (inventory.Project, error)
	// ListDesktops returns all desktops, sorted by ID. A list that may lack
	// desktops comes with a failure of kind Incomplete.
	ListDesktops(ctx context.Context) ([]inventory.Desktop, error)
	// ListEIPBindings returns the EIPs that are bound to desktops.
	ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error)
	// ReadNetworks returns the networks of 1 to 100 desktops. Urgent requests may
	// use the reserved part of the quota.
	ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error)
}

// Options are the options of an Engine. A zero duration means none, except for
// Timeout, which is required.
type Options struct {
	Source         Source
	Project        inventory.Project
	Discovered     bool          // the desktops come from the list; false: from configured IDs
	ReadEIPList    bool          // in every refresh if the quota does not pay for all networks, else at intervals
	EIPListPartial bool          // the EIP list may lack EIPs that are bound
	Concurrency    int           // concurrent batches; at least 1
	Timeout        time.Duration // of a refresh
	MaxStaleness   time.Duration // from the first failed attempt to the end of a value
	MinInterval    time.Duration // from the end of a refresh to the start of the next
	Optional       bool          // Workspace may be disabled in the project: no error is logged then
	Logger         log.Logger
	State          *State // saved before a restart; nil: none
	// OnSnapshot, if set, is called with each new snapshot, in order.
	OnSnapshot func(*inventory.Snapshot)
}

// Engine refreshes the inventory of one project. Its methods are safe for
// concurrent use.
type Engine struct {
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	snapshot atomic.Pointer[inventory.Snapshot]

	mu          sync.Mutex
	flight      *flight // the current or last refresh; nil before the first
	readingEIPs bool    // the EIP list is being read concurrently
	state       engineState
	runs        uint64 // started so far
	statusLog   statusLog
}

// maxJoinAge is the age, from the first networks request, up to which a scrape
// joins the current refresh. An older refresh, which a slow cloud or a small
// quota delays, is replaced because its lists are too old.
const maxJoinAge = 30 * time.Second

// flight is one refresh as scrapes and other refreshes wait for it. The engine's
// lock guards it.
type flight struct {
	networksSince time.Time     // when the networks were first requested; zero: not yet
	released      chan struct{} // closed when scrapes no longer need to wait
	superseded    chan struct{} // closed when the next refresh waits for the end of this one
	done          chan struct{} // closed at the end
}

// release releases the waiting scrapes.
func (f *flight) release() {
	select {
	case <-f.released:
	default:
		close(f.released)
	}
}

// New returns an Engine. It sends no request before Start or Refresh.
func New(o Options) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{opts: o, ctx: ctx, cancel: cancel}
	e.opts.Logger = log.With(o.Logger, "project", o.Project.Name, "region", o.Project.Region)
	e.state = newEngineState(o)
	if o.State != nil {
		e.state.restore(o.State, time.Now())
		e.opts.State, e.state.opts.State = nil, nil
	}
	e.storeSnapshot(time.Now())
	return e
}

// inherit adopts the state of a closed engine, of which only the last
// snapshot remains. The receiver must not be started yet.
func (e *Engine) inherit(from *Engine) {
	from.mu.Lock()
	defer from.mu.Unlock()
	e.state, from.state = from.state, newEngineState(from.opts)
	e.state.opts, e.state.project = e.opts, e.opts.Project
	e.state.recordsDirty = true
	if e.opts.ReadEIPList != from.opts.ReadEIPList || e.opts.EIPListPartial != from.opts.EIPListPartial {
		e.state.consistency.eips = eipList{}
	}
	e.runs, e.statusLog = from.runs, from.statusLog
	e.statusLog.loggedAt = time.Time{} // log a failure again that outlives the change
	e.storeSnapshot(time.Now())
}

// Refresh joins the current refresh or starts one, waits for it until ctx is
// done, and returns the newest snapshot, never nil.
func (e *Engine) Refresh(ctx context.Context) *inventory.Snapshot {
	if f := e.join(); f != nil {
		select {
		case <-f.released:
		case <-ctx.Done():
		}
	}
	return e.Snapshot()
}

// Snapshot returns the current snapshot without a request. Values that are stale
// for too long are not in it.
func (e *Engine) Snapshot() *inventory.Snapshot {
	var entry logEntry
	e.mu.Lock()
	if now := time.Now(); e.state.dirty || e.state.expiresBy(now) {
		entry = e.publish(now)
	}
	s := e.snapshot.Load()
	e.mu.Unlock()
	entry.write()
	return s
}

// health returns the health in the last published snapshot.
func (e *Engine) health() *inventory.Health { return &e.snapshot.Load().Health }

// Start starts the first refresh and does not wait for it.
func (e *Engine) Start() { e.join() }

// Close cancels all requests and waits for the goroutines.
func (e *Engine) Close() {
	e.mu.Lock() // no refresh may start in between
	e.cancel()
	e.mu.Unlock()
	e.work.Wait()
}

// join returns the refresh to wait for, or nil if the last one is recent enough
// or the engine is closed.
func (e *Engine) join() *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	previous := e.flight
	if previous != nil {
		select {
		case <-previous.released:
		default:
			if previous.networksSince.IsZero() || time.Since(previous.networksSince) < maxJoinAge {
				return previous
			}
			previous.release()
		}
		if time.Since(e.state.health.LastRefresh) < e.opts.MinInterval {
			return nil
		}
	}
	if e.ctx.Err() != nil {
		return nil
	}
	f := &flight{released: make(chan struct{}), superseded: make(chan struct{}), done: make(chan struct{})}
	e.flight = f
	e.work.Go(func() { e.execute(f, previous) })
	return f
}

// execute executes one refresh, after the previous one has ended.
func (e *Engine) execute(f, previous *flight) {
	defer close(f.done)
	if previous != nil {
		close(previous.superseded)
		<-previous.done
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.opts.Timeout)
	defer cancel()
	start := time.Now()

	e.runs++ // only one refresh runs at a time
	r := &run{engine: e, number: e.runs, start: start, release: f.release}
	// No request starts in the last tenth, so that those in flight can succeed.
	r.lastStart = start.Add(e.opts.Timeout - e.opts.Timeout/10)
	r.readLists(ctx)
	e.mu.Lock()
	f.networksSince = time.Now()
	e.mu.Unlock()
	for {
		until := r.readNetworks(ctx, f.superseded)
		if !e.finish(f, r, until) || !sleepUntil(ctx, until, f.superseded) {
			return
		}
		if !r.listDone {
			r.readLists(ctx)
		}
	}
}

// finish records the result of a refresh, publishes and logs it, and releases the
// scrapes. It reports whether the refresh continues at the given time, when there
// is quota again.
func (e *Engine) finish(f *flight, r *run, until time.Time) (more bool) {
	more, entry := e.recordRun(f, r, until)
	entry.write()
	e.mu.Lock()
	defer e.mu.Unlock()
	f.release()
	return more
}

func (e *Engine) recordRun(f *flight, r *run, until time.Time) (more bool, entry logEntry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return false, logEntry{} // the requests were cancelled by Close, not failed
	}
	more = !until.IsZero() && !until.After(r.lastStart)
	e.state.finishRun(r, until)
	e.maybeReadEIPs(time.Now())
	select {
	case <-f.released: // no scrape waits: Snapshot publishes
		if more {
			return true, logEntry{}
		}
	default:
	}
	return more, e.publish(time.Now())
}

// publish stores a new snapshot and returns the log entry about a change of the
// project's status, to be written without the lock. The caller holds the lock.
func (e *Engine) publish(now time.Time) logEntry {
	return e.statusLog.update(&e.opts, e.storeSnapshot(now), now)
}

// storeSnapshot stores a new snapshot and calls OnSnapshot at once: a restored or
// inherited state can contain changes that were never published, because the
// refresh that read them was cancelled. The caller holds the lock, unless the
// engine is new.
func (e *Engine) storeSnapshot(now time.Time) *inventory.Snapshot {
	s := e.state.snapshot(now)
	e.snapshot.Store(s)
	if e.opts.OnSnapshot != nil {
		e.opts.OnSnapshot(s)
	}
	return s
}

// sleepUntil waits until t. It returns false if ctx or stop ends first.
func sleepUntil(ctx context.Context, t time.Time, stop <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	case <-ctx.Done():
		return false
	}
}

// asFailure returns the failure in an error of a Source, or a transient one.
func asFailure(operation string, err error) *inventory.Failure {
	if f, ok := errors.AsType[*inventory.Failure](err); ok {
		return f
	}
	return &inventory.Failure{Kind: inventory.Transient, Operation: operation, Detail: "no response", Cause: err}
}

// asQuotaExceeded reports whether err means that the quota is spent.
func asQuotaExceeded(err error) (*inventory.QuotaExceeded, bool) {
	return errors.AsType[*inventory.QuotaExceeded](err)
}
