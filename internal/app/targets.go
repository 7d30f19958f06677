// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// targetKey identifies a project with all that its refresh engine depends on. A
// target whose key a reload does not change continues undisturbed.
func targetKey(c *config.Config, fingerprint string) string {
	return fmt.Sprintf("%s tags=%t users=%t refresh=%+v", fingerprint, c.NeedsTags(), c.Metrics.Users, c.Refresh)
}

// dataKey identifies what is read of a project: data with the same key stay
// valid over a reload that changes a key, a limit or a timeout. It is empty if
// IAM resolves the project's ID, since another access key may get another ID.
func dataKey(c *config.Config, p config.Project) string {
	if p.ProjectID == "" {
		return ""
	}
	return readKey(c, p, p.ProjectID)
}

// stateKey identifies a project in the state file. If IAM resolves the project's
// ID, the engine itself compares the ID with the saved one.
func stateKey(c *config.Config, p config.Project) string {
	return cmp.Or(dataKey(c, p), readKey(c, p, "by name "+p.Name))
}

func readKey(c *config.Config, p config.Project, project string) string {
	return fmt.Sprintf("%q %q %q tags=%t users=%t", p.Region, project, p.Desktops.Key(), c.NeedsTags(), c.Metrics.Users)
}

// addTargets adds the targets of the configured projects and of the accounts.
func (b *builder) addTargets() error {
	for i, p := range b.next.config.Projects {
		b.projects[[2]string{p.Region, p.ProjectID}] = true
		if err := b.addProject(p, false); err != nil {
			return fmt.Errorf("projects[%d]: %w", i, err)
		}
	}
	for _, acc := range b.next.accounts {
		projects := acc.projects()
		if len(projects) == 0 {
			b.addPlaceholder(acc)
		}
		for _, p := range projects {
			// A project that is configured itself, or that another account has as
			// well, must not be read twice.
			id := [2]string{p.Region, p.ProjectID}
			if b.projects[id] {
				continue
			}
			b.projects[id] = true
			if err := b.addProject(p, true); err != nil {
				return fmt.Errorf("account %s: project %s: %w", acc.config.Name, p.Name, err)
			}
		}
	}
	if b.next.config.Changes.Webhook.HTTP.TLS.InsecureSkipVerify {
		b.next.unverified = append(b.next.unverified, "changes.webhook")
	}
	return nil
}

// addProject adds the target of a project, whose client is opened unless the old
// runtime has it.
func (b *builder) addProject(p config.Project, optional bool) error {
	c := b.next.config
	key := targetKey(c, p.Fingerprint())
	client, observer := b.old.clients[key], b.old.observers[key]
	if !b.reuse("project " + key) {
		var err error
		if client, err = b.cloud.Project(p, c.NeedsTags(), c.Metrics.Users); err != nil {
			return err
		}
		b.opened("project "+key, client.Close)
		observer = b.history.Observer(p.Region, p.ProjectID, p.Desktops.Key())
		if p.HTTP.TLS.InsecureSkipVerify {
			b.warnUnverified("project", p.Name, "key", "http.tls_config.insecure_skip_verify")
		}
	}
	b.next.clients[key], b.next.observers[key] = client, observer
	if p.HTTP.TLS.InsecureSkipVerify {
		b.next.unverified = append(b.next.unverified, p.Name)
	}
	options := engineOptions(c, p, client, observer)
	options.Logger, options.State = b.logger, b.saver.pendingState(stateKey(c, p))
	b.next.targets = append(b.next.targets, refresh.Target{
		Key: key, Name: p.Name, DataKey: dataKey(c, p), StateKey: stateKey(c, p), Optional: optional,
		New: func() refresh.Options { return options },
	})
	return nil
}

// engineOptions returns the options of a project's refresh engine.
func engineOptions(c *config.Config, p config.Project, source refresh.Source, observer *changes.Observer) refresh.Options {
	return refresh.Options{
		Source:         source,
		Project:        inventory.Project{Name: p.Name, Region: p.Region, ID: p.ProjectID},
		Discovered:     len(p.Desktops.IDs) == 0,
		ReadEIPList:    p.EIPs,
		EIPListPartial: p.Desktops.EnterpriseProjectID != "", // an EIP may be of another one
		Concurrency:    p.Limits.Concurrency,
		Timeout:        time.Duration(c.Refresh.Timeout),
		MaxStaleness:   time.Duration(c.Refresh.MaxStaleness),
		MinInterval:    time.Duration(c.Refresh.MinInterval),
		OnSnapshot:     observer.Observe,
	}
}

// addPlaceholder adds a target that stands for an account without projects and
// is down while their list fails. The account's name is its project ID, so that
// two such accounts have series of their own.
func (b *builder) addPlaceholder(acc accountState) {
	if acc.config.HTTP.TLS.InsecureSkipVerify {
		b.next.unverified = append(b.next.unverified, acc.config.Name)
	}
	if acc.status.failure == nil {
		return
	}
	options := refresh.Options{
		Source:  unavailableSource{&acc.failure},
		Project: inventory.Project{Name: acc.config.Name, ID: acc.config.Name},
		Timeout: time.Duration(b.next.config.Refresh.Timeout),
		Logger:  log.NewNopLogger(), // the account itself logs its failures
	}
	b.next.targets = append(b.next.targets, refresh.Target{
		Key: "account " + acc.key, Name: acc.config.Name, New: func() refresh.Options { return options },
	})
}

func (b *builder) warnUnverified(fields ...any) {
	b.next.newUnverified = append(b.next.newUnverified, fields)
}
