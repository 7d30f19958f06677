// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const (
	// filtered selects the network interfaces that match all filters but the status.
	//
	// A selected group or status excludes desktops without one, but "All" must not:
	// its matcher ".*" also matches an absent label, so the series of the interfaces
	// and desktops themselves are included.
	filtered = networkInfoMetric + `{` + selectNetworks + `, eip_address=~"$eip", eip_address=~".*$public.*", private_ip=~".*$private.*", desktop_name=~"(?i).*$name.*"}
and on (region, project_id, port_id)
{__name__=~"` + networkInfoMetric + `|` + groupInfoMetric + `", ` + selectProjects + `, security_group_name=~"$group"}`

	// matching selects those that match all filters, for counting.
	matching = filtered + `
and on (` + byDesktop + `)
{__name__=~"` + statusMetric + `|` + desktopInfoMetric + `", ` + selectProjects + `, status=~"$status"}`

	// listed selects the same, one series each, with the labels of the table.
	listed = `max by (` + byDesktop + `, desktop_name, port_id, private_ip, vpc_name, subnet_name, eip_address) (
` + filtered + `
)
* on (` + byDesktop + `) group_left (status)
topk by (` + byDesktop + `) (1,
  ` + statusMetric + `{` + selectProjects + `, status=~"$status"}
  or on (` + byDesktop + `)
  ` + desktopInfoMetric + `{` + selectProjects + `, status=~"$status"}
)`
)

// inventory returns the dashboard that lists every network interface.
func inventory() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidInventory, title: "Huawei Cloud Workspace / Inventory", from: "now-1h",
		description: "Every network interface of every desktop with VPC, subnet, addresses, EIP and security groups. Filter, search, and open one desktop.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasources(), regions(), projects(), vpcs(), subnets(), groups(), statuses(),
			customVariable("eip", "EIP", "Interfaces with an EIP, without one, or all.", "All", ".*", "With EIP", ".+", "Without EIP", "^$"),
			textBoxVariable("name", "Name contains", "Part of the desktop's name, case-insensitive."),
			textBoxVariable("private", "Private IP contains", "Part of the private address."),
			textBoxVariable("public", "EIP contains", "Part of the EIP."),
			customVariable("rows", "Maximum rows", "More rows slow down the browser; use filters.", "10000", "10000", "1000", "1000", "100000", "100000"),
		},
		rows: []row{
			{"Selection", []panel{
				statPanel(panel{
					title: "Interfaces", unit: "none", width: 6, height: 3,
					description: "Network interfaces that match the filters. The table shows at most the number selected above.",
					queries:     []query{{expr: "count(group by (" + byDesktop + ", port_id, private_ip) (" + matching + ")) or vector(0)"}},
				}),
				statPanel(panel{
					title: "Desktops", unit: "none", width: 6, height: 3,
					description: "Desktops with at least one of these interfaces.",
					queries:     []query{{expr: "count(group by (" + byDesktop + ") (" + matching + ")) or vector(0)"}},
				}),
				resizeForInventory(oldestData()),
				resizeForInventory(failingProjects()),
			}},
			{"Network interfaces", []panel{interfaceTable()}},
		},
	}.build()
}

// resizeForInventory returns a panel in the size of the inventory's first row.
func resizeForInventory(p panel) panel {
	p.width, p.height = 6, 3
	return p
}

func interfaceTable() panel {
	const list = "security_group_name (uniqueValues)"
	return tablePanel(
		panel{
			title: "Network interfaces", unit: "none", width: 24, height: 22,
			description: "One row per network interface. Each column can be filtered and sorted; the name links to the desktop's dashboard.",
			queries: []query{
				{expr: withProject("topk($rows, " + listed + ")")},
				{expr: "max by (port_id, security_group_name) (" + groupInfoMetric + "{" + selectProjects + "} and on (region, project_id, port_id) " + networkInfoMetric + "{" + selectNetworks + "})"},
			},
			// The groups of an interface become one cell, and then a column of its row.
			// The second query has fewer filters; interfaces that only it returns are
			// removed.
			transformations: []dashboard.DataTransformerConfig{
				{
					Id: "groupBy", Filter: &dashboard.MatcherConfig{Id: "byRefId", Options: "B"},
					Options: map[string]any{"fields": map[string]any{
						"port_id":             map[string]any{"operation": "groupby", "aggregations": []string{}},
						"security_group_name": map[string]any{"operation": "aggregate", "aggregations": []string{"uniqueValues"}},
					}},
				},
				{Id: "joinByField", Options: map[string]any{"byField": "port_id", "mode": "outer"}},
				{Id: "filterByValue", Options: map[string]any{"type": "exclude", "match": "any", "filters": []map[string]any{
					{"fieldName": "desktop_id", "config": map[string]any{"id": "isNull", "options": map[string]any{}}},
				}}},
			},
		}, "Desktop",
		linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
		statusColumn(),
		column{field: "project", title: "Project", width: 140},
		column{field: "vpc_name", title: "VPC", width: 120},
		column{field: "subnet_name", title: "Subnet", width: 160},
		column{field: "private_ip", title: "Private IP", width: 130},
		column{field: "eip_address", title: "EIP", width: 130},
		column{field: list, title: "Security groups"},
		column{field: "desktop_id", title: desktopID, width: 110},
		column{field: "port_id", title: "Port ID", width: 110},
	)
}

// statusColumn colours the statuses that the API documents.
func statusColumn() column {
	return column{field: "status", title: "Status", width: 120, mappings: []dashboard.ValueMapping{
		valueMapping("ACTIVE", "ACTIVE", "green"), valueMapping("SHUTOFF", "SHUTOFF", "text"),
		valueMapping("HIBERNATED", "HIBERNATED", "blue"), valueMapping("ERROR", "ERROR", "red"),
	}}
}
