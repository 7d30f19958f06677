// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

const (
	// accountRetry is how soon a list of projects that failed is asked for again.
	accountRetry = time.Minute
	// accountReminder is how often a list that keeps failing is told again.
	accountReminder = 15 * time.Minute
	// operationProjects is the SDK's name of the call.
	operationProjects = "KeystoneListAuthProjects"
)

// account follows the projects that an account's key can see.
type account struct {
	config   config.Account
	key      string // changes when anything about the account changes
	exporter *exporter
	client   *workspace.Account
	cancel   context.CancelFunc

	// failure is that of the last try. It is read without the exporter's lock,
	// which whoever closes an engine holds.
	failure atomic.Pointer[inventory.Failure]

	// Guarded by the exporter's lock.
	tried  bool // the first list has ended
	found  []workspace.IAMProject
	listed time.Time // when found was read
	since  time.Time // of the first failure in a row
	toldAt time.Time
}

// openAccounts gives the accounts of a configuration, of which it makes those
// that are not there yet. One that changed knows at once what the one of its
// name knew, lest its projects vanish until IAM has answered.
func (x *exporter) openAccounts(c *config.Config) ([]*account, error) {
	var all []*account
	for i := range c.Accounts {
		a := &account{config: c.Accounts[i], key: c.Accounts[i].Fingerprint(), exporter: x}
		if same := slices.IndexFunc(x.accounts, func(old *account) bool { return old.key == a.key }); same >= 0 {
			all = append(all, x.accounts[same])
			continue
		}
		client, err := x.cloud.Account(a.config)
		if err != nil {
			for _, made := range all {
				if !slices.Contains(x.accounts, made) {
					made.client.Close()
				}
			}
			return nil, fmt.Errorf("accounts[%d]: %w", i, err)
		}
		a.client = client
		for _, old := range x.accounts {
			if old.config.Name == a.config.Name {
				a.tried, a.found, a.listed, a.since = old.tried, old.found, old.listed, old.since
				a.failure.Store(old.failure.Load())
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// start begins to follow; the account's goroutine ends soon after stop.
func (a *account) start() {
	if a.config.HTTP.TLS.InsecureSkipVerify {
		level.Warn(a.exporter.logger).Log("msg", "TLS certificates are not verified: whoever is in between can read and change everything",
			"account", a.config.Name, "key", "http.tls_config.insecure_skip_verify")
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.exporter.following.Go(func() {
		defer a.client.Close()
		for ctx.Err() == nil {
			select {
			case <-time.After(a.look(ctx)):
			case <-ctx.Done():
			}
		}
	})
}

func (a *account) stop() { a.cancel() }

// look asks for the projects once, makes the fleet follow them, and tells when
// to look again.
func (a *account) look(ctx context.Context) (pause time.Duration) {
	found, err := a.client.Projects(ctx)
	a.exporter.mu.Lock()
	defer a.exporter.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	if wait, ok := errors.AsType[*inventory.QuotaExceeded](err); ok {
		return max(time.Until(wait.Until), time.Second) // no failure: the quota comes back
	}
	a.tried = true
	pause = time.Duration(a.config.ProjectRefresh)
	known, failed := a.projects(), a.failure.Load()
	foundBefore, listedBefore := a.found, a.listed
	if err != nil {
		pause = min(pause, accountRetry)
		a.fail(asFailure(err))
	} else {
		a.found, a.listed = found, time.Now()
		a.failure.Store(nil)
	}
	now := a.projects()
	if !reflect.DeepEqual(known, now) || (err == nil) != (failed == nil) {
		if err := a.exporter.retarget(a.exporter.config.Load(), a.exporter.accounts); err != nil {
			// As if the list had not been read, so that it is tried again.
			a.found, a.listed = foundBefore, listedBefore
			a.failure.Store(failed)
			a.fail(&inventory.Failure{Kind: inventory.Misconfigured, Operation: operationProjects, Detail: err.Error(), Cause: err})
			return min(pause, accountRetry)
		}
	}
	if err == nil {
		if failed != nil {
			level.Info(a.exporter.logger).Log("msg", "Account recovered", "account", a.config.Name, "after", time.Since(a.since).Round(time.Second))
		}
		a.tell(known, now, listedBefore.IsZero())
	}
	return pause
}

// fail notes a failure and tells it: once, again when it changes, and again
// when it has gone on for long.
func (a *account) fail(f *inventory.Failure) {
	now, before := time.Now(), a.failure.Load()
	a.failure.Store(f)
	msg := "Account fails: its projects cannot be listed, those known stay"
	switch {
	case before == nil:
		a.since = now
	case before.Kind == f.Kind && before.Code == f.Code:
		if now.Sub(a.toldAt) < accountReminder {
			return
		}
		msg = "Account still fails: its projects cannot be listed, those known stay"
	}
	a.toldAt = now
	level.Error(a.exporter.logger).Log("msg", msg, "account", a.config.Name, "err", f, "projects", len(a.projects()))
}

// tell tells what a list that was read changed.
func (a *account) tell(known, now []config.Project, first bool) {
	logger := log.With(a.exporter.logger, "account", a.config.Name, "projects", len(now))
	came, went := missing(now, known), missing(known, now)
	if first || len(came)+len(went) > 0 {
		level.Info(logger).Log("msg", "Account's projects listed", "seen", len(a.found),
			"came", strings.Join(came, " "), "went", strings.Join(went, " "))
	}
	if len(now) == 0 && (first || len(known) > 0) {
		level.Warn(logger).Log("msg", "Account has no project to export: check its filters regions and projects, and what its key can see")
	}
}

// missing gives the names of the projects that are in some and not in others.
func missing(some, others []config.Project) []string {
	var names []string
	for _, p := range some {
		if !slices.ContainsFunc(others, func(o config.Project) bool { return o.Name == p.Name && o.ProjectID == p.ProjectID }) {
			names = append(names, p.Name)
		}
	}
	return names
}

// projects gives those of the account's projects that are to be exported:
// selected by the configuration, in force, and in a region with Workspace.
func (a *account) projects() []config.Project {
	var projects []config.Project
	for _, p := range a.found {
		if p.Enabled && a.config.Selects(p.Region, p.Name) && (a.config.Endpoints[p.Region] != "" || workspace.KnownRegion(p.Region)) {
			projects = append(projects, a.config.Project(p.Region, p.Name, p.ID))
		}
	}
	slices.SortFunc(projects, func(x, y config.Project) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ProjectID, y.ProjectID))
	})
	// One name means one target, and IAM promises it.
	return slices.CompactFunc(projects, func(x, y config.Project) bool { return x.Name == y.Name })
}

// accountsNow gives the state of all accounts, for the status page.
func (x *exporter) accountsNow() []web.Account {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []web.Account
	for _, a := range x.accounts {
		all = append(all, web.Account{Name: a.config.Name, ListedAt: a.listed, Projects: len(a.projects()), Failure: a.failure.Load()})
	}
	return all
}

// asFailure makes a failure of any error of an account's client.
func asFailure(err error) *inventory.Failure {
	if f, ok := errors.AsType[*inventory.Failure](err); ok {
		return f
	}
	return &inventory.Failure{Kind: inventory.Transient, Operation: operationProjects, Detail: "no answer", Cause: err}
}

// down is the Source that stands for an account whose projects are unknown.
type down struct{ *account }

// ResolveProject gives the failure of the account's last try.
func (d down) ResolveProject(context.Context) (inventory.Project, error) {
	if f := d.failure.Load(); f != nil {
		return inventory.Project{}, f
	}
	// It has just recovered, and will be replaced by its projects.
	return inventory.Project{}, &inventory.Failure{Kind: inventory.Transient, Operation: operationProjects, Detail: "its projects have just been listed"}
}

// ListDesktops is never asked without an identity.
func (d down) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	_, err := d.ResolveProject(ctx)
	return nil, err
}

// ListEIPBindings is never asked without an identity.
func (d down) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	_, err := d.ResolveProject(ctx)
	return nil, err
}

// ReadNetworks is never asked without an identity.
func (d down) ReadNetworks(ctx context.Context, _ []string, _ bool) (inventory.NetworksResult, error) {
	_, err := d.ResolveProject(ctx)
	return inventory.NetworksResult{}, err
}
