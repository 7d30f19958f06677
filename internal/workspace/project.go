// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/region"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// Project asks the cloud about one project. Its methods may be called at once.
type Project struct {
	cloud   *Cloud
	cfg     config.Project
	want    decode.OptionalFields
	api     line
	iam     line
	release func()

	asking chan struct{} // held by who asks IAM for the ID
	spare  budget        // calls that the search for culprits may cost

	mu      sync.Mutex
	id      string       // "": not known yet
	pages   int          // of the last list
	reading *listReading // that was broken off; nil: none was
}

// Project makes the client of a configured project. It asks nothing yet.
// Tags and users of desktops are read only if they are wanted.
func (c *Cloud) Project(cfg config.Project, wantTags, wantUsers bool) (*Project, error) {
	endpoint, err := endpointOf(cfg.Region, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	iam := iamEndpoint(cfg.Region, cfg.IAMEndpoint, c.getenv)
	access, err := c.open(&cfg.Credentials, cfg.HTTP, iam, cfg.IAMEndpoint)
	if err != nil {
		return nil, err
	}
	p := &Project{
		cloud:   c,
		cfg:     cfg,
		want:    decode.OptionalFields{Tags: wantTags, Users: wantUsers},
		release: access.release,
		id:      cfg.ProjectID,
		asking:  make(chan struct{}, 1),
		spare:   budget{now: c.now, most: maxSplits},
	}
	p.api = access.line(c, cfg.Limits, endpoint)
	p.iam = access.line(c, cfg.Limits, iam)
	p.api.who, p.api.region, p.api.project = p, cfg.Region, cfg.Name
	p.iam.region, p.iam.project = cfg.Region, cfg.Name
	return p, nil
}

// KnownRegion says whether the SDK knows Workspace's endpoint in a region.
func KnownRegion(id string) bool { return regionEndpoint(id) != "" }

// regionLookup makes up for the lock that the SDK's cache of regions lacks.
var regionLookup sync.Mutex

// regionEndpoint gives the SDK's endpoint: its environment variables and its
// file of regions count, too.
func regionEndpoint(id string) string {
	regionLookup.Lock()
	defer regionLookup.Unlock()
	r, err := region.SafeValueOf(id)
	if err != nil || r == nil || len(r.Endpoints) == 0 {
		return ""
	}
	return r.Endpoints[0]
}

// endpointOf gives the endpoint that is configured, or the region's.
func endpointOf(regionID, configured string) (string, error) {
	if configured == "" {
		configured = regionEndpoint(regionID)
	}
	if configured == "" {
		return "", fmt.Errorf("region: the SDK knows no Workspace in %q; set endpoint", regionID)
	}
	endpoint := withScheme(configured)
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "":
		return "", errors.New("endpoint: not a URL")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		// The SDK would drop them without a word.
		return "", errors.New("endpoint: must be a scheme and a host alone")
	}
	return endpoint, nil
}

// Close ends the use of what the project shares with others.
func (p *Project) Close() { p.release() }

// ResolveProject names the project. Its ID is asked of IAM if the configuration
// leaves it open, until it is known.
func (p *Project) ResolveProject(ctx context.Context) (inventory.Project, error) {
	id := inventory.Project{Name: p.cfg.Name, Region: p.cfg.Region}
	var err error
	id.ID, err = p.projectID(ctx)
	return id, err
}

func (p *Project) projectID(ctx context.Context) (string, error) {
	if id := p.knownID(); id != "" {
		return id, nil
	}
	select {
	case p.asking <- struct{}{}: // one asks, the others wait for what it finds
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return "", p.iam.givenUp(opProjects, ctx.Err())
	}
	if id := p.knownID(); id != "" {
		return id, nil
	}
	projects, err := p.iam.projects(ctx, listProjects(p.cfg.Region))
	if err != nil {
		return "", err
	}
	// IAM may understand the name as a part of it.
	projects = slices.DeleteFunc(projects, func(x IAMProject) bool { return x.Name != p.cfg.Region })
	if len(projects) != 1 {
		return "", &inventory.Failure{
			Kind:      inventory.Misconfigured,
			Operation: opProjects,
			Detail:    fmt.Sprintf("IAM knows %d projects of the name %s", len(projects), p.cfg.Region),
			Hint:      "set project_id",
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id = projects[0].ID
	return p.id, nil
}

func (p *Project) knownID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

// line gives the line to Workspace, once the project's ID is known.
func (p *Project) line(ctx context.Context) (*line, error) {
	id, err := p.projectID(ctx)
	if err != nil {
		return nil, err
	}
	l := p.api
	l.wire.projectID = id
	return &l, nil
}

// ListEIPBindings reads which EIPs are bound to desktops, in one call.
func (p *Project) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	l, err := p.line(ctx)
	if err != nil {
		return nil, err
	}
	var bindings inventory.EIPBindings
	err = l.ask(ctx, listBindings(&p.cfg.Desktops), true, nil, func(body []byte) error {
		var counts decode.Counts
		var err error
		bindings, counts, err = decode.EIPBindings(body)
		p.cloud.report(counts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return bindings, nil
}
