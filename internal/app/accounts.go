// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

const (
	// accountRetry is the interval between polls of an account that fails.
	accountRetry = time.Minute
	// accountReminder is the interval at which a failure that persists is logged again.
	accountReminder = 15 * time.Minute
)

// account polls the projects that an account's access key can see.
type account struct {
	config config.Account
	key    string // changes when anything about the account changes
	client *workspace.AccountClient
	cancel context.CancelFunc // ends the polling; nil until start

	// failure is a copy of the status in force, for the account's placeholder,
	// whose engine reads it at any time.
	failure atomic.Pointer[inventory.Failure]
}

// accountStatus is what the polls of an account have found.
type accountStatus struct {
	polled   bool                   // the first poll has ended
	visible  []workspace.IAMProject // to the access key, at the last poll that succeeded
	listedAt time.Time              // zero: no poll succeeded yet
	failure  *inventory.Failure     // of the last poll; nil: it succeeded

	failingSince time.Time
	loggedAt     time.Time // when the failure was logged last
}

// accountState is an account with its status.
type accountState struct {
	*account
	status accountStatus
}

// openAccounts opens the accounts of the configuration, unless the old runtime
// has them. An account that changed keeps the status of the one of its name, so
// that its projects stay until it is polled.
func (b *builder) openAccounts() error {
	for i := range b.next.config.Accounts {
		c := b.next.config.Accounts[i]
		key := c.Fingerprint()
		byName := slices.IndexFunc(b.old.accounts, func(old accountState) bool { return old.config.Name == c.Name })
		var status accountStatus
		if byName >= 0 {
			status = b.old.accounts[byName].status
		}
		if b.reuse("account " + key) {
			b.next.accounts = append(b.next.accounts, accountState{b.old.accounts[byName].account, status})
			continue
		}
		client, err := b.cloud.Account(c)
		if err != nil {
			return fmt.Errorf("accounts[%d]: %w", i, err)
		}
		acc := &account{config: c, key: key, client: client}
		b.opened("account "+key, acc.close)
		if c.HTTP.TLS.InsecureSkipVerify {
			b.warnUnverified("account", c.Name, "key", "http.tls_config.insecure_skip_verify")
		}
		b.next.accounts = append(b.next.accounts, accountState{acc, status})
	}
	return nil
}

func (a *account) started() bool { return a.cancel != nil }

// start polls the account until close, and passes each result to report, which
// returns the time until the next poll.
func (a *account) start(running *sync.WaitGroup, report func(context.Context, *account, []workspace.IAMProject, error) time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	running.Go(func() {
		defer a.client.Close()
		for ctx.Err() == nil {
			projects, err := a.client.Projects(ctx)
			select {
			case <-time.After(report(ctx, a, projects, err)):
			case <-ctx.Done():
			}
		}
	})
}

// close ends the polling soon, and then closes the client.
func (a *account) close() {
	if a.started() {
		a.cancel()
	} else {
		a.client.Close()
	}
}

// reportPoll puts the result of a poll in force, and returns the time until the
// next one. It waits for the reconcile goroutine.
func (a *App) reportPoll(ctx context.Context, acc *account, projects []workspace.IAMProject, err error) (pause time.Duration) {
	_ = a.do(ctx, func() {
		if ctx.Err() == nil {
			pause = a.applyPoll(acc, projects, err)
		}
	}) // otherwise the account has been closed
	return pause
}

// applyPoll puts the result of a poll in force: if the account's projects have
// changed, by a new runtime of the same configuration.
func (a *App) applyPoll(acc *account, projects []workspace.IAMProject, err error) (pause time.Duration) {
	if exceeded, ok := errors.AsType[*inventory.QuotaExceeded](err); ok {
		return max(time.Until(exceeded.Until), time.Second) // no failure: the quota returns
	}
	old := a.runtime.Load()
	i := slices.IndexFunc(old.accounts, func(s accountState) bool { return s.account == acc })
	if i < 0 {
		return 0 // a reload has closed the account
	}
	before := old.accounts[i]
	after := before
	after.status.polled = true
	logFailure := func() {}
	if err != nil {
		logFailure = after.fail(a.logger, asFailure(err))
	} else {
		after.status.visible, after.status.listedAt, after.status.failure = projects, time.Now(), nil
	}
	next := old.withAccount(i, after.status)
	if !reflect.DeepEqual(before.projects(), after.projects()) || (before.status.failure == nil) != (after.status.failure == nil) {
		built, buildErr := a.build(next, old.config)
		if buildErr != nil {
			// The list is dropped, so that the next poll tries again.
			err = buildErr
			after = before
			after.status.polled = true
			logFailure = after.fail(a.logger, &inventory.Failure{
				Kind: inventory.Misconfigured, Operation: inventory.KeystoneListAuthProjects, Detail: err.Error(), Cause: err,
			})
			built = old.withAccount(i, after.status)
		}
		next = built
	}
	a.swap(old, next)
	logFailure()
	if err != nil {
		return min(time.Duration(acc.config.ProjectRefresh), accountRetry)
	}
	if before.status.failure != nil {
		level.Info(a.logger).Log("msg", "Account project list recovered", "account", acc.config.Name, "after", time.Since(before.status.failingSince).Round(time.Second))
	}
	after.logChanges(a.logger, before)
	return time.Duration(acc.config.ProjectRefresh)
}

