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
	// maxLinesPerBatch is how many changes of one reading get a line of their own.
	maxLinesPerBatch = 100
	// maxPendingBatches is how many readings wait for a log that is slow.
	maxPendingBatches = 1000
)

// changeLogger tells the log, which may be slow, without keeping anyone waiting.
type changeLogger struct {
	logger log.Logger
	wg     sync.WaitGroup

	mu      sync.Mutex
	waiting []batch
	dropped int // changes for which there was no room
	running bool
}

// batch is what one reading of a project changed.
type batch struct {
	changes []inventory.Change // those that get a line
	more    int                // how many others there are
}

// add takes the changes of one reading.
func (t *changeLogger) add(changes []inventory.Change) {
	n := min(len(changes), maxLinesPerBatch)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= maxPendingBatches {
		t.dropped += len(changes)
		return
	}
	t.waiting = append(t.waiting, batch{changes[:n:n], len(changes) - n})
	if !t.running {
		t.running = true
		t.wg.Go(t.run)
	}
}

// run tells all that waits, and ends.
func (t *changeLogger) run() {
	for {
		t.mu.Lock()
		if len(t.waiting) == 0 {
			lost := t.dropped
			t.dropped, t.waiting = 0, nil
			t.running = lost > 0
			t.mu.Unlock()
			if lost == 0 {
				return
			}
			level.Warn(t.logger).Log("msg", "Changes were not logged, as the log is too slow", "changes", lost)
			continue
		}
		r := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		for _, c := range r.changes {
			level.Info(t.logger).Log("msg", "Desktop changed", "kind", c.Kind, "project", c.Project.Name,
				"desktop_id", c.DesktopID, "desktop_name", c.DesktopName, "before", c.Before, "after", c.After)
		}
		if r.more > 0 {
			level.Info(t.logger).Log("msg", "More desktops changed in the same reading, without a line each",
				"project", r.changes[0].Project.Name, "changes", r.more)
		}
	}
}

func (t *changeLogger) close() { t.wg.Wait() }
