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

// The most that one call takes.
const (
	maxPage  = 1000 // desktops of a page
	maxBatch = 100  // IDs of a networks call
)

// listDesktops asks for one page of the desktops that the filter lets through.
func listDesktops(filter *config.Desktops, offset, limit int) operation {
	return operation{inventory.ListDesktops, func(c *sdk.HcHttpClient) error {
		first, most := int32(offset), int32(limit)
		_, err := v2.NewWorkspaceClient(c).ListDesktops(&model.ListDesktopsRequest{
			Offset:              &first,
			Limit:               &most,
			PoolId:              given(strings.Join(filter.PoolIDs, ",")),
			EnterpriseProjectId: given(filter.EnterpriseProjectID),
			SubnetId:            given(filter.SubnetID),
			Status:              given(filter.Status),
			Tag:                 given(tagFilter(filter.Tags)),
		})
		return err
	}}
}

// tagFilter writes tags in the API's way, always alike.
func tagFilter(tags map[string]string) string {
	pairs := make([]string, 0, len(tags))
	for k, v := range tags {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// showNetworks asks for the networks of up to maxBatch desktops.
func showNetworks(ids []string) operation {
	return operation{inventory.ShowDesktopNetworks, func(c *sdk.HcHttpClient) error {
		_, err := v2.NewWorkspaceClient(c).ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &ids})
		return err
	}}
}

// listBindings asks for all EIPs that are bound to desktops: without a limit
// the API gives them in one answer.
func listBindings(filter *config.Desktops) operation {
	return operation{inventory.ListDesktopsEips, func(c *sdk.HcHttpClient) error {
		_, err := v2.NewWorkspaceClient(c).ListDesktopsEips(&model.ListDesktopsEipsRequest{
			State:               given("bind"),
			EnterpriseProjectId: given(filter.EnterpriseProjectID),
		})
		return err
	}}
}

// listProjects asks IAM for the projects of this name, or for all of the
// account. The SDK's own way to ask panics where the answer has no projects.
func listProjects(name string) operation {
	return operation{inventory.KeystoneListProjects, func(c *sdk.HcHttpClient) error { return askIAM(c, "/v3/projects", name) }}
}

// listVisible asks IAM for the projects that the key's user may enter.
func listVisible() operation {
	return operation{inventory.KeystoneListAuthProjects, func(c *sdk.HcHttpClient) error { return askIAM(c, "/v3/auth/projects", "") }}
}

func askIAM(c *sdk.HcHttpClient, path, name string) error {
	type request struct {
		Name *string `json:"name,omitempty"`
	}
	type response struct {
		HttpStatusCode int //nolint:revive // the SDK sets the field by this name
	}
	_, err := c.Sync(&request{Name: given(name)}, def.NewHttpRequestDefBuilder().
		WithMethod(http.MethodGet).
		WithPath(path).
		WithResponse(new(response)).
		WithRequestField(def.NewFieldDef().WithName("Name").WithJsonTag("name").WithLocationType(def.Query)).
		Build())
	return err
}

// given makes an optional parameter of a text: none, if it is empty.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
