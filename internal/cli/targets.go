// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

// targetKey tells whether a project is still the same after a reload: it holds
// all that its engine depends on.
func targetKey(c *config.Config, key string) string {
	return fmt.Sprintf("%s tags=%t users=%t refresh=%+v", key, c.NeedsTags(), c.Metrics.Users, c.Refresh)
}

// lineage tells whether a changed project still reads the same: then what is
// known of it outlives a changed key, limit or timeout. Where IAM is asked for
// the ID, another key may find another project.
func lineage(c *config.Config, p config.Project) string {
	if p.ProjectID == "" {
		return ""
	}
	return reading(c, p, p.ProjectID)
}

// memoryKey tells whether a project is the same after a restart. Where IAM is
// asked for the ID, the engine sees for itself whether it finds another one.
func memoryKey(c *config.Config, p config.Project) string {
	return cmp.Or(lineage(c, p), reading(c, p, "by name "+p.Name))
}

// reading spells what is read of which project.
func reading(c *config.Config, p config.Project, which string) string {
	return fmt.Sprintf("%q %q %q tags=%t users=%t", p.Region, which, choice(p), c.NeedsTags(), c.Metrics.Users)
}

// choice names which desktops of a project are read: what happens to them is
// followed from reload to reload while it stays.
func choice(p config.Project) string { return p.Desktops.Key() }

// muster collects the targets of a configuration and the clients that they
// need, of which it makes those that are not there yet.
type muster struct {
	exporter   *exporter
	config     *config.Config
	targets    []refresh.Target
	clients    map[string]*workspace.ProjectClient
	observers  map[string]*changes.Observer
	made       []*workspace.ProjectClient
	known      map[[2]string]bool // by region and project ID
	unverified []string
}

// retarget makes the fleet follow a configuration and the projects of its
// accounts: what stays goes on undisturbed, what went is closed. The caller
// holds the lock.
func (x *exporter) retarget(c *config.Config, accounts []*account) error {
	m := &muster{
		exporter: x, config: c, clients: map[string]*workspace.ProjectClient{}, observers: map[string]*changes.Observer{},
		known: map[[2]string]bool{},
	}
	if err := m.all(accounts); err != nil {
		for _, client := range m.made {
			client.Close()
		}
		return err
	}
	x.fleet.SetTargets(m.targets)
	for key, client := range x.clients {
		if m.clients[key] == nil {
			client.Close()
		}
	}
	x.clients, x.observers, x.unverified = m.clients, m.observers, m.unverified
	x.history.Retain(slices.Collect(maps.Values(m.observers)))
	x.telemetry.Unverified(m.unverified)
	return nil
}

func (m *muster) all(accounts []*account) error {
	for i, p := range m.config.Projects {
		m.known[[2]string{p.Region, p.ProjectID}] = true
		if err := m.project(p, false); err != nil {
			return fmt.Errorf("projects[%d]: %w", i, err)
		}
	}
	for _, a := range accounts {
		projects := a.projects()
		if len(projects) == 0 {
			m.standIn(a)
		}
		for _, p := range projects {
			// Who is configured by itself, or comes with another account as
			// well, must not be read twice.
			id := [2]string{p.Region, p.ProjectID}
			if m.known[id] {
				continue
			}
			m.known[id] = true
			if err := m.project(p, true); err != nil {
				return fmt.Errorf("account %s: project %s: %w", a.config.Name, p.Name, err)
			}
		}
	}
	if m.config.Changes.Webhook.HTTP.TLS.InsecureSkipVerify {
		m.unverified = append(m.unverified, "changes.webhook")
	}
	return nil
}

func (m *muster) project(p config.Project, optional bool) error {
	x, c := m.exporter, m.config
	key := targetKey(c, p.Fingerprint())
	client := x.clients[key]
	if client == nil {
		var err error
		if client, err = x.cloud.Project(p, c.NeedsTags(), c.Metrics.Users); err != nil {
			return err
		}
		m.made = append(m.made, client)
	}
	m.clients[key] = client
	observer := x.observers[key]
	if observer == nil {
		observer = x.history.Observer(p.Region, p.ProjectID, choice(p))
	}
	m.observers[key] = observer
	if p.HTTP.TLS.InsecureSkipVerify {
		m.unverified = append(m.unverified, p.Name)
	}
	m.targets = append(m.targets, refresh.Target{
		Key: key, Name: p.Name, DataKey: lineage(c, p), StateKey: memoryKey(c, p), Optional: optional,
		New: func() refresh.Options { return x.engine(c, p, client, observer) },
	})
	return nil
}

// standIn lets an account that has no projects to show stand for itself: as a
// project that is down while the list fails. Its name takes the place of the
// ID, so that two such accounts stay apart.
func (m *muster) standIn(a *account) {
	if a.config.HTTP.TLS.InsecureSkipVerify {
		m.unverified = append(m.unverified, a.config.Name)
	}
	if a.failure.Load() == nil {
		return
	}
	m.targets = append(m.targets, refresh.Target{Key: "account " + a.key, Name: a.config.Name, New: func() refresh.Options {
		return refresh.Options{
			Source:  down{a},
			Project: inventory.Project{Name: a.config.Name, ID: a.config.Name},
			Timeout: time.Duration(m.config.Refresh.Timeout),
			Logger:  log.NewNopLogger(), // the account tells its news itself
		}
	}})
}

// engine makes what the engine of a project needs.
func (x *exporter) engine(c *config.Config, p config.Project, source refresh.Source, observer *changes.Observer) refresh.Options {
	if p.HTTP.TLS.InsecureSkipVerify {
		level.Warn(x.logger).Log("msg", "TLS certificates are not verified: whoever is in between can read and change everything",
			"project", p.Name, "key", "http.tls_config.insecure_skip_verify")
	}
	return refresh.Options{
		Source:         source,
		Project:        inventory.Project{Name: p.Name, Region: p.Region, ID: p.ProjectID},
		Discovered:     len(p.Desktops.IDs) == 0,
		ReadEIPList:    p.EIPs,
		EIPListPartial: p.Desktops.EnterpriseProjectID != "", // that of an EIP may be another one
		Concurrency:    p.Limits.Concurrency,
		Timeout:        time.Duration(c.Refresh.Timeout),
		MaxStaleness:   time.Duration(c.Refresh.MaxStaleness),
		MinInterval:    time.Duration(c.Refresh.MinInterval),
		Logger:         x.logger,
		State:          x.keeper.recall(memoryKey(c, p)),
		OnSnapshot:     observer.Observe,
	}
}
