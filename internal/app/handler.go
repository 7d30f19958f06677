// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
)

// Handler returns the HTTP handler of all paths. The options configure serving;
// what it serves is filled in here.
func (a *App) Handler(o web.Options) http.Handler {
	o.Fleet, o.Ready, o.Logger = a.fleet, a.ready, a.logger
	o.Config, o.Reload = a.maskedConfig, a.Reload
	o.Quotas, o.Accounts, o.Warnings = a.quotas, a.accounts, a.notices
	o.Metrics, o.Changes = a.MetricsHandler, a.history.Changes
	o.Fields = a.Fields
	return web.New(o)
}

// Fleet returns the refresh engines of all projects.
func (a *App) Fleet() *refresh.Fleet { return a.fleet }

// MetricsHandler returns the handler that serves the metrics of the snapshots
// that read returns and, if own is set, those of the exporter itself.
func (a *App) MetricsHandler(read web.ReadFunc, own bool) http.Handler {
	var gatherer prometheus.Gatherer
	if own {
		gatherer = a.telemetry.Gatherer()
	}
	return a.runtime.Load().exposition.Handler(read, gatherer)
}

// Fields returns the optional fields of desktops that the configuration demands.
func (a *App) Fields() export.Fields {
	c := a.runtime.Load().config
	return export.Fields{Tags: c.NeedsTags(), Users: c.Metrics.Users}
}

// PendingAccounts returns the names of the accounts that were not polled yet.
func (a *App) PendingAccounts() []string {
	var names []string
	for _, acc := range a.runtime.Load().accounts {
		if !acc.status.polled {
			names = append(names, acc.config.Name)
		}
	}
	return names
}

// ready reports whether the first refresh of every project has ended, those of
// accounts included. A later reload does not change it back: what is known
// already is worth a scrape.
func (a *App) ready() bool {
	if a.wasReady.Load() {
		return true
	}
	if a.runtime.Load().config == nil || len(a.PendingAccounts()) > 0 || !a.fleet.Ready() {
		return false
	}
	a.wasReady.Store(true)
	return true
}

func (a *App) maskedConfig() string { return a.runtime.Load().config.Masked() }

func (a *App) quotas() []web.Quota {
	var quotas []web.Quota
	for _, q := range a.cloud.Quotas() {
		quotas = append(quotas, web.Quota{
			Operation: q.Operation, Endpoint: q.Endpoint, Key: q.Key, Left: q.Available, PerMinute: q.Budget, Limit: q.Limit,
		})
	}
	return quotas
}

// accounts returns the status of all accounts, for the status page.
func (a *App) accounts() []web.Account {
	var all []web.Account
	for _, acc := range a.runtime.Load().accounts {
		all = append(all, web.Account{
			Name: acc.config.Name, ListedAt: acc.status.listedAt, Projects: len(acc.projects()), Failure: acc.status.failure,
		})
	}
	return all
}

// notices returns warnings for the status page that are not about a project.
func (a *App) notices() []string {
	r := a.runtime.Load()
	var notices []string
	if r.reloadErr != nil {
		notices = append(notices, fmt.Sprintf("The last reload failed; the previous configuration is still in force. %s", r.reloadErr))
	}
	if len(r.unverified) > 0 {
		notices = append(notices, "TLS certificate verification is disabled; connections can be intercepted. "+
			"Remove http.tls_config.insecure_skip_verify from "+strings.Join(r.unverified, ", ")+".")
	}
	return notices
}
