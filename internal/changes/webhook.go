// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

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

// Reasons for which an event is dropped.
const (
	// QueueFull says that there was no room for the event.
	QueueFull = "queue_full"
	// Refused says that the receiver wants the event neither now nor later.
	Refused = "refused"
	// NoReceiver says that the webhook was taken out of the configuration.
	NoReceiver = "no_receiver"
)

const (
	// shutdownGrace is how long Close goes on sending.
	shutdownGrace = 5 * time.Second
	// maxRefusalLines is how many refusals get a line in the log, each minute.
	maxRefusalLines = 5
)

// Event is a change that is to be sent.
type Event struct {
	ID string // of this event alone, however often it is sent
	inventory.Change
}

// Target is who is sent the changes, and how. It is asked for URL and header
// before each try; errors of both are logged.
type Target struct {
	URL       func() (string, error)
	Header    func() (http.Header, error)
	Transport http.RoundTripper
	Explain   func(error) string // puts an error of Transport, which may hold the URL, in harmless words
	Timeout   time.Duration      // of one try
	Queue     int                // events that wait
}

// Metrics is told what becomes of events. Its methods may be called at once.
type Metrics interface {
	EventSent()
	EventFailed()
	EventsDropped(reason string, n int)
	EventsWaiting(n int)
}

// Webhook sends events to a receiver, one after another, without keeping those
// waiting who notice changes. Its methods may be called at the same time.
type Webhook struct {
	logger       log.Logger
	metrics      Metrics
	idPrefix     string // of the IDs of this process
	wg           sync.WaitGroup
	ctx          context.Context
	stop         context.CancelFunc
	rejectionLog rateLimitedLog

	mu            sync.Mutex
	eventCount    uint64 // events
	target        *Target
	configured    bool
	closing       bool
	running       bool
	wake          chan struct{}      // closed to end a pause
	cancelAttempt context.CancelFunc // ends the try that is under way; nil: there is none
	head          *Event             // the one that is sent next, or just now
	queue         []Event            // those behind it
	failures      int                // tries that failed since the last success
}

// NewWebhook makes a webhook without a receiver. Until Configure says whether
// there is one, events wait.
func NewWebhook(logger log.Logger, meter Metrics) *Webhook {
	prefix := make([]byte, 8)
	_, _ = rand.Read(prefix) // never fails
	w := &Webhook{logger: logger, metrics: meter, idPrefix: hex.EncodeToString(prefix), wake: make(chan struct{})}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Configure changes the receiver; nil: there is none, and what waits is
// dropped. What is being sent to the old one is sent to the new one as well.
func (w *Webhook) Configure(r *Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target, w.configured, w.failures = r, true, 0
	if w.cancelAttempt != nil {
		w.cancelAttempt()
	}
	w.interrupt()
	w.trim()
	w.ensureRunning()
}

// Waiting gives the events that are not sent yet, the oldest first.
func (w *Webhook) Waiting() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head == nil {
		return slices.Clone(w.queue)
	}
	return slices.Concat([]Event{*w.head}, w.queue)
}

// Restore takes back what Waiting gave before a restart. It comes before the
// first Configure.
func (w *Webhook) Restore(events []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = slices.Concat(events, w.queue)
	w.trim()
}

// Close sends what waits as long as the receiver takes it, for a few seconds
// at most, and tells how many events are left over.
func (w *Webhook) Close() (left int) {
	w.mu.Lock()
	w.closing = true
	w.interrupt()
	w.mu.Unlock()
	late := time.AfterFunc(shutdownGrace, w.stop)
	w.wg.Wait()
	late.Stop()
	w.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending()
}

// add takes changes, to send each. It never waits for the receiver.
func (w *Webhook) add(changes []inventory.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.configured && w.target == nil {
		return
	}
	for _, c := range changes {
		w.eventCount++
		w.queue = append(w.queue, Event{fmt.Sprintf("%s-%d", w.idPrefix, w.eventCount), c})
	}
	w.trim()
	w.ensureRunning()
}

