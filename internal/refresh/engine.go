// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package refresh decides when the cloud is asked what again, and what of its
// earlier answers is still good.
//
// A refresh reads the list of desktops, notes what changed, and then reads the
// networks of the desktops in batches: what changed first, then what is
// oldest. When the API quota is spent it publishes what it has, lets the
// waiting scrapes go, and continues by itself until its timeout or until the
// next scrape asks for a new one.
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

// Source is one project as the cloud shows it. Its errors are
// *inventory.Failure, or *inventory.QuotaExceeded where the API quota is spent.
type Source interface {
	// ResolveProject gives the project's ID, asking for it where it is not configured.
	ResolveProject(ctx context.Context) (inventory.Project, error)
	// ListDesktops reads all desktops. A list that moved too much to be trusted comes
	// with a failure of kind Incomplete: what it names exists, what it lacks may.
	ListDesktops(ctx context.Context) ([]inventory.Desktop, error)
	// ListEIPBindings reads which EIPs are bound to which desktop.
	ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error)
	// ReadNetworks reads the networks of 1 to 100 desktops. Urgent questions may
	// use the part of the quota that is kept for them.
	ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error)
}

// Options is what an Engine needs. Zero durations mean none, but for Timeout.
type Options struct {
	Source         Source
	Project        inventory.Project
	Discovered     bool // the desktops come from the list; false: from configured IDs
	ReadEIPList    bool // read the EIP list: always where the quota cannot pay for a full read, else now and then
	EIPListPartial bool // the EIP list may lack EIPs that are bound
	Concurrency    int  // batches asked at once
	Timeout        time.Duration
	MaxStaleness   time.Duration
	MinInterval    time.Duration
	Optional       bool // that Workspace is not enabled is no failure worth a word
	Logger         log.Logger
	State          *State // what was known before the process started; nil: nothing
	// OnSnapshot, where set, sees each snapshot that is published, in order.
	OnSnapshot func(*inventory.Snapshot)
}

// Engine keeps one project's inventory true. Its methods may be called at the
// same time.
type Engine struct {
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	snapshot atomic.Pointer[inventory.Snapshot]

	mu          sync.Mutex
	flight      *flight // the refresh under way or the last one; nil before the first
	readingEIPs bool    // the EIP list is being read beside the refreshes
	state       engineState
	runs        uint64
	statusLog   statusLog
}

// maxJoinAge is how long networks may have been asked for in a refresh that a
// scrape still joins. One that asks for longer, because the cloud is slow or
// the quota comes in drops, is replaced: its lists are too old.
const maxJoinAge = 30 * time.Second

// flight is one refresh, from the scrape that began it to its end. The engine's
// lock guards it.
type flight struct {
	networksSince time.Time     // since then it asks for networks; zero: not yet
	released      chan struct{} // closed when scrapes need not wait any longer
	superseded    chan struct{} // closed when a newer refresh wants to start
	done          chan struct{} // closed when it has ended
}

// release lets the scrapes go that wait for the refresh.
func (f *flight) release() {
	select {
	case <-f.released:
	default:
		close(f.released)
	}
}

// New makes an Engine. It asks nothing before the first Refresh.
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

// inherit takes over what another engine knows, which is closed and has nothing
// left but its last snapshot. The engine has not been started.
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
	e.statusLog.loggedAt = time.Time{} // a failure that outlives a change is worth another word
	e.storeSnapshot(time.Now())
}

// Refresh joins the refresh under way or starts one, waits for it as long as
// ctx lives, and returns the newest snapshot, which is never nil.
func (e *Engine) Refresh(ctx context.Context) *inventory.Snapshot {
	if f := e.join(); f != nil {
		select {
		case <-f.released:
		case <-ctx.Done():
		}
	}
	return e.Snapshot()
}

// Snapshot returns what is known now, without asking the cloud. What has been
// held for too long is not in it.
func (e *Engine) Snapshot() *inventory.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); e.state.dirty || e.state.expiresBy(now) {
		e.publish(now)
	}
	return e.snapshot.Load()
}

// health tells how the reading went when the last snapshot was published.
func (e *Engine) health() *inventory.Health { return &e.snapshot.Load().Health }

// Start starts the first refresh without waiting for it.
func (e *Engine) Start() { e.join() }

// Close ends all work and waits for it.
func (e *Engine) Close() {
	e.mu.Lock() // so that no refresh starts in between
	e.cancel()
	e.mu.Unlock()
	e.work.Wait()
}

// join returns the refresh to wait for, or nil where the last one is young
// enough or the engine is closed.
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

// execute is the life of one refresh.
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
	// No question starts in the last tenth: what is under way may end well.
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

// finish notes what a refresh has brought, which waits for quota until the given
// time, and lets the scrapes go; it says whether the refresh goes on then.
func (e *Engine) finish(f *flight, r *run, until time.Time) (more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer f.release()
	if e.ctx.Err() != nil {
		return false // closing: what broke off says nothing about the cloud
	}
	more = !until.IsZero() && !until.After(r.lastStart)
	e.state.finishRun(r, until)
	e.maybeReadEIPs(time.Now())
	select {
	case <-f.released: // nobody waits; what comes in drops is published when it is asked for
		if more {
			return true
		}
	default:
	}
	e.publish(time.Now())
	return more
}

// publish swaps in a new snapshot and logs what it changes. The caller holds
// the lock.
func (e *Engine) publish(now time.Time) { e.statusLog.log(&e.opts, e.storeSnapshot(now), now) }

// storeSnapshot swaps in a new snapshot, and has it observed at the same moment: a
// restored or inherited state can contain changes that were never published,
// because the refresh that read them was cut off. The caller holds the lock, or
// nobody else has the engine yet.
func (e *Engine) storeSnapshot(now time.Time) *inventory.Snapshot {
	s := e.state.snapshot(now)
	e.snapshot.Store(s)
	if e.opts.OnSnapshot != nil {
		e.opts.OnSnapshot(s)
	}
	return s
}

// sleepUntil waits for a time; false where ctx or stop ended first.
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

// asFailure makes a failure of any error that a Source returned.
func asFailure(operation string, err error) *inventory.Failure {
	if f, ok := errors.AsType[*inventory.Failure](err); ok {
		return f
	}
	return &inventory.Failure{Kind: inventory.Transient, Operation: operation, Detail: "no answer", Cause: err}
}

// asQuotaExceeded tells whether err only says that the quota is spent.
func asQuotaExceeded(err error) (*inventory.QuotaExceeded, bool) {
	return errors.AsType[*inventory.QuotaExceeded](err)
}
