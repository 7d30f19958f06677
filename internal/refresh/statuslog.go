// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"time"

	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// reminder is how often a failure that goes on is told again.
const reminder = 15 * time.Minute

// news tells the log what changed: one line when a project begins to fail,
// when it fails in another way, and when it recovers; not one for each scrape.
type news struct {
	told   string // the failure told last; "" while the project is well
	toldAt time.Time
	since  time.Time
	count  int // failed refreshes since then
	tried  time.Time
	ready  bool
}

// tell compares a snapshot with what was told before.
func (n *news) tell(o *Options, s *inventory.Snapshot, now time.Time) {
	h, logger := &s.Health, o.Logger
	if !h.Refreshed || h.LastRefresh.Equal(n.tried) {
		return
	}
	n.tried = h.LastRefresh
	if len(h.Failures) == 0 {
		if !h.Listed {
			return // it waits for quota, and nothing was read yet
		}
		if n.told != "" {
			level.Info(logger).Log("msg", "Project recovered", "desktops", len(s.Records),
				"failed_refreshes", n.count, "after", now.Sub(n.since).Round(time.Second))
		} else if !n.ready {
			level.Info(logger).Log("msg", "Project read", "desktops", len(s.Records),
				"unresolved", h.Unresolved, "duration", h.Duration.Round(time.Millisecond))
		}
		*n = news{tried: n.tried, ready: true}
		return
	}
	f := h.Failures[0]
	n.count++
	key := f.Operation + " " + f.Kind.String() + " " + f.Code
	skipped := o.Optional && f.Kind == inventory.Disabled
	if key == n.told && (skipped || now.Sub(n.toldAt) < reminder) {
		return
	}
	msg := "Project fails"
	if n.told == "" {
		n.since = now
	} else if key == n.told {
		msg = "Project still fails"
	}
	n.told, n.toldAt = key, now
	if skipped {
		level.Info(logger).Log("msg", "Project skipped: Workspace is not enabled in it")
		return
	}
	level.Error(logger).Log("msg", msg, "err", f, "failures", len(h.Failures),
		"stale", h.Stale, "unresolved", h.Unresolved, "failed_refreshes", n.count)
}
