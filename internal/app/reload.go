// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"github.com/go-kit/log/level"
)

// Reload reads the configuration and puts it in force. On an error nothing has
// changed.
func (a *App) Reload() error {
	var err error
	if notDone := a.do(context.Background(), func() { err = a.reload() }); notDone != nil {
		return notDone
	}
	return err
}

func (a *App) reload() error {
	old := a.runtime.Load()
	c, err := a.load()
	var next *runtime
	if err == nil {
		if old.config == nil {
			a.saver.load(c.State)
		}
		next, err = a.build(old, c)
	}
	a.telemetry.ConfigReloaded(err == nil, time.Now())
	if err != nil {
		failed := *old
		failed.reloadErr = err
		a.runtime.Store(&failed)
		if old.config != nil {
			level.Error(a.logger).Log("msg", "Configuration reload failed, keeping the previous configuration", "err", err)
		}
		return err
	}
	if old.config != nil && old.config.State != c.State {
		level.Warn(a.logger).Log("msg", "Change of state takes effect at the next start", "key", "state")
	}
	a.swap(old, next)
	a.saver.started = true
	level.Info(a.logger).Log("msg", "Configuration loaded", "projects", len(c.Projects), "accounts", len(c.Accounts))
	return nil
}

// swap puts a runtime in force in place of the old one, and closes what only
// the old one used. It cannot fail.
func (a *App) swap(old, next *runtime) {
	for _, acc := range next.accounts {
		acc.failure.Store(acc.status.failure)
	}
	a.fleet.SetTargets(next.targets)
	if old.config == nil || old.webhook.key != next.webhook.key {
		a.webhook.SetReceiver(next.webhook.receiver)
	}
	a.history.Resize(next.config.Changes.Keep)
	a.runtime.Store(next)
	a.history.Retain(next.allObservers())
	a.telemetry.TLSVerificationDisabled(next.unverified)
	closeUnused(old, next)
	for _, t := range next.targets {
		a.saver.forget(t.StateKey)
	}
	next.logUnverified(a.logger)
	for _, acc := range next.accounts {
		if !acc.started() {
			acc.start(&a.polling, a.reportPoll)
		}
	}
}
