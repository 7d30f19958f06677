// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const (
	// maxLinesPerSnapshot is how many changes of one snapshot get a log line each.
	maxLinesPerSnapshot = 100
	// maxPendingBatches is how many batches wait for a slow log.
	maxPendingBatches = 1000
)

// changeLogger logs changes in a goroutine of its own, so that a slow log delays
// no refresh.
type changeLogger struct {
	logger log.Logger
	wg     sync.WaitGroup

	mu      sync.Mutex
	pending []batch
	dropped int // changes for which there was no room
	running bool
}

// batch is the changes of one snapshot.
type batch struct {
	changes []inventory.Change // those that get a line
	omitted int                // the number of the others
}

// enqueue adds the changes of one snapshot. It does not wait for the log.
func (l *changeLogger) enqueue(changes []inventory.Change) {
	n := min(len(changes), maxLinesPerSnapshot)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= maxPendingBatches {
		l.dropped += len(changes)
		return
	}
	l.pending = append(l.pending, batch{changes[:n:n], len(changes) - n})
	if !l.running {
		l.running = true
		l.wg.Go(l.run)
	}
}

// run logs until nothing is pending.
func (l *changeLogger) run() {
	for {
		next, dropped := l.dequeue()
		switch {
		case next != nil:
			l.log(next)
		case dropped > 0:
			level.Warn(l.logger).Log("msg", "Changes not logged, log output is too slow", "changes", dropped)
		default:
			return
		}
	}
}

// dequeue returns the oldest batch or, if there is none, the number of changes
// dropped since the last call; nil and 0 mean that run ends.
func (l *changeLogger) dequeue() (next *batch, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		next, l.pending = &l.pending[0], l.pending[1:]
		return next, 0
	}
	dropped = l.dropped
	l.dropped, l.pending = 0, nil
	l.running = dropped > 0
	return nil, dropped
}

func (l *changeLogger) log(b *batch) {
	for _, c := range b.changes {
		level.Info(l.logger).Log("msg", "Desktop changed", "kind", c.Kind, "project", c.Project.Name,
			"desktop_id", c.DesktopID, "desktop_name", c.DesktopName, "before", c.Before, "after", c.After)
	}
	if b.omitted > 0 {
		level.Info(l.logger).Log("msg", "Further desktop changes omitted from the log",
			"project", b.changes[0].Project.Name, "changes", b.omitted)
	}
}

func (l *changeLogger) wait() { l.wg.Wait() }
