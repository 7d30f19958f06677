// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// ProjectClient requests the desktops of one project. It is safe for concurrent
// use.
type ProjectClient struct {
	client         *Client
	cfg            config.Project
	optionalFields decode.OptionalFields
	api            *endpointClient
	iam            *endpointClient
	release        func()

	resolving   chan struct{} // semaphore: one goroutine resolves the project ID
	splitBudget callBudget

	mu        sync.Mutex
	id        string       // project ID; "" until it is resolved
	lastPages int          // number of pages of the last list
	pending   *pendingList // interrupted list, or nil
}

// Project returns a client of a configured project. It sends no request. Tags
// and users of desktops are decoded only if they are wanted.
func (c *Client) Project(cfg config.Project, wantTags, wantUsers bool) (*ProjectClient, error) {
	endpoint, err := endpointOf(cfg.Region, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	iam := iamEndpoint(cfg.Region, cfg.IAMEndpoint, c.getenv)
	connection, err := c.connect(&cfg.Credentials, cfg.HTTP, iam, cfg.IAMEndpoint)
	if err != nil {
		return nil, err
	}
	p := &ProjectClient{
		client:         c,
		cfg:            cfg,
		optionalFields: decode.OptionalFields{Tags: wantTags, Users: wantUsers},
		release:        connection.release,
		id:             cfg.ProjectID,
		resolving:      make(chan struct{}, 1),
		splitBudget:    callBudget{now: c.now, limit: maxSplits},
	}
	o := endpointOptions{endpoint: iam, connection: connection, limits: cfg.Limits, region: cfg.Region, name: cfg.Name}
	p.iam = c.newEndpointClient(o)
	o.endpoint, o.tenant = endpoint, p
	p.api = c.newEndpointClient(o)
	return p, nil
}

// Close releases the connections and credentials that projects share.
func (p *ProjectClient) Close() { p.release() }

// ResolveProject returns the project. If the configuration has no project ID, it
// requests the ID from IAM and caches it.
func (p *ProjectClient) ResolveProject(ctx context.Context) (inventory.Project, error) {
	id, err := p.projectID(ctx)
	return inventory.Project{Name: p.cfg.Name, Region: p.cfg.Region, ID: id}, err
}

func (p *ProjectClient) projectID(ctx context.Context) (string, error) {
	if id := p.cachedID(); id != "" {
		return id, nil
	}
	select {
	case p.resolving <- struct{}{}: // the others wait, and then use the cached ID
		defer func() { <-p.resolving }()
	case <-ctx.Done():
		return "", apierror.FromTransport(inventory.KeystoneListProjects, hostOf(p.iam.sdk.endpoint), ctx.Err())
	}
	if id := p.cachedID(); id != "" {
		return id, nil
	}
	projects, err := p.client.listIAMProjects(ctx, p.iam, listProjects, p.cfg.Region)
	if err != nil {
		return "", err
	}
	// IAM may also return projects whose name only contains the requested one.
	projects = slices.DeleteFunc(projects, func(project IAMProject) bool { return project.Name != p.cfg.Region })
	if len(projects) != 1 {
		return "", &inventory.Failure{
			Kind:      inventory.Misconfigured,
			Operation: inventory.KeystoneListProjects,
			Detail:    fmt.Sprintf("IAM has %d projects with the name %s", len(projects), p.cfg.Region),
			Hint:      "set project_id",
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id = projects[0].ID
	return p.id, nil
}

func (p *ProjectClient) cachedID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

// do sends a request to Workspace, after resolving the project ID.
func (p *ProjectClient) do(ctx context.Context, r *request) error {
	id, err := p.projectID(ctx)
	if err != nil {
		return err
	}
	r.projectID = id
	return p.api.do(ctx, r)
}

// decodeInto returns a decoder for a response body that stores the value in
// target, and reports what was dropped from the response.
func decodeInto[T any](c *Client, target *T, decodeBody func(body []byte) (T, decode.Counts, error)) func(body []byte) error {
	return func(body []byte) error {
		value, counts, err := decodeBody(body)
		*target = value
		c.report(counts)
		return err
	}
}
