// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package webhook answers the question how changes are delivered to the
// receiver that the configuration names: a bounded queue, retries with backoff,
// and CloudEvents in JSON.
//
// The queue is ours because it must outlive a restart as part of the state file,
// keep the order of the changes, and never delay a refresh.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Reasons for which an event is dropped, as the metrics have them.
const (
	// QueueFull means that the queue had no room for the event.
	QueueFull = "queue_full"
	// Rejected means that the receiver rejected the event for good.
	Rejected = "refused"
	// NoReceiver means that the configuration no longer has a webhook.
	NoReceiver = "no_receiver"
)

// DropReasons returns all reasons for which an event is dropped.
func DropReasons() []string { return []string{NoReceiver, QueueFull, Rejected} }

const (
	// shutdownGrace is how long Close continues to deliver.
	shutdownGrace = 5 * time.Second
	// maxRejectionLines is how many rejected events are logged each minute.
	maxRejectionLines = 5
)

// Receiver is where events are delivered to. URL and Header are called before each
// attempt; the errors of both are logged.
type Receiver struct {
	URL           func() (string, error)
	Header        func() (http.Header, error)
	Transport     http.RoundTripper
	DescribeError func(error) string // returns an error of Transport without the URL, which may be secret
	Timeout       time.Duration      // of one attempt
	QueueSize     int                // maximum number of waiting events
}

// EventMetrics counts events. Its methods must be safe for concurrent use and must
// not block.
type EventMetrics interface {
	EventSent()
	EventFailed()
	EventsDropped(reason string, n int)
	EventsWaiting(n int)
}

// State is the part of a Sender that a restart keeps.
type State struct {
	Waiting []Event // the oldest first
}

// Sender delivers events to a receiver, one after another and in order. Its
// methods are safe for concurrent use and, Close excepted, do not block.
type Sender struct {
	logger       log.Logger
	metrics      EventMetrics
	idPrefix     string // of the event IDs of this process
	wg           sync.WaitGroup
	ctx          context.Context // of all attempts
	stop         context.CancelFunc
	rejectionLog rateLimitedLog // used by run only

	mu            sync.Mutex
	eventCount    uint64
	receiver      *Receiver
	configured    bool
	closing       bool
	running       bool
	wake          chan struct{}      // closed to end a pause
	cancelAttempt context.CancelFunc // nil: no attempt is in progress
	head          *Event             // being delivered, or the next one
	queue         []Event            // behind head, the oldest first
	failures      int                // consecutive failed attempts
}

