// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// datasource returns the Prometheus data source selected at the top of each dashboard.
func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// queryVariable is a variable whose values come from a query.
type queryVariable struct {
	name, label, description string
	query, regex             string
	single                   bool // to be chosen, and not several or all
}

// build returns the variable. "All" is not the list of all values but a pattern
// that matches anything, also an absent label: an unset filter costs nothing and
// excludes nothing.
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

// The variables that dashboards share. They show names and select IDs, because
// names can be ambiguous and can change.
func datasources() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").
		Description("Prometheus server that scrapes the exporter.").
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
		name: "vpc", label: "VPC", description: "VPCs with desktops.",
		query: `query_result(label_join(group by (vpc_id, vpc_name, vpc_cidr) (huaweicloud_workspace_vpc_info{` + selectProjects + `}), "shown", " ", "vpc_name", "vpc_cidr"))`,
		regex: `/shown="(?<text>[^"]*)".*vpc_id="(?<value>[^"]+)"/`,
	}.build()
}

func subnets() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "subnet", label: "Subnet", description: "Subnets with desktops in the selected VPCs.",
		query: `query_result(label_join(group by (subnet_id, subnet_name, subnet_cidr) (huaweicloud_workspace_subnet_info{` + selectProjects + `, vpc_id=~"$vpc"}), "shown", " ", "subnet_name", "subnet_cidr"))`,
		regex: `/shown="(?<text>[^"]*)".*subnet_id="(?<value>[^"]+)"/`,
	}.build()
}

func groups() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "group", label: "Security group", description: "Names of security groups with desktops.",
		query: `query_result(group by (security_group_name) (huaweicloud_workspace_security_group_info{` + selectProjects + `}))`,
		regex: `/security_group_name="(?<value>[^"]+)"/`,
	}.build()
}

func statuses() cog.Builder[dashboard.VariableModel] {
	return queryVariable{
		name: "status", label: "Status", description: "Current statuses of desktops.",
		query: `query_result(group by (status) (huaweicloud_workspace_desktop_status{` + selectProjects + `}))`,
		regex: `/status="(?<value>[^"]+)"/`,
	}.build()
}

// textBoxVariable returns a variable with free text.
func textBoxVariable(name, label, description string) cog.Builder[dashboard.VariableModel] {
	return dashboard.NewTextBoxVariableBuilder(name).Label(label).Description(description).
		DefaultValue(dashboard.StringOrMap{String: new("")}).
		Current(variableOption("", "")).
		Options([]dashboard.VariableOption{variableOption("", "")})
}

// customVariable returns a variable with fixed values, given as alternating texts and
// values. The first one is the default.
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