// fail sets a failure, and returns the function that logs it: once, again when
// it changes, and again when it persists.
func (s *accountState) fail(logger log.Logger, f *inventory.Failure) func() {
	now, before := time.Now(), s.status.failure
	s.status.failure = f
	msg := "Account project list failed, keeping the known projects"
	switch {
	case before == nil:
		s.status.failingSince = now
	case before.Kind == f.Kind && before.Code == f.Code:
		if now.Sub(s.status.loggedAt) < accountReminder {
			return func() {}
		}
		msg = "Account project list still failing, keeping the known projects"
	}
	s.status.loggedAt = now
	name, projects := s.config.Name, len(s.projects())
	return func() { level.Error(logger).Log("msg", msg, "account", name, "err", f, "projects", projects) }
}

// logChanges logs what a poll that succeeded has changed.
func (s accountState) logChanges(logger log.Logger, before accountState) {
	projects, known := s.projects(), before.projects()
	first := before.status.listedAt.IsZero()
	logger = log.With(logger, "account", s.config.Name, "projects", len(projects))
	added, removed := difference(projects, known), difference(known, projects)
	if first || len(added)+len(removed) > 0 {
		level.Info(logger).Log("msg", "Account projects listed", "visible", len(s.status.visible),
			"added", strings.Join(added, " "), "removed", strings.Join(removed, " "))
	}
	if len(projects) == 0 && (first || len(known) > 0) {
		level.Warn(logger).Log("msg", "Account has no project to export; check its filters regions and projects, and the permissions of its key")
	}
}

// difference returns the names of the projects that are in a and not in b.
func difference(a, b []config.Project) []string {
	var names []string
	for _, p := range a {
		if !slices.ContainsFunc(b, func(o config.Project) bool { return o.Name == p.Name && o.ProjectID == p.ProjectID }) {
			names = append(names, p.Name)
		}
	}
	return names
}

// projects returns the projects to export: selected by the configuration,
// enabled, and in a region with Workspace. They are sorted by name.
func (s accountState) projects() []config.Project {
	var projects []config.Project
	for _, p := range s.status.visible {
		if p.Enabled && s.config.Selects(p.Region, p.Name) && (s.config.Endpoints[p.Region] != "" || workspace.KnownRegion(p.Region)) {
			projects = append(projects, s.config.Project(p.Region, p.Name, p.ID))
		}
	}
	slices.SortFunc(projects, func(x, y config.Project) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ProjectID, y.ProjectID))
	})
	// A name identifies a target. IAM guarantees that it is unique.
	return slices.CompactFunc(projects, func(x, y config.Project) bool { return x.Name == y.Name })
}

// asFailure converts an error of an account's client.
func asFailure(err error) *inventory.Failure {
	if f, ok := errors.AsType[*inventory.Failure](err); ok {
		return f
	}
	return &inventory.Failure{Kind: inventory.Transient, Operation: inventory.KeystoneListAuthProjects, Detail: "no response", Cause: err}
}

// unavailableSource is the source of an account whose projects are unknown. All
// methods return the failure of the account's last poll.
type unavailableSource struct {
	failure *atomic.Pointer[inventory.Failure]
}

func (s unavailableSource) err() error {
	if f := s.failure.Load(); f != nil {
		return f
	}
	// The account has just recovered, and its projects will replace this source.
	return &inventory.Failure{Kind: inventory.Transient, Operation: inventory.KeystoneListAuthProjects, Detail: "the project list has just succeeded"}
}

// ResolveProject implements refresh.Source.
func (s unavailableSource) ResolveProject(context.Context) (inventory.Project, error) {
	return inventory.Project{}, s.err()
}

// ListDesktops implements refresh.Source.
func (s unavailableSource) ListDesktops(context.Context) ([]inventory.Desktop, error) {
	return nil, s.err()
}

// ListEIPBindings implements refresh.Source.
func (s unavailableSource) ListEIPBindings(context.Context) (inventory.EIPBindings, error) {
	return nil, s.err()
}

// ReadNetworks implements refresh.Source.
func (s unavailableSource) ReadNetworks(context.Context, []string, bool) (inventory.NetworksResult, error) {
	return inventory.NetworksResult{}, s.err()
}
