// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"time"

	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// reminderInterval is how often a failure that goes on is told again.
const reminderInterval = 15 * time.Minute

// statusLog tells the log what changed: one line when a project begins to fail,
// when it fails in another way, and when it recovers; not one for each scrape.
type statusLog struct {
	loggedKey       string // the failure told last; "" while the project is well
	loggedAt        time.Time
	failingSince    time.Time
	failedRefreshes int // failed refreshes since then
	lastRefresh     time.Time
	succeeded       bool
}

// log compares a snapshot with what was told before.
func (n *statusLog) log(o *Options, s *inventory.Snapshot, now time.Time) {
	h, logger := &s.Health, o.Logger
	if !h.Refreshed || h.LastRefresh.Equal(n.lastRefresh) {
		return
	}
	n.lastRefresh = h.LastRefresh
	if len(h.Failures) == 0 {
		if !h.Listed {
			return // it waits for quota, and nothing was read yet
		}
		if n.loggedKey != "" {
			level.Info(logger).Log("msg", "Project recovered", "desktops", len(s.Records),
				"failed_refreshes", n.failedRefreshes, "after", now.Sub(n.failingSince).Round(time.Second))
		} else if !n.succeeded {
			level.Info(logger).Log("msg", "Project read", "desktops", len(s.Records),
				"unresolved", h.Unresolved, "duration", h.Duration.Round(time.Millisecond))
		}
		*n = statusLog{lastRefresh: n.lastRefresh, succeeded: true}
		return
	}
	f := h.Failures[0]
	n.failedRefreshes++
	key := f.Operation + " " + f.Kind.String() + " " + f.Code
	skipped := o.Optional && f.Kind == inventory.Disabled
	if key == n.loggedKey && (skipped || now.Sub(n.loggedAt) < reminderInterval) {
		return
	}
	msg := "Project fails"
	if n.loggedKey == "" {
		n.failingSince = now
	} else if key == n.loggedKey {
		msg = "Project still fails"
	}
	n.loggedKey, n.loggedAt = key, now
	if skipped {
		level.Info(logger).Log("msg", "Project skipped: Workspace is not enabled in it")
		return
	}
	level.Error(logger).Log("msg", msg, "err", f, "failures", len(h.Failures),
		"stale", h.Stale, "unresolved", h.Unresolved, "failed_refreshes", n.failedRefreshes)
}
