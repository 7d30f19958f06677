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

// listEIPBindings lists all EIPs that are bound to desktops. Without a limit, the
// API returns them in one response.
func listEIPBindings(filter *config.Desktops) operation {
	return operation{inventory.ListDesktopsEips, func(c *sdk.HcHttpClient) error {
		_, err := v2.NewWorkspaceClient(c).ListDesktopsEips(&model.ListDesktopsEipsRequest{
			State:               optional("bind"),
			EnterpriseProjectId: optional(filter.EnterpriseProjectID),
		})
		return err
	}}
}

// listProjects lists the projects of a name, or with "" all of the account. The
// SDK's method for it panics if the response has no projects.
func listProjects(name string) operation {
	return operation{inventory.KeystoneListProjects, func(c *sdk.HcHttpClient) error { return getProjects(c, "/v3/projects", name) }}
}

// listAuthProjects lists the projects that the user of the key has access to.
func listAuthProjects() operation {
	return operation{inventory.KeystoneListAuthProjects, func(c *sdk.HcHttpClient) error { return getProjects(c, "/v3/auth/projects", "") }}
}

func getProjects(c *sdk.HcHttpClient, path, name string) error {
	type request struct {
		Name *string `json:"name,omitempty"`
	}
	type response struct {
		HttpStatusCode int //nolint:revive // the SDK sets the field by this name
	}
	_, err := c.Sync(&request{Name: optional(name)}, def.NewHttpRequestDefBuilder().
		WithMethod(http.MethodGet).
		WithPath(path).
		WithResponse(new(response)).
		WithRequestField(def.NewFieldDef().WithName("Name").WithJsonTag("name").WithLocationType(def.Query)).
		Build())
	return err
}

// optional returns an optional parameter: none for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
