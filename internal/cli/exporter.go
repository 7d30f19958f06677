// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// exporter wires the rooms together, and again on every reload. What stays for
// the whole life of the process, counters and quotas among it, is made once.
type exporter struct {
	logger     log.Logger
	load       func() (*config.Config, error)
	telemetry  *collector.Telemetry
	transports *httptransport.Pool
	cloud      *workspace.Cloud
	fleet      *refresh.Fleet
	history    *changes.History
	keeper     *keeper // nil: nothing outlives the process
	webhook    *webhook.Sender

	exposition atomic.Pointer[collector.Exposition]
	config     atomic.Pointer[config.Config]
	wasReady   atomic.Bool

	mu         sync.Mutex // serialises reloads and the accounts' news
	closed     bool
	fault      error                               // of the last reload; nil: it succeeded
	clients    map[string]*workspace.ProjectClient // by target key
	observers  map[string]*changes.Observer        // by target key
	accounts   []*account                          // in the order of the configuration
	hook       hook
	unverified []string // do without verification of TLS certificates

	following sync.WaitGroup // the accounts' goroutines
}

// newExporter makes an exporter that asks nothing before its first reload.
// dial, where set, opens the connections to the cloud.
func newExporter(logger log.Logger, load func() (*config.Config, error), dial dialer) *exporter {
	telemetry := collector.NewTelemetry()
	sender := webhook.New(logger, telemetry)
	transports := httptransport.NewPool(dial, os.Getenv)
	return &exporter{
		logger: logger, load: load, telemetry: telemetry,
		transports: transports,
		cloud: workspace.NewCloud(workspace.Options{
			Logger: logger, Telemetry: telemetry, UserAgent: name + "/" + version.Version,
			Now: time.Now, Getenv: os.Getenv, Transports: transports, Dial: dial,
		}),
		fleet:   &refresh.Fleet{},
		history: changes.New(changes.Options{Logger: logger, Limit: math.MaxInt, Subscriber: sender.Enqueue}),
		webhook: sender,
		clients: map[string]*workspace.ProjectClient{},
	}
}

// reload reads the configuration and puts it in force; on an error all stays
// as it was.
func (x *exporter) reload() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errors.New("the exporter is stopping")
	}
	c, err := x.load()
	if err == nil {
		err = x.apply(c)
	}
	x.fault = err
	x.telemetry.Reloaded(err == nil, time.Now())
	if err != nil {
		if x.config.Load() != nil {
			level.Error(x.logger).Log("msg", "Reload failed, the old configuration stays in force", "err", err)
		}
		return err
	}
	level.Info(x.logger).Log("msg", "Configuration in force", "projects", len(c.Projects), "accounts", len(c.Accounts))
	return nil
}

// apply puts a configuration in force. What it needs is made first, so that an
// error leaves nothing half done. The caller holds the lock.
func (x *exporter) apply(c *config.Config) error {
	before := x.config.Load()
	if before == nil {
		x.keeper.begin(c.State)
	} else if before.State != c.State {
		level.Warn(x.logger).Log("msg", "A change of state counts from the next start on", "key", "state")
	}
	accounts, err := x.openAccounts(c)
	if err != nil {
		return err
	}
	hook, err := x.openHook(&c.Changes.Webhook)
	if err == nil {
		if err = x.retarget(c, accounts); err != nil {
			x.dropHook(hook)
		}
	}
	if err != nil {
		for _, a := range accounts {
			if !slices.Contains(x.accounts, a) {
				a.client.Close()
			}
		}
		return err
	}
	x.takeHook(hook)
	x.history.Resize(c.Changes.Keep)
	for _, a := range x.accounts {
		if !slices.Contains(accounts, a) {
			a.stop()
		}
	}
	for _, a := range accounts {
		if !slices.Contains(x.accounts, a) {
			a.start()
		}
	}
	x.accounts = accounts
	x.config.Store(c)
	if before == nil || !reflect.DeepEqual(before.Metrics, c.Metrics) || !reflect.DeepEqual(before.Policies, c.Policies) {
		x.exposition.Store(collector.NewExposition(collector.ExpositionOptions{
			Choice: collector.Choice{
				Disable: c.Metrics.Disable, Tags: c.Metrics.Tags, Users: c.Metrics.Users,
				Policies: len(c.Policies), Expect: expectation(c.Policies), Changes: x.history.Count,
			},
			Dropped: x.telemetry.Dropped,
			Logger:  x.logger,
		}))
	}
	return nil
}

// handler makes the handler of all paths; o says how it serves.
func (x *exporter) handler(o web.Options) http.Handler {
	o.Fleet, o.Ready, o.Logger = x.fleet, x.ready, x.logger
	o.Config, o.Reload = x.masked, x.reload
	o.Quotas, o.Accounts, o.Warnings = x.quotas, x.accountsNow, x.notices
	o.Metrics, o.Changes = x.metrics, x.history.Changes
	o.Fields = x.show
	return web.New(o)
}

// ready tells whether every project had its first refresh tried, those of
// accounts included. Once it was so, a reload does not make it unready: what
// is known already is worth being scraped.
func (x *exporter) ready() bool {
	if x.wasReady.Load() {
		return true
	}
	x.mu.Lock()
	untried := slices.ContainsFunc(x.accounts, func(a *account) bool { return !a.tried })
	x.mu.Unlock()
	if !untried && x.fleet.Ready() {
		x.wasReady.Store(true)
	}
	return x.wasReady.Load()
}

// metrics makes the handler that says what read returns, as the configuration
// in force wants it.
func (x *exporter) metrics(read web.ReadFunc, own bool) http.Handler {
	var gatherer prometheus.Gatherer
	if own {
		gatherer = x.telemetry.Gatherer()
	}
	return x.exposition.Load().Handler(read, gatherer)
}

// masked gives the configuration in force without its secrets.
func (x *exporter) masked() string { return x.config.Load().Masked() }

func (x *exporter) quotas() []web.Quota {
	var quotas []web.Quota
	for _, q := range x.cloud.Quotas() {
		quotas = append(quotas, web.Quota{
			Operation: q.Operation, Endpoint: q.Endpoint, Key: q.Key, Left: q.Available, PerMinute: q.Budget, Limit: q.Limit,
		})
	}
	return quotas
}

// notices gives what an operator should know whatever the projects' state.
func (x *exporter) notices() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var notices []string
	if x.fault != nil {
		notices = append(notices, fmt.Sprintf("The last reload failed, and the configuration before it is still in force. %s", x.fault))
	}
	if len(x.unverified) > 0 {
		notices = append(notices, "TLS certificates are not verified: whoever is in between can read and change everything. "+
			"Remove http.tls_config.insecure_skip_verify from "+strings.Join(x.unverified, ", ")+".")
	}
	return notices
}

// close ends all work, for good.
func (x *exporter) close() {
	x.mu.Lock()
	x.closed = true
	for _, a := range x.accounts {
		a.stop()
	}
	x.mu.Unlock()
	x.following.Wait()
	x.fleet.Close()
	x.history.Close()
	left := x.webhook.Close()
	if saved := x.keeper.save(); left > 0 && !saved {
		level.Warn(x.logger).Log("msg", "Changes are lost that the webhook's receiver did not take in time", "changes", left)
	}
	x.hook.close()
	for _, client := range x.clients {
		client.Close()
	}
	x.cloud.Close()
}
