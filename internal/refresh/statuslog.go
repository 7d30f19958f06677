// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// reminderInterval is the interval at which a continuing failure is logged again.
const reminderInterval = 15 * time.Minute

// statusLog finds changes of a project's status to be logged: one line when
// refreshes begin to fail, when they fail for another reason, and when they
// recover; not one a refresh.
type statusLog struct {
	loggedKey       string // identifies the logged failure; "" while refreshes succeed
	loggedAt        time.Time
	failingSince    time.Time
	failedRefreshes int // since failingSince
	lastRefresh     time.Time
	succeeded       bool // a refresh has succeeded
}

// logEntry is a line to be logged. The zero value means no line.
type logEntry struct {
	logger    log.Logger
	keyValues []any
}

// write logs the line. It must be called without a lock, because a slow log
// blocks it.
func (e logEntry) write() {
	if e.logger != nil {
		_ = e.logger.Log(e.keyValues...)
	}
}

// update returns how the status in a snapshot differs from the last one.
func (l *statusLog) update(o *Options, s *inventory.Snapshot, now time.Time) (entry logEntry) {
	h := &s.Health
	if !h.Refreshed || h.LastRefresh.Equal(l.lastRefresh) {
		return logEntry{}
	}
	l.lastRefresh = h.LastRefresh
	if len(h.Failures) == 0 {
		if !h.Listed {
			return logEntry{} // it waits for quota, and nothing is read yet
		}
		if l.loggedKey != "" {
			entry = logEntry{level.Info(o.Logger), []any{
				"msg", "Project refresh recovered", "desktops", len(s.Records),
				"failed_refreshes", l.failedRefreshes, "after", now.Sub(l.failingSince).Round(time.Second),
			}}
		} else if !l.succeeded {
			entry = logEntry{level.Info(o.Logger), []any{
				"msg", "Project refreshed", "desktops", len(s.Records),
				"unresolved", h.Unresolved, "duration", h.Duration.Round(time.Millisecond),
			}}
		}
		*l = statusLog{lastRefresh: l.lastRefresh, succeeded: true}
		return entry
	}
	f := h.Failures[0]
	l.failedRefreshes++
	key := f.Operation + " " + f.Kind.String() + " " + f.Code
	skipped := o.Optional && f.Kind == inventory.Disabled
	if key == l.loggedKey && (skipped || now.Sub(l.loggedAt) < reminderInterval) {
		return logEntry{}
	}
	msg := "Project refresh failed"
	if l.loggedKey == "" {
		l.failingSince = now
	} else if key == l.loggedKey {
		msg = "Project refresh still failing"
	}
	l.loggedKey, l.loggedAt = key, now
	if skipped {
		return logEntry{level.Info(o.Logger), []any{"msg", "Project skipped, Workspace is not enabled"}}
	}
	return logEntry{level.Error(o.Logger), []any{
		"msg", msg, "err", f, "failures", len(h.Failures),
		"stale", h.Stale, "unresolved", h.Unresolved, "failed_refreshes", l.failedRefreshes,
	}}
}
