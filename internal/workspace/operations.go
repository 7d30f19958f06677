// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"net/http"
	"slices"
	"strings"

	sdk "github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/def"
	v2 "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The API's limits of one request.
const (
	maxPage  = 1000 // desktops in a page
	maxBatch = 100  // IDs in a request for networks
)

// listDesktops lists one page of the desktops that a filter selects.
func listDesktops(filter *config.Desktops, offset, limit int) operation {
	return operation{inventory.ListDesktops, func(c *sdk.HcHttpClient) error {
		offset32, limit32 := int32(offset), int32(limit)
		_, err := v2.NewWorkspaceClient(c).ListDesktops(&model.ListDesktopsRequest{
			Offset:              &offset32,
			Limit:               &limit32,
			PoolId:              optional(strings.Join(filter.PoolIDs, ",")),
			EnterpriseProjectId: optional(filter.EnterpriseProjectID),
			SubnetId:            optional(filter.SubnetID),
			Status:              optional(filter.Status),
			Tag:                 optional(tagFilter(filter.Tags)),
		})
		return err
	}}
}

// tagFilter encodes tags for the API, in a fixed order.
func tagFilter(tags map[string]string) string {
	pairs := make([]string, 0, len(tags))
	for k, v := range tags {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// showNetworks returns the networks of up to maxBatch desktops.
func showNetworks(ids []string) operation {
	return operation{inventory.ShowDesktopNetworks, func(c *sdk.HcHttpClient) error {
		_, err := v2.NewWorkspaceClient(c).ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &ids})
		return err
	}}
}

// listEIPBindings lists all EIPs from offset on that are bound to desktops.
// Without a limit, the API returns them in one response.
func listEIPBindings(filter *config.Desktops, offset int) operation {
	return operation{inventory.ListDesktopsEips, func(c *sdk.HcHttpClient) error {
		var offset32 *int32
		if offset > 0 {
			offset32 = new(int32)
			*offset32 = int32(offset)
		}
		_, err := v2.NewWorkspaceClient(c).ListDesktopsEips(&model.ListDesktopsEipsRequest{
			State:               optional("bind"),
			Offset:              offset32,
			EnterpriseProjectId: optional(filter.EnterpriseProjectID),
		})
		return err
	}}
}

// projectQuery is the query of a request to IAM for projects: their name, and the
// parameters of a link to a further page.
type projectQuery struct {
	Name    *string `json:"name,omitempty"`
	Page    *string `json:"page,omitempty"`
	PerPage *string `json:"per_page,omitempty"`
	Marker  *string `json:"marker,omitempty"`
	Offset  *string `json:"offset,omitempty"`
	Limit   *string `json:"limit,omitempty"`
}

// listProjects lists the projects of the account. The SDK's method for it panics
// if the response has no projects.
func listProjects(q *projectQuery) operation {
	return operation{inventory.KeystoneListProjects, func(c *sdk.HcHttpClient) error { return getProjects(c, "/v3/projects", q) }}
}

// listAuthProjects lists the projects that the user of the key has access to.
func listAuthProjects(q *projectQuery) operation {
	return operation{inventory.KeystoneListAuthProjects, func(c *sdk.HcHttpClient) error { return getProjects(c, "/v3/auth/projects", q) }}
}

func getProjects(c *sdk.HcHttpClient, path string, q *projectQuery) error {
	type response struct {
		HttpStatusCode int //nolint:revive // the SDK sets the field by this name
	}
	request := def.NewHttpRequestDefBuilder().WithMethod(http.MethodGet).WithPath(path).WithResponse(new(response))
	for _, f := range [...][2]string{
		{"Name", "name"}, {"Page", "page"}, {"PerPage", "per_page"}, {"Marker", "marker"}, {"Offset", "offset"}, {"Limit", "limit"},
	} {
		request.WithRequestField(def.NewFieldDef().WithName(f[0]).WithJsonTag(f[1]).WithLocationType(def.Query))
	}
	_, err := c.Sync(q, request.Build())
	return err
}

// optional returns an optional parameter: none for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
