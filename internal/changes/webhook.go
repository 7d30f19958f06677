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
	// farewell is how long Close goes on sending.
	farewell = 5 * time.Second
	// refusalsTold is how many refusals get a line in the log, each minute.
	refusalsTold = 5
)

// Event is a change that is to be sent.
type Event struct {
	ID string // of this event alone, however often it is sent
	inventory.Change
}

// Receiver is who is sent the changes, and how. It is asked for URL and header
// before each try; errors of both are logged.
type Receiver struct {
	URL       func() (string, error)
	Header    func() (http.Header, error)
	Transport http.RoundTripper
	Explain   func(error) string // puts an error of Transport, which may hold the URL, in harmless words
	Timeout   time.Duration      // of one try
	Queue     int                // events that wait
}

// Meter is told what becomes of events. Its methods may be called at once.
type Meter interface {
	EventSent()
	EventFailed()
	EventsDropped(reason string, n int)
	EventsWaiting(n int)
}

// Webhook sends events to a receiver, one after another, without keeping those
// waiting who notice changes. Its methods may be called at the same time.
type Webhook struct {
	logger   log.Logger
	meter    Meter
	prefix   string // of the IDs of this process
	work     sync.WaitGroup
	life     context.Context
	end      context.CancelFunc
	refusals refusals

	mu         sync.Mutex
	made       uint64 // events
	receiver   *Receiver
	configured bool
	closing    bool
	running    bool
	wake       chan struct{}      // closed to end a pause
	cancel     context.CancelFunc // ends the try that is under way; nil: there is none
	head       *Event             // the one that is sent next, or just now
	queue      []Event            // those behind it
	failures   int                // tries that failed since the last success
}

// NewWebhook makes a webhook without a receiver. Until Configure says whether
// there is one, events wait.
func NewWebhook(logger log.Logger, meter Meter) *Webhook {
	prefix := make([]byte, 8)
	_, _ = rand.Read(prefix) // never fails
	w := &Webhook{logger: logger, meter: meter, prefix: hex.EncodeToString(prefix), wake: make(chan struct{})}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// Configure changes the receiver; nil: there is none, and what waits is
// dropped. What is being sent to the old one is sent to the new one as well.
func (w *Webhook) Configure(r *Receiver) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receiver, w.configured, w.failures = r, true, 0
	if w.cancel != nil {
		w.cancel()
	}
	w.interrupt()
	w.bound()
	w.start()
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
	w.bound()
}

// Close sends what waits as long as the receiver takes it, for a few seconds
// at most, and tells how many events are left over.
func (w *Webhook) Close() (left int) {
	w.mu.Lock()
	w.closing = true
	w.interrupt()
	w.mu.Unlock()
	late := time.AfterFunc(farewell, w.end)
	w.work.Wait()
	late.Stop()
	w.end()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.length()
}

// add takes changes, to send each. It never waits for the receiver.
func (w *Webhook) add(changes []inventory.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.configured && w.receiver == nil {
		return
	}
	for _, c := range changes {
		w.made++
		w.queue = append(w.queue, Event{fmt.Sprintf("%s-%d", w.prefix, w.made), c})
	}
	w.bound()
	w.start()
}

// bound drops the oldest of what there is no room or no receiver for. What is
// just being sent does not wait, so it stays. The caller holds the lock, here
// and below.
func (w *Webhook) bound() {
	if !w.configured {
		return
	}
	limit, reason := 0, NoReceiver
	if w.receiver != nil {
		limit, reason = w.receiver.Queue, QueueFull
	}
	waiting := w.length()
	if w.cancel != nil {
		waiting--
	}
	if excess := waiting - limit; excess > 0 {
		w.meter.EventsDropped(reason, excess)
		if w.head != nil && w.cancel == nil {
			w.head = nil
			excess--
		}
		clear(w.queue[:excess])
		w.queue = w.queue[excess:]
	}
	w.meter.EventsWaiting(w.length())
}

func (w *Webhook) length() int {
	if w.head == nil {
		return len(w.queue)
	}
	return len(w.queue) + 1
}

func (w *Webhook) interrupt() {
	close(w.wake)
	w.wake = make(chan struct{})
}

// start makes sure that somebody sends what waits.
func (w *Webhook) start() {
	if !w.running && !w.closing && w.receiver != nil && w.length() > 0 {
		w.running = true
		w.work.Go(w.run)
	}
}

// run sends all that waits, and ends.
func (w *Webhook) run() {
	for t := w.next(); t != nil; t = w.next() {
		a := t.send()
		t.cancel()
		pause, wake := w.settle(t, a)
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
func (w *Webhook) next() *try {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head == nil && len(w.queue) > 0 {
		oldest := w.queue[0]
		w.queue[0] = Event{}
		w.head, w.queue = &oldest, w.queue[1:]
	}
	if w.head == nil || w.receiver == nil || w.life.Err() != nil {
		w.running = false
		return nil
	}
	ctx, cancel := context.WithTimeout(w.life, w.receiver.Timeout)
	w.cancel = cancel
	return &try{ctx: ctx, cancel: cancel, receiver: w.receiver, event: *w.head}
}

// settle draws the conclusions of a try: how long to pause, and what ends the
// pause early.
func (w *Webhook) settle(t *try, a answer) (pause time.Duration, wake <-chan struct{}) {
	w.mu.Lock()
	before := w.failures
	given := w.receiver != t.receiver || w.life.Err() != nil // up, by us
	w.cancel = nil
	switch {
	case a.taken():
		w.head = nil
		w.meter.EventSent()
		if !given {
			w.failures = 0
		}
	case given: // whoever comes next sends it again
	case a.refused():
		w.head = nil
		w.meter.EventFailed()
		w.meter.EventsDropped(Refused, 1)
	default:
		w.meter.EventFailed()
		w.failures++
		pause = a.pause(w.failures)
		if w.closing {
			pause = 0
			w.end()
		}
	}
	w.bound()
	waiting := w.length()
	wake = w.wake
	w.mu.Unlock()

	// The log may be slow: it is told without the lock, lest others wait for it.
	switch {
	case given:
	case a.taken() && before > 0:
		level.Info(w.logger).Log("msg", "The receiver of changes takes them again", "key", "changes.webhook", "waiting", waiting)
	case a.refused():
		w.refusals.tell(w.logger, t.event, a.status)
	case pause > 0 && before == 0:
		level.Warn(w.logger).Log("msg", "The receiver of changes fails, and is tried again until it takes them", "key", "changes.webhook",
			"err", a.reason(), "waiting", waiting)
	}
	return pause, wake
}

// refusals tells of the first events that are refused in a minute.
type refusals struct {
	since time.Time
	told  int
}

func (r *refusals) tell(logger log.Logger, e Event, status int) {
	if now := time.Now(); now.Sub(r.since) >= time.Minute {
		r.since, r.told = now, 0
	}
	if r.told++; r.told > refusalsTold {
		return
	}
	level.Warn(logger).Log("msg", "The receiver of changes refuses one, which is dropped", "key", "changes.webhook",
		"kind", e.Kind, "project", e.Project.Name, "desktop_id", e.DesktopID, "status", status)
}
