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
	// maxLines is how many changes of one reading get a line of their own.
	maxLines = 100
	// maxReadings is how many readings wait for a log that is slow.
	maxReadings = 1000
)

// teller tells the log, which may be slow, without keeping anyone waiting.
type teller struct {
	logger log.Logger
	work   sync.WaitGroup

	mu      sync.Mutex
	waiting []reading
	lost    int // changes for which there was no room
	telling bool
}

// reading is what one reading of a project changed.
type reading struct {
	changes []inventory.Change // those that get a line
	more    int                // how many others there are
}

// tell takes the changes of one reading.
func (t *teller) tell(changes []inventory.Change) {
	n := min(len(changes), maxLines)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= maxReadings {
		t.lost += len(changes)
		return
	}
	t.waiting = append(t.waiting, reading{changes[:n:n], len(changes) - n})
	if !t.telling {
		t.telling = true
		t.work.Go(t.run)
	}
}

// run tells all that waits, and ends.
func (t *teller) run() {
	for {
		t.mu.Lock()
		if len(t.waiting) == 0 {
			lost := t.lost
			t.lost, t.waiting = 0, nil
			t.telling = lost > 0
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

func (t *teller) wait() { t.work.Wait() }
