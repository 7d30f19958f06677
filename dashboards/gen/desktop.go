// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const (
	selectDesktop = `desktop_id="$desktop"`
	thisNetwork   = networkInfoMetric + `{` + selectDesktop + `}`
	thisGroups    = groupInfoMetric + `{` + selectDesktop + `}`
	desktopHeight = 3
)

// desktop returns the dashboard of one desktop and its history.
func desktop() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidDesktop, title: "Huawei Cloud Workspace / Desktop", from: "now-24h",
		description: "Current configuration of one desktop, and its history: EIPs, subnets, addresses, security groups, names and statuses.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasources(), regions(), projects(),
			textBoxVariable("name", "Name contains", "Filters the list of desktops by part of the name, case-insensitive."),
			queryVariable{
				name: "desktop", label: "Desktop", description: "One of the first thousand desktops that match the filters.", single: true,
				query: `query_result(topk(1000, group by (desktop_id, desktop_name) (` + desktopInfoMetric + `{` + selectProjects + `, desktop_name=~"(?i).*$name.*"})))`,
				regex: `/desktop_id="(?<value>[^"]+)".*desktop_name="(?<text>[^"]*)"/`,
			}.build(),
		},
		rows: []row{
			{"Now", desktopNow()},
			{"Configuration", desktopTables()},
			{"History", desktopHistory()},
		},
	}.build()
}

