// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"maps"
	"reflect"
	"slices"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/exposition"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/policy"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

// runtime is all that one configuration needs. It is immutable once it is in
// force: a reload, and an account whose projects change, make a new one.
type runtime struct {
	config     *config.Config                      // nil: nothing was loaded yet
	reloadErr  error                               // of the last reload; the configuration is older
	accounts   []accountState                      // in the order of the configuration
	clients    map[string]*workspace.ProjectClient // by target key
	observers  map[string]*changes.Observer        // by target key
	targets    []refresh.Target
	webhook    webhookTarget
	exposition *exposition.Encoder
	unverified []string // names of what connects without TLS verification

	// closers close what was opened for the runtime or one before it. A closer
	// that two runtimes have under the same key closes the same thing.
	closers map[string]func()
	// newUnverified lists what connects without TLS verification and did not in the
	// runtime before, as fields of the log.
	newUnverified [][]any
}

// builder builds the runtime of a configuration. What did not change is taken
// over from the old runtime, everything else is opened.
type builder struct {
	*services
	old, next *runtime
	projects  map[[2]string]bool // by region and project ID
}

// build returns the runtime of a configuration beside the old one, which it
// leaves as it is. On an error all that was opened is closed again.
func (s *services) build(old *runtime, c *config.Config) (*runtime, error) {
	b := &builder{
		services: s, old: old, projects: map[[2]string]bool{},
		next: &runtime{
			config: c, clients: map[string]*workspace.ProjectClient{}, observers: map[string]*changes.Observer{}, closers: map[string]func(){},
		},
	}
	for _, step := range []func() error{b.openAccounts, b.openWebhook, b.addTargets} {
		if err := step(); err != nil {
			closeUnused(b.next, old)
			return nil, err
		}
	}
	b.next.exposition = b.buildExposition()
	return b.next, nil
}

// closeUnused closes what a runtime has opened and another one does not use.
func closeUnused(r, other *runtime) {
	for key, closer := range r.closers {
		if _, used := other.closers[key]; !used {
			closer()
		}
	}
}

// reuse adopts what the old runtime opened under a key, and reports whether
// there is something.
func (b *builder) reuse(key string) bool {
	closer, ok := b.old.closers[key]
	if ok {
		b.next.closers[key] = closer
	}
	return ok
}

// opened registers what was opened under a key.
func (b *builder) opened(key string, closer func()) { b.next.closers[key] = closer }

// buildExposition returns the old exposition, with its cache, if the metrics and
// policies are the same.
func (b *builder) buildExposition() *exposition.Encoder {
	c := b.next.config
	if before := b.old.config; before != nil && reflect.DeepEqual(before.Metrics, c.Metrics) && reflect.DeepEqual(before.Policies, c.Policies) {
		return b.old.exposition
	}
	return exposition.NewEncoder(exposition.Options{
		Metrics: collector.Options{
			Disable: c.Metrics.Disable, Tags: c.Metrics.Tags, Users: c.Metrics.Users,
			Policies: len(c.Policies), Expect: policy.EIPExpectation(c.Policies), Changes: b.history.Count,
		},
		Dropped: b.telemetry.Dropped,
		Logger:  b.logger,
	})
}

// withAccount returns a copy of the runtime in which one account has another
// state.
func (r *runtime) withAccount(i int, status accountStatus) *runtime {
	updated := *r
	updated.newUnverified = nil
	updated.accounts = slices.Clone(r.accounts)
	updated.accounts[i].status = status
	return &updated
}

func (r *runtime) allObservers() []*changes.Observer {
	return slices.Collect(maps.Values(r.observers))
}

// logUnverified logs what connects without TLS verification and did not before.
func (r *runtime) logUnverified(logger log.Logger) {
	for _, fields := range r.newUnverified {
		level.Warn(logger).Log(append([]any{"msg", "TLS certificate verification is disabled; connections can be intercepted"}, fields...)...)
	}
}
