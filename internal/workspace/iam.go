// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// access is how an account is reached: the transport and the keys.
type access struct {
	transport http.RoundTripper
	keys      *keyring
	release   func()
}

// open makes ready to ask with these credentials over this network.
func (c *Cloud) open(cfg *config.Credentials, network config.HTTP, iam, iamFromConfig string) (*access, error) {
	transport, releaseTransport, err := c.transports.Get(network)
	if err != nil {
		return nil, err
	}
	keys, releaseKeys, err := c.keyring(cfg, &remote{
		api: transport, direct: c.direct, iam: iam, iamFromConfig: iamFromConfig,
		getenv: c.getenv, now: c.now, userAgent: c.userAgent,
	})
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

// iamEndpoint gives IAM's endpoint: as configured, by the SDK's environment
// variable, or by the region.
func iamEndpoint(region, configured string, getenv func(string) string) string {
	if configured != "" {
		return withScheme(configured)
	}
	if env := getenv(envIAM); env != "" {
		return withScheme(env)
	}
	switch region {
	case "eu-west-101": // the European cloud has a domain of its own
		return "https://iam.eu-west-101.myhuaweicloud.eu"
	case "cn-north-1", "cn-north-2", "cn-north-4", "cn-north-9", "cn-north-12", "cn-east-2", "cn-east-3", "cn-east-4",
		"cn-east-5", "cn-south-1", "cn-south-2", "cn-southwest-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
		"ap-southeast-4", "af-south-1", "sa-brazil-1", "la-south-2", "la-north-2", "na-mexico-1", "eu-west-0",
		"my-kualalumpur-1", "ru-moscow-1", "me-east-1", "ae-ad-1", "tr-west-1": // as the SDK's table
		return "https://iam." + region + ".myhuaweicloud.com"
	default:
		return "https://iam.myhuaweicloud.com"
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