func desktopNow() []panel {
	return []panel{
		labelStat("desktop_name", "gone", panel{
			title: "Desktop", width: 6, height: desktopHeight,
			description: "Current name.",
			queries:     []query{{expr: `max by (desktop_name) (` + desktopInfoMetric + `{` + selectDesktop + `})`}},
		}),
		labelStat("status", "unknown", panel{
			title: "Status", width: 4, height: desktopHeight,
			description: "Current status. Only for projects whose desktops the exporter discovers.",
			queries:     []query{{expr: `max by (status) (` + statusMetric + `{` + selectDesktop + `})`}},
		}),
		statPanel(panel{
			title: "EIPs", unit: "none", width: 3, height: desktopHeight,
			description: "Number of bound EIPs. Unknown without network data.",
			queries:     []query{{expr: `max(` + eipsMetric + `{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "EIP policy", unit: "none", width: 3, height: desktopHeight,
			description: "Whether the policies in the exporter's configuration require or forbid an EIP. Without any policy, an EIP is required.",
			queries:     []query{{expr: `max(` + eipExpectedMetric + `{` + selectDesktop + `} or on (` + byDesktop + `) (1 + 0 * ` + eipsMetric + `{` + selectDesktop + `} unless on (region, project_id) ` + policiesMetric + ` > 0))`}},
			mappings:    []dashboard.ValueMapping{valueMapping("0", "forbidden", ""), valueMapping("1", "required", "")},
			noValue:     "optional",
		}),
		statPanel(panel{
			title: "Interfaces", unit: "none", width: 2, height: desktopHeight,
			description: "Number of network interfaces.",
			queries:     []query{{expr: `max(huaweicloud_workspace_desktop_network_interfaces{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "Groups", unit: "none", width: 2, height: desktopHeight,
			description: "Number of distinct security groups.",
			queries:     []query{{expr: `max(huaweicloud_workspace_desktop_security_groups{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "Age of project data", unit: "s", width: 4, height: desktopHeight,
			description: "Age of the oldest network data of the project; this desktop's data is not older.",
			queries:     []query{{expr: `time() - max(huaweicloud_workspace_oldest_data_timestamp_seconds and on (region, project_id) ` + desktopInfoMetric + `{` + selectDesktop + `})`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(900, "orange"), threshold(3600, "red")},
			noValue:     "unknown",
		}),
	}
}

func desktopTables() []panel {
	return []panel{
		tablePanel(
			panel{
				title: "Network interfaces", unit: "none", width: 24, height: 5,
				description: "Current interfaces, one per row.",
				queries:     []query{{expr: `max by (port_id, private_ip, vpc_id, vpc_name, vpc_cidr, subnet_id, subnet_name, subnet_cidr, eip_address, eip_id) (` + thisNetwork + `)`}},
			}, "Private IP",
			column{field: "private_ip", title: "Private IP", width: 130},
			column{field: "eip_address", title: "EIP", width: 130},
			column{field: "subnet_name", title: "Subnet"},
			column{field: "subnet_cidr", title: "Subnet CIDR", width: 130},
			column{field: "vpc_name", title: "VPC"},
			column{field: "vpc_cidr", title: "VPC CIDR", width: 130},
			column{field: "port_id", title: "Port ID"},
			column{field: "subnet_id", title: "Subnet ID"},
			column{field: "vpc_id", title: "VPC ID"},
			column{field: "eip_id", title: "EIP ID"},
		),
		tablePanel(
			panel{
				title: "Desktop", unit: "none", width: 24, height: 4,
				description: "Current data of the list of desktops.",
				queries: []query{{expr: `max by (region, desktop_ip, enterprise_project_id, pool_id, availability_zone, desktop_type, desktop_id, project) (` +
					desktopInfoMetric + `{` + selectDesktop + `} * on (region, project_id) group_left (project) topk by (region, project_id) (1, huaweicloud_workspace_project_info))`}},
			}, "Project",
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
			column{field: "availability_zone", title: "Zone"},
			column{field: "desktop_type", title: "Type"},
			column{field: "desktop_ip", title: "Listed IP"},
			column{field: "pool_id", title: "Pool ID"},
			column{field: "enterprise_project_id", title: "Enterprise project"},
			column{field: "desktop_id", title: desktopID},
		),
		tablePanel(
			panel{
				title: "Security groups", unit: "none", width: 16, height: 6,
				description: "Current security groups by interface.",
				queries:     []query{{expr: `max by (security_group_name, security_group_id, port_id) (` + thisGroups + `)`}},
			}, "Security group",
			column{field: "security_group_name", title: "Security group"},
			column{field: "security_group_id", title: "Group ID"},
			column{field: "port_id", title: "Port ID"},
		),
		tablePanel(
			panel{
				title: "Users", unit: "none", width: 8, height: 6, noValue: "not exported",
				description: "Assigned users. Only with metrics.users in the exporter's configuration, because they are personal data.",
				queries:     []query{{expr: `max by (user_name) (huaweicloud_workspace_desktop_user_info{` + selectDesktop + `})`}},
			}, "User",
			column{field: "user_name", title: "User"},
		),
	}
}

func desktopHistory() []panel {
	was := []dashboard.ValueMapping{valueMapping("1", "yes", "blue")}
	return []panel{
		stateTimelinePanel(panel{
			title: "EIPs", unit: "none", width: 24, height: 6,
			description: "Bound EIPs over time. A gap in all rows: no data.",
			mappings:    []dashboard.ValueMapping{valueMapping("1", "bound", "blue"), valueMapping("2", "without", "orange")},
			queries: []query{
				{expr: `max by (eip_address) (` + networkInfoMetric + `{` + selectDesktop + `, eip_address!=""})`, legend: "{{eip_address}}", overTime: true},
				{expr: `(max by (desktop_id) (` + eipsMetric + `{` + selectDesktop + `}) == 0) + 2`, legend: "no EIP", overTime: true},
			},
		}),
		stateTimelinePanel(panel{
			title: "Subnets and private addresses", unit: "none", width: 12, height: 6, mappings: was,
			description: "Subnets and private addresses of the interfaces over time.",
			queries:     []query{{expr: `max by (subnet_name, private_ip) (` + thisNetwork + `)`, legend: "{{subnet_name}} {{private_ip}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Security groups", unit: "none", width: 12, height: 6, mappings: was,
			description: "Security groups over time.",
			queries:     []query{{expr: `max by (security_group_name) (` + thisGroups + `)`, legend: "{{security_group_name}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Names", unit: "none", width: 12, height: 6, mappings: was,
			description: "Names over time.",
			queries:     []query{{expr: `max by (desktop_name) (` + desktopInfoMetric + `{` + selectDesktop + `})`, legend: "{{desktop_name}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Statuses", unit: "none", width: 12, height: 6, mappings: was,
			description: "Statuses over time.",
			queries:     []query{{expr: `max by (status) (` + statusMetric + `{` + selectDesktop + `})`, legend: "{{status}}", overTime: true}},
		}),
	}
}
