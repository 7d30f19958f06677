// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// datasource is the Prometheus that is chosen on top of each dashboard.
func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// queryVariable is a variable that a query fills.
type queryVariable struct {
	name, label, description string
	query, regex             string
	single                   bool // to be chosen, and not several or all
}

// build makes a variable of a choice. "All" is no list of everything there is,
// but what matches anything, an absent label too: so a filter that nobody has
// set costs nothing and leaves nothing out.
func (c queryVariable) build() cog.Builder[dashboard.VariableModel] {
	v := dashboard.NewQueryVariableBuilder(c.name).
		Label(c.label).
		Description(c.description).
		Datasource(datasource()).
		Query(dashboard.StringOrMap{Map: map[string]any{"qryType": 3, "query": c.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}}).
		Definition(c.query).
		Regex(c.regex).
		Sort(dashboard.VariableSortNaturalAsc).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged)
	if c.single {
		return v.Refresh(dashboard.VariableRefreshOnDashboardLoad)
	}
	all := dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}
	return v.Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value:    all,
	})
}

// The variables that dashboards share. People choose by name, and ids are what
// is chosen: names may be double and may change.
func datasources() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").
		Description("The Prometheus that scrapes the exporter.").
		Type("prometheus")
}

func regions() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "region", label: "Region", description: "Regions of the cloud.",
		query: `query_result(group by (region) (huaweicloud_workspace_project_info))`,
		regex: `/region="(?<value>[^"]+)"/`,
	}.build()
}

func projects() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "project", label: "Project", description: "Projects, by their names in the exporter's configuration.",
		query: `query_result(group by (project, project_id) (huaweicloud_workspace_project_info{region=~"$region"}))`,
		regex: `/project="(?<text>[^"]*)".*project_id="(?<value>[^"]+)"/`,
	}.build()
}

func vpcs() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "vpc", label: "VPC", description: "VPCs that desktops are in.",
		query: `query_result(label_join(group by (vpc_id, vpc_name, vpc_cidr) (huaweicloud_workspace_vpc_info{` + selectProjects + `}), "shown", " ", "vpc_name", "vpc_cidr"))`,
		regex: `/shown="(?<text>[^"]*)".*vpc_id="(?<value>[^"]+)"/`,
	}.build()
}

func subnets() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "subnet", label: "Subnet", description: "Subnets of the chosen VPCs that desktops are in.",
		query: `query_result(label_join(group by (subnet_id, subnet_name, subnet_cidr) (huaweicloud_workspace_subnet_info{` + selectProjects + `, vpc_id=~"$vpc"}), "shown", " ", "subnet_name", "subnet_cidr"))`,
		regex: `/shown="(?<text>[^"]*)".*subnet_id="(?<value>[^"]+)"/`,
	}.build()
}

func groups() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "group", label: "Security group", description: "Names of security groups that desktops are in.",
		query: `query_result(group by (security_group_name) (huaweicloud_workspace_security_group_info{` + selectProjects + `}))`,
		regex: `/security_group_name="(?<value>[^"]+)"/`,
	}.build()
}

func statuses() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "status", label: "Status", description: "Statuses that desktops have now.",
		query: `query_result(group by (status) (huaweicloud_workspace_desktop_status{` + selectProjects + `}))`,
		regex: `/status="(?<value>[^"]+)"/`,
	}.build()
}

// textBoxVariable is a box to type a text into.
func textBoxVariable(name, label, description string) cog.Builder[dashboard.VariableModel] {
	return dashboard.NewTextBoxVariableBuilder(name).Label(label).Description(description).
		DefaultValue(dashboard.StringOrMap{String: new("")}).
		Current(variableOption("", "")).
		Options([]dashboard.VariableOption{variableOption("", "")})
}

// customVariable is a variable with a few fixed values: texts and values in turn. The
// first one is chosen.
func customVariable(name, label, description string, textsAndValues ...string) cog.Builder[dashboard.VariableModel] {
	query := ""
	var options []dashboard.VariableOption
	for i := 0; i < len(textsAndValues); i += 2 {
		if i > 0 {
			query += ", "
		}
		query += textsAndValues[i] + " : " + textsAndValues[i+1]
		o := variableOption(textsAndValues[i], textsAndValues[i+1])
		o.Selected = new(i == 0)
		options = append(options, o)
	}
	return dashboard.NewCustomVariableBuilder(name).Label(label).Description(description).
		Values(dashboard.StringOrMap{String: &query}).Options(options).Current(options[0])
}

func variableOption(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{String: &text},
		Value:    dashboard.StringOrArrayOfString{String: &value},
	}
}
