// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// IAMProject is a project in a response of IAM.
type IAMProject = decode.IAMProject

// maxProjectPages limits the requests for one list of projects.
const maxProjectPages = 100

// listIAMProjects returns the projects of a name, or with "" all, from the
// response of IAM and the further pages that it links to. A list that may lack
// projects is a *inventory.Failure of kind Incomplete.
func (c *Client) listIAMProjects(ctx context.Context, iam *endpointClient, list func(*projectQuery) operation, name string) ([]IAMProject, error) {
	var projects []IAMProject
	query, size := &projectQuery{Name: optional(name)}, 0
	followed := map[string]bool{}
	for {
		var page decode.ProjectPage
		op := list(query)
		if err := iam.do(ctx, &request{operation: op, urgent: true, decode: decodeInto(c, &page, decode.Projects)}); err != nil {
			return nil, err
		}
		projects = append(projects, page.Projects...)
		size += page.Size
		detail := ""
		switch {
		case page.Unreadable:
			detail = "total_count, links or truncated is unreadable"
		case page.Next == "" && page.Truncated:
			detail = "the list is truncated without a link to the next page"
		case page.Next == "" && page.Total > size:
			detail = fmt.Sprintf("%d projects read, total_count is %d", size, page.Total)
		case page.Next == "" && size > 0 && len(projects) == 0:
			detail = "no element of the list is readable"
		case page.Next == "":
			return projects, nil
		case followed[page.Next] || len(followed) == maxProjectPages:
			detail = "the links to the next page do not end"
		default:
			followed[page.Next] = true
			if query = nextProjects(page.Next, name); query == nil {
				detail = "the link to the next page is unreadable"
			}
		}
		if detail != "" {
			return nil, incomplete(op.name, detail)
		}
	}
}

// nextProjects returns the query of a link to the next page, or nil if the link
// has no parameter of a page. Only the parameters are used: a signed request must
// not go to a host or path that a response contains.
func nextProjects(link, name string) *projectQuery {
	u, err := url.Parse(link)
	if err != nil {
		return nil
	}
	v := u.Query()
	q := &projectQuery{
		Name: optional(name), Page: optional(v.Get("page")), PerPage: optional(v.Get("per_page")),
		Marker: optional(v.Get("marker")), Offset: optional(v.Get("offset")), Limit: optional(v.Get("limit")),
	}
	if q.Page == nil && q.Marker == nil && q.Offset == nil {
		return nil
	}
	return q
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
// projects nor checks whether Workspace is available in their region. An empty list,
// which IAM does not count, is read twice.
func (a *AccountClient) Projects(ctx context.Context) ([]IAMProject, error) {
	projects, err := a.client.listIAMProjects(ctx, a.iam, listAuthProjects, "")
	if err == nil && len(projects) == 0 {
		projects, err = a.client.listIAMProjects(ctx, a.iam, listAuthProjects, "")
	}
	var f *inventory.Failure
	if errors.As(err, &f) && (f.Kind == inventory.Denied || f.Kind == inventory.Refused || f.Kind == inventory.Misconfigured) {
		// Where IAM lacks this operation, list all projects of the account.
		if all, err := a.client.listIAMProjects(ctx, a.iam, listProjects, ""); err == nil {
			return all, nil
		}
	}
	return projects, err
}
