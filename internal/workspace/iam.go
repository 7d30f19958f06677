// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// access is how an account is reached: the transport and the keys.
type access struct {
	transport http.RoundTripper
	keys      *credentials.Cache
	release   func()
}

// open makes ready to ask with these credentials over this network.
func (c *Cloud) open(cfg *config.Credentials, network config.HTTP, iam, iamFromConfig string) (*access, error) {
	transport, releaseTransport, err := c.transports.Get(network)
	if err != nil {
		return nil, err
	}
	keys, releaseKeys, err := c.credentials.Get(cfg, credentials.IAM{Transport: transport, Endpoint: iam, Configured: iamFromConfig != ""})
	if err != nil {
		releaseTransport()
		return nil, err
	}
	return &access{transport, keys, func() {
		releaseKeys()
		releaseTransport()
	}}, nil
}

func (a *access) line(c *Cloud, limits config.Limits, endpoint string) line {
	return line{
		cloud: c,
		wire:  wire{transport: a.transport, endpoint: endpoint, userAgent: c.userAgent},
		keys:  a.keys,
		limit: limits.RequestsPerMinute,
	}
}

// IAMProject is a project as IAM lists it.
type IAMProject = decode.IAMProject

// projects asks IAM for projects.
func (l *line) projects(ctx context.Context, op operation) ([]IAMProject, error) {
	var projects []IAMProject
	err := l.ask(ctx, op, true, nil, func(body []byte) error {
		var counts decode.Counts
		var err error
		projects, counts, err = decode.Projects(body)
		l.cloud.report(counts)
		return err
	})
	return projects, err
}

// Account asks IAM which projects a key can see.
type Account struct {
	iam     line
	release func()
}

// Account makes the client of a configured account. It asks nothing yet.
func (c *Cloud) Account(cfg config.Account) (*Account, error) {
	iam := iamEndpoint("", cfg.IAMEndpoint, c.getenv)
	access, err := c.open(&cfg.Credentials, cfg.HTTP, iam, cfg.IAMEndpoint)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", cfg.Name, err)
	}
	a := &Account{iam: access.line(c, cfg.Limits, iam), release: access.release}
	a.iam.project = cfg.Name
	return a, nil
}

// Close ends the use of what the account shares with others.
func (a *Account) Close() { a.release() }

// Projects lists all projects that the key can see. Which of them to ask, and
// whether Workspace is in their region, is the caller's to decide.
func (a *Account) Projects(ctx context.Context) ([]IAMProject, error) {
	projects, err := a.iam.projects(ctx, listVisible())
	var f *inventory.Failure
	if errors.As(err, &f) && (f.Kind == inventory.Denied || f.Kind == inventory.Refused || f.Kind == inventory.Misconfigured) {
		// Where IAM lacks this call, the list of the whole account will do.
		if all, err := a.iam.projects(ctx, listProjects("")); err == nil {
			return all, nil
		}
	}
	return projects, err
}
