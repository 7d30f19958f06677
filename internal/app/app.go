// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package app answers what runs for a configuration. It builds a runtime, the
// clients, accounts, targets, webhook and exposition of one configuration, and
// on a reload builds the next one beside it and swaps the two.
package app

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

// Options configures an App.
type Options struct {
	Logger    log.Logger
	Load      func() (*config.Config, error) // reads the configuration
	UserAgent string                         // of all requests
	// SaveState enables the state file that the first configuration names.
	SaveState bool
	Dial      httptransport.DialFunc // opens connections to the cloud; nil: the network
}

// services live as long as the process: counters, quotas and history continue
// over reloads.
type services struct {
	logger     log.Logger
	userAgent  string
	telemetry  *collector.Telemetry
	transports *httptransport.Pool
	cloud      *workspace.Client
	fleet      *refresh.Fleet
	history    *changes.History
	webhook    *webhook.Sender
	saver      *stateSaver
}

// App runs what the configuration in force demands. One goroutine, reconcile,
// makes every change to it: it executes reloads and the results of account
// polls one after the other, and publishes each new runtime by an atomic
// pointer. Everything else reads that pointer and never waits.
type App struct {
	services
	load     func() (*config.Config, error)
	runtime  atomic.Pointer[runtime]
	wasReady atomic.Bool

	tasks     chan func()    // for the reconcile goroutine
	stopping  chan struct{}  // closed by Close
	stopped   chan struct{}  // closed when reconcile has returned
	polling   sync.WaitGroup // the accounts' goroutines
	closeOnce sync.Once
}

var errStopping = errors.New("the exporter is stopping")

// New returns an App that sends no request before the first Reload. It must be
// closed.
func New(o Options) *App {
	telemetry := collector.NewTelemetry(webhook.DropReasons()...)
	transports := httptransport.NewPool(o.Dial, os.Getenv)
	sender := webhook.New(o.Logger, telemetry)
	a := &App{
		services: services{
			logger: o.Logger, userAgent: o.UserAgent, telemetry: telemetry, transports: transports,
			cloud: workspace.NewClient(workspace.Options{
				Logger: o.Logger, Telemetry: telemetry, UserAgent: o.UserAgent,
				Now: time.Now, Getenv: os.Getenv, Transports: transports, Dial: o.Dial,
			}),
			fleet:   &refresh.Fleet{},
			history: changes.New(changes.Options{Logger: o.Logger, Limit: math.MaxInt, Subscriber: sender.Enqueue}),
			webhook: sender,
		},
		load:     o.Load,
		tasks:    make(chan func()),
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	a.saver = &stateSaver{
		enabled: o.SaveState, logger: o.Logger, fleet: a.fleet, history: a.history, webhook: sender, report: telemetry.StateSaved,
	}
	a.runtime.Store(&runtime{})
	go a.reconcile()
	return a
}

// reconcile executes tasks one after the other and saves the state in between,
// until the App is closed.
func (a *App) reconcile() {
	defer close(a.stopped)
	save := time.NewTicker(saveInterval)
	defer save.Stop()
	for {
		select {
		case <-a.stopping:
			return
		case task := <-a.tasks:
			task()
		case <-save.C:
			a.saver.save()
		}
	}
}

// do executes a task in the reconcile goroutine and waits for its end. It
// returns an error if the task was not executed.
func (a *App) do(ctx context.Context, task func()) error {
	done := make(chan struct{})
	select {
	case <-a.stopping:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	case a.tasks <- func() { defer close(done); task() }:
		<-done
		return nil
	}
}

// Close ends all work. Reload returns an error from then on.
func (a *App) Close() { a.closeOnce.Do(a.close) }

func (a *App) close() {
	close(a.stopping)
	<-a.stopped
	last := a.runtime.Load()
	for _, acc := range last.accounts {
		acc.close()
	}
	a.polling.Wait()
	a.fleet.Close()
	a.history.Close()
	left := a.webhook.Close()
	if saved := a.saver.save(); left > 0 && !saved {
		level.Warn(a.logger).Log("msg", "Undelivered changes are lost at shutdown", "changes", left)
	}
	a.saver.close()
	closeUnused(last, &runtime{})
	a.cloud.Close()
}
