// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// IAMProject is a project in a response of IAM.
type IAMProject = decode.IAMProject

// listIAMProjects sends a request to IAM that returns projects.
func (c *Client) listIAMProjects(ctx context.Context, iam *endpointClient, op operation) ([]IAMProject, error) {
	var projects []IAMProject
	err := iam.do(ctx, &request{operation: op, urgent: true, decode: decodeInto(c, &projects, decode.Projects)})
	return projects, err
}

// AccountClient lists the projects that a key has access to.
type AccountClient struct {
	client  *Client
	iam     *endpointClient
	release func()
}

// Account returns a client of a configured account. It sends nothing.
func (c *Client) Account(cfg config.Account) (*AccountClient, error) {
	iam := iamEndpoint("", cfg.IAMEndpoint, c.getenv)
	connection, err := c.connect(&cfg.Credentials, cfg.HTTP, iam, cfg.IAMEndpoint)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", cfg.Name, err)
	}
	return &AccountClient{
		client:  c,
		iam:     c.newEndpointClient(endpointOptions{endpoint: iam, connection: connection, limits: cfg.Limits, name: cfg.Name}),
		release: connection.release,
	}, nil
}

// Close releases what the account shares with others.
func (a *AccountClient) Close() { a.release() }

// Projects returns all projects that the key has access to. It neither selects
// projects nor checks whether Workspace is available in their region.
func (a *AccountClient) Projects(ctx context.Context) ([]IAMProject, error) {
	projects, err := a.client.listIAMProjects(ctx, a.iam, listAuthProjects())
	var f *inventory.Failure
	if errors.As(err, &f) && (f.Kind == inventory.Denied || f.Kind == inventory.Refused || f.Kind == inventory.Misconfigured) {
		// Where IAM lacks this operation, list all projects of the account.
		if all, err := a.client.listIAMProjects(ctx, a.iam, listProjects("")); err == nil {
			return all, nil
		}
	}
	return projects, err
}