// New returns a Sender without a receiver. Events wait until the first call of
// SetReceiver.
func New(logger log.Logger, metrics EventMetrics) *Sender {
	prefix := make([]byte, 8)
	_, _ = rand.Read(prefix) // never fails
	s := &Sender{logger: logger, metrics: metrics, idPrefix: hex.EncodeToString(prefix), wake: make(chan struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// SetReceiver replaces the receiver; nil means that there is none, and drops the
// waiting events. An event whose delivery is in progress is delivered to the new
// receiver again.
func (s *Sender) SetReceiver(r *Receiver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receiver, s.configured, s.failures = r, true, 0
	if s.cancelAttempt != nil {
		s.cancelAttempt()
	}
	s.endPause()
	s.trim()
	s.ensureRunning()
}

// State returns the events that are not delivered yet.
func (s *Sender) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil {
		return State{slices.Clone(s.queue)}
	}
	return State{slices.Concat([]Event{*s.head}, s.queue)}
}

// Restore puts the events of a State before those that wait already. It must be
// called before the first SetReceiver.
func (s *Sender) Restore(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.Concat(state.Waiting, s.queue)
	s.trim()
}

// Close delivers the waiting events until one fails, for a few seconds at most,
// and returns how many are left.
func (s *Sender) Close() (left int) {
	s.mu.Lock()
	s.closing = true
	s.endPause()
	s.mu.Unlock()
	timer := time.AfterFunc(shutdownGrace, s.stop)
	s.wg.Wait()
	timer.Stop()
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending()
}

// Enqueue adds an event for each change. It does not wait for the receiver.
func (s *Sender) Enqueue(changes []inventory.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.configured && s.receiver == nil {
		return
	}
	for _, c := range changes {
		s.eventCount++
		s.queue = append(s.queue, Event{fmt.Sprintf("%s-%d", s.idPrefix, s.eventCount), c})
	}
	s.trim()
	s.ensureRunning()
}

// trim drops the oldest waiting events that exceed the queue size, or all of
// them if there is no receiver. An event whose delivery is in progress does not
// count. The caller holds the lock, here and below.
func (s *Sender) trim() {
	if !s.configured {
		return
	}
	limit, reason := 0, NoReceiver
	if s.receiver != nil {
		limit, reason = s.receiver.QueueSize, QueueFull
	}
	waiting := s.pending()
	if s.cancelAttempt != nil {
		waiting--
	}
	if excess := waiting - limit; excess > 0 {
		s.metrics.EventsDropped(reason, excess)
		if s.head != nil && s.cancelAttempt == nil {
			s.head = nil
			excess--
		}
		clear(s.queue[:excess])
		s.queue = s.queue[excess:]
	}
	s.metrics.EventsWaiting(s.pending())
}

func (s *Sender) pending() int {
	if s.head == nil {
		return len(s.queue)
	}
	return len(s.queue) + 1
}

func (s *Sender) endPause() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// ensureRunning starts run unless it runs already or has nothing to do.
func (s *Sender) ensureRunning() {
	if !s.running && !s.closing && s.receiver != nil && s.pending() > 0 {
		s.running = true
		s.wg.Go(s.run)
	}
}

// run delivers until no event waits.
func (s *Sender) run() {
	for a := s.next(); a != nil; a = s.next() {
		r := a.send()
		a.cancel()
		pause, wake := s.finish(a, r)
		if pause == 0 {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-wake:
		}
		timer.Stop()
	}
}

// next returns an attempt to deliver the oldest event; nil: run ends.
func (s *Sender) next() *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil && len(s.queue) > 0 {
		oldest := s.queue[0]
		s.queue[0] = Event{}
		s.head, s.queue = &oldest, s.queue[1:]
	}
	if s.head == nil || s.receiver == nil || s.ctx.Err() != nil {
		s.running = false
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.receiver.Timeout)
	s.cancelAttempt = cancel
	return &attempt{ctx: ctx, cancel: cancel, receiver: s.receiver, event: *s.head}
}

// finish updates the queue after an attempt. It returns how long to pause, and a
// channel whose closing ends the pause early.
func (s *Sender) finish(a *attempt, r result) (pause time.Duration, wake <-chan struct{}) {
	s.mu.Lock()
	previousFailures := s.failures
	abandoned := s.receiver != a.receiver || s.ctx.Err() != nil // by us, so it proves nothing about the receiver
	s.cancelAttempt = nil
	switch {
	case r.accepted():
		s.head = nil
		s.metrics.EventSent()
		if !abandoned {
			s.failures = 0
		}
	case abandoned: // the next receiver, or the next process, gets the event again
	case r.rejected():
		s.head = nil
		s.metrics.EventFailed()
		s.metrics.EventsDropped(Rejected, 1)
	default:
		s.metrics.EventFailed()
		s.failures++
		pause = r.backoff(s.failures)
		if s.closing {
			pause = 0
			s.stop()
		}
	}
	s.trim()
	waiting := s.pending()
	wake = s.wake
	s.mu.Unlock()

	// The log may be slow, so it is written without the lock.
	switch {
	case abandoned:
	case r.accepted() && previousFailures > 0:
		level.Info(s.logger).Log("msg", "Webhook delivery recovered", "key", "changes.webhook", "waiting", waiting)
	case r.rejected():
		s.rejectionLog.log(s.logger, a.event, r.status)
	case pause > 0 && previousFailures == 0:
		level.Warn(s.logger).Log("msg", "Webhook delivery failed, retrying", "key", "changes.webhook", "err", r.reason(), "waiting", waiting)
	}
	return pause, wake
}

// rateLimitedLog logs the first rejected events of each minute.
type rateLimitedLog struct {
	since time.Time
	lines int
}

func (l *rateLimitedLog) log(logger log.Logger, e Event, status int) {
	if now := time.Now(); now.Sub(l.since) >= time.Minute {
		l.since, l.lines = now, 0
	}
	if l.lines++; l.lines > maxRejectionLines {
		return
	}
	level.Warn(logger).Log("msg", "Webhook receiver rejected an event, dropping it", "key", "changes.webhook",
		"kind", e.Kind, "project", e.Project.Name, "desktop_id", e.DesktopID, "status", status)
}
