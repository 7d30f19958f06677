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

// desktop answers: what is known of this desktop, and what happened to it?
func desktop() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidDesktop, title: "Huawei Cloud Workspace / Desktop", from: "now-24h",
		description: "All that is known of one desktop, and its history: when an EIP came and went, when it moved to another subnet, when it was renamed.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasources(), regions(), projects(),
			textBoxVariable("name", "Name has", "Narrows the list of desktops: a part of the name, in whatever case."),
			queryVariable{
				name: "desktop", label: "Desktop", description: "The desktop, out of the first thousand that the search finds.", single: true,
				query: `query_result(topk(1000, group by (desktop_id, desktop_name) (` + desktopInfoMetric + `{` + selectProjects + `, desktop_name=~"(?i).*$name.*"})))`,
				regex: `/desktop_id="(?<value>[^"]+)".*desktop_name="(?<text>[^"]*)"/`,
			}.build(),
		},
		rows: []row{
			{"Now", desktopNow()},
			{"What it has", desktopTables()},
			{"History", desktopHistory()},
		},
	}.build()
}

func desktopNow() []panel {
	return []panel{
		labelStat("desktop_name", "gone", panel{
			title: "Desktop", width: 6, height: desktopHeight,
			description: "The name that it has now.",
			queries:     []query{{expr: `max by (desktop_name) (` + desktopInfoMetric + `{` + selectDesktop + `})`}},
		}),
		labelStat("status", "unknown", panel{
			title: "Status", width: 4, height: desktopHeight,
			description: "The status that it has now. Only where the exporter discovers desktops.",
			queries:     []query{{expr: `max by (status) (` + statusMetric + `{` + selectDesktop + `})`}},
		}),
		statPanel(panel{
			title: "EIPs", unit: "none", width: 3, height: desktopHeight,
			description: "EIPs that are bound to it. Unknown while its networks are not known.",
			queries:     []query{{expr: `max(` + eipsMetric + `{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "EIP by policy", unit: "none", width: 3, height: desktopHeight,
			description: "Whether it should have an EIP by the policies in the exporter's configuration, or must not. Without any policy, every desktop should.",
			queries:     []query{{expr: `max(` + eipExpectedMetric + `{` + selectDesktop + `} or on (` + byDesktop + `) (1 + 0 * ` + eipsMetric + `{` + selectDesktop + `} unless on (region, project_id) ` + policiesMetric + ` > 0))`}},
			mappings:    []dashboard.ValueMapping{valueMapping("0", "must not", ""), valueMapping("1", "should", "")},
			noValue:     "either",
		}),
		statPanel(panel{
			title: "Interfaces", unit: "none", width: 2, height: desktopHeight,
			description: "Its network interfaces.",
			queries:     []query{{expr: `max(huaweicloud_workspace_desktop_network_interfaces{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "Groups", unit: "none", width: 2, height: desktopHeight,
			description: "Distinct security groups that it is in.",
			queries:     []query{{expr: `max(huaweicloud_workspace_desktop_security_groups{` + selectDesktop + `})`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "Age of its project's data", unit: "s", width: 4, height: desktopHeight,
			description: "How long ago the oldest networks of its project were read; its own are as old or younger.",
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
				description: "One row an interface, as it is now.",
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
				description: "What the list of desktops says of it.",
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
				description: "The security groups that it is in now, and on which interface.",
				queries:     []query{{expr: `max by (security_group_name, security_group_id, port_id) (` + thisGroups + `)`}},
			}, "Security group",
			column{field: "security_group_name", title: "Security group"},
			column{field: "security_group_id", title: "Group ID"},
			column{field: "port_id", title: "Port ID"},
		),
		tablePanel(
			panel{
				title: "Users", unit: "none", width: 8, height: 6, noValue: "not exported",
				description: "Users that it is assigned to. Only with metrics.users in the exporter's configuration, as that is personal data.",
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
			description: "When which EIP was bound, and when there was none. A gap in all rows: nothing was known then.",
			mappings:    []dashboard.ValueMapping{valueMapping("1", "bound", "blue"), valueMapping("2", "without", "orange")},
			queries: []query{
				{expr: `max by (eip_address) (` + networkInfoMetric + `{` + selectDesktop + `, eip_address!=""})`, legend: "{{eip_address}}", overTime: true},
				{expr: `(max by (desktop_id) (` + eipsMetric + `{` + selectDesktop + `}) == 0) + 2`, legend: "no EIP", overTime: true},
			},
		}),
		stateTimelinePanel(panel{
			title: "Subnets and private addresses", unit: "none", width: 12, height: 6, mappings: was,
			description: "When it had an interface in which subnet, with which address: shows moves.",
			queries:     []query{{expr: `max by (subnet_name, private_ip) (` + thisNetwork + `)`, legend: "{{subnet_name}} {{private_ip}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Security groups", unit: "none", width: 12, height: 6, mappings: was,
			description: "When it was in which security group.",
			queries:     []query{{expr: `max by (security_group_name) (` + thisGroups + `)`, legend: "{{security_group_name}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Names", unit: "none", width: 12, height: 6, mappings: was,
			description: "When it had which name.",
			queries:     []query{{expr: `max by (desktop_name) (` + desktopInfoMetric + `{` + selectDesktop + `})`, legend: "{{desktop_name}}", overTime: true}},
		}),
		stateTimelinePanel(panel{
			title: "Statuses", unit: "none", width: 12, height: 6, mappings: was,
			description: "When it had which status.",
			queries:     []query{{expr: `max by (status) (` + statusMetric + `{` + selectDesktop + `})`, legend: "{{status}}", overTime: true}},
		}),
	}
}