// trim drops the oldest of what there is no room or no receiver for. What is
// just being sent does not wait, so it stays. The caller holds the lock, here
// and below.
func (w *Webhook) trim() {
	if !w.configured {
		return
	}
	limit, reason := 0, NoReceiver
	if w.target != nil {
		limit, reason = w.target.Queue, QueueFull
	}
	waiting := w.pending()
	if w.cancelAttempt != nil {
		waiting--
	}
	if excess := waiting - limit; excess > 0 {
		w.metrics.EventsDropped(reason, excess)
		if w.head != nil && w.cancelAttempt == nil {
			w.head = nil
			excess--
		}
		clear(w.queue[:excess])
		w.queue = w.queue[excess:]
	}
	w.metrics.EventsWaiting(w.pending())
}

func (w *Webhook) pending() int {
	if w.head == nil {
		return len(w.queue)
	}
	return len(w.queue) + 1
}

func (w *Webhook) interrupt() {
	close(w.wake)
	w.wake = make(chan struct{})
}

// ensureRunning makes sure that somebody sends what waits.
func (w *Webhook) ensureRunning() {
	if !w.running && !w.closing && w.target != nil && w.pending() > 0 {
		w.running = true
		w.wg.Go(w.run)
	}
}

// run sends all that waits, and ends.
func (w *Webhook) run() {
	for t := w.next(); t != nil; t = w.next() {
		a := t.send()
		t.cancel()
		pause, wake := w.finish(t, a)
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

// next begins to send the oldest event; nil: there is nothing to do any more.
func (w *Webhook) next() *attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head == nil && len(w.queue) > 0 {
		oldest := w.queue[0]
		w.queue[0] = Event{}
		w.head, w.queue = &oldest, w.queue[1:]
	}
	if w.head == nil || w.target == nil || w.ctx.Err() != nil {
		w.running = false
		return nil
	}
	ctx, cancel := context.WithTimeout(w.ctx, w.target.Timeout)
	w.cancelAttempt = cancel
	return &attempt{ctx: ctx, cancel: cancel, target: w.target, event: *w.head}
}

// finish draws the conclusions of a try: how long to pause, and what ends the
// pause early.
func (w *Webhook) finish(t *attempt, a result) (pause time.Duration, wake <-chan struct{}) {
	w.mu.Lock()
	before := w.failures
	given := w.target != t.target || w.ctx.Err() != nil // up, by us
	w.cancelAttempt = nil
	switch {
	case a.accepted():
		w.head = nil
		w.metrics.EventSent()
		if !given {
			w.failures = 0
		}
	case given: // whoever comes next sends it again
	case a.rejected():
		w.head = nil
		w.metrics.EventFailed()
		w.metrics.EventsDropped(Refused, 1)
	default:
		w.metrics.EventFailed()
		w.failures++
		pause = a.backoff(w.failures)
		if w.closing {
			pause = 0
			w.stop()
		}
	}
	w.trim()
	waiting := w.pending()
	wake = w.wake
	w.mu.Unlock()

	// The log may be slow: it is told without the lock, lest others wait for it.
	switch {
	case given:
	case a.accepted() && before > 0:
		level.Info(w.logger).Log("msg", "The receiver of changes takes them again", "key", "changes.webhook", "waiting", waiting)
	case a.rejected():
		w.rejectionLog.tell(w.logger, t.event, a.status)
	case pause > 0 && before == 0:
		level.Warn(w.logger).Log("msg", "The receiver of changes fails, and is tried again until it takes them", "key", "changes.webhook",
			"err", a.reason(), "waiting", waiting)
	}
	return pause, wake
}

// rateLimitedLog tells of the first events that are refused in a minute.
type rateLimitedLog struct {
	since time.Time
	lines int
}

func (r *rateLimitedLog) tell(logger log.Logger, e Event, status int) {
	if now := time.Now(); now.Sub(r.since) >= time.Minute {
		r.since, r.lines = now, 0
	}
	if r.lines++; r.lines > maxRefusalLines {
		return
	}
	level.Warn(logger).Log("msg", "The receiver of changes refuses one, which is dropped", "key", "changes.webhook",
		"kind", e.Kind, "project", e.Project.Name, "desktop_id", e.DesktopID, "status", status)
}
