// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// fleet answers: how many desktops are there, where, how many have an EIP, and
// can that be trusted?
func fleet() (dashboard.Dashboard, error) {
	return board{
		uid: uidFleet, title: "Huawei Cloud Workspace / Fleet", from: "now-6h",
		description: "How many desktops there are, where they are, how many have an EIP, and how fresh that is.",
		variables:   []cog.Builder[dashboard.VariableModel]{datasources(), regions(), projects(), vpcs(), subnets()},
		rows: []row{
			{"Health and totals", fleetTotals()},
			{"Where they are", fleetPlaces()},
			{"Over time", fleetHistory()},
		},
	}.build()
}

// failing counts projects whose last refresh failed, whichever exporter asked.
const failing = `sum(1 - max by (region, project_id) (huaweicloud_workspace_up{` + inProject + `}))`

// dataAge is the age of the oldest data of any project.
const dataAge = `time() - min(max by (region, project_id) (huaweicloud_workspace_oldest_data_timestamp_seconds{` + inProject + `}))`

// againstPolicy counts desktops that have an EIP and must not, or lack one.
const againstPolicy = missing + ` or ` + forbidden

func failingProjects() panel {
	return number(panel{
		title: "Failing projects", unit: "none", width: 3, height: 4,
		description: "Projects whose last refresh met a failure. What is shown of them is what was known before, until it is too old.",
		queries:     []query{{expr: failing}},
		thresholds:  []dashboard.Threshold{base("green"), level(1, "red")},
		noValue:     "no exporter",
	})
}

func oldestData() panel {
	return number(panel{
		title: "Oldest data", unit: "s", width: 3, height: 4,
		description: "How long ago the oldest networks among those shown were read. Large fleets are read as fast as the API's quota allows.",
		queries:     []query{{expr: dataAge}},
		thresholds:  []dashboard.Threshold{base("green"), level(900, "orange"), level(3600, "red")},
		noValue:     "no data",
	})
}

func fleetTotals() []panel {
	all, with := distinct(interfaces(""), ""), distinct(interfaces(`eip_address!=""`), "")
	return []panel{
		failingProjects(),
		oldestData(),
		number(panel{
			title: "Desktops", unit: "none", width: 3, height: 4,
			description: "Desktops of the chosen projects, whatever VPC and subnet they are in.",
			queries:     []query{{expr: "sum(" + latest("desktops") + ")", over: true}},
			thresholds:  []dashboard.Threshold{base("blue")},
		}),
		number(panel{
			title: "With EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with an interface in the chosen VPCs and subnets that has an EIP.",
			queries:     []query{{expr: with + " or vector(0)"}},
		}),
		number(panel{
			title: "Without EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with interfaces in the chosen VPCs and subnets, none of which has an EIP.",
			queries:     []query{{expr: all + " - (" + with + " or vector(0))"}},
		}),
		number(panel{
			title: "Against policy", unit: "none", width: 3, height: 4,
			description: "Desktops of the chosen projects that should have an EIP and have none, or must not have one and have. Without any policy, every desktop should have one.",
			queries:     []query{{expr: counted(againstPolicy)}},
			noValue:     noRules,
			thresholds:  []dashboard.Threshold{base("green"), level(1, "orange")},
			links: []dashboard.DashboardLink{{
				Title: "Which ones", Type: dashboard.DashboardLinkTypeLink, Tags: []string{},
				Url: new("/d/" + uidAddresses + "?${datasource:queryparam}&${region:queryparam}&${project:queryparam}&${__url_time_range}"),
			}},
		}),
		number(panel{
			title: "Unresolved", unit: "none", width: 3, height: 4,
			description: "Desktops that are listed, and whose networks are not known: not read yet, or held too long after reading them failed.",
			queries:     []query{{expr: "sum(" + latest("desktops_unresolved") + ")"}},
			thresholds:  []dashboard.Threshold{base("green"), level(1, "orange")},
		}),
		number(panel{
			title: "Stale", unit: "none", width: 3, height: 4,
			description: "Desktops whose networks are those of an earlier refresh, since the last try to read them failed.",
			queries:     []query{{expr: "sum(" + latest("desktops_stale") + ")"}},
			thresholds:  []dashboard.Threshold{base("green"), level(1, "orange")},
		}),
	}
}

func fleetPlaces() []panel {
	const byGroup = byDesktop + ", security_group_id, security_group_name"
	place := interfaces("")
	return []panel{
		bars(panel{
			title: "By project", unit: "none", width: 8, height: 6,
			description: "Desktops in the chosen VPCs and subnets, by project and region.",
			queries:     []query{{expr: withProject(distinct(place, "region, project_id")), legend: "{{project}} ({{region}})"}},
		}),
		bars(panel{
			title: "By VPC", unit: "none", width: 8, height: 6,
			description: "The 15 VPCs with the most desktops.",
			queries:     []query{{expr: "sort_desc(topk(15, " + distinct(place, "region, vpc_id, vpc_name, vpc_cidr") + "))", legend: "{{vpc_name}} {{vpc_cidr}} ({{region}})"}},
		}),
		bars(panel{
			title: "By status", unit: "none", width: 8, height: 6,
			description: "Desktops of the chosen projects, by the status that they have now. Only where the exporter discovers desktops.",
			queries:     []query{{expr: "sort_desc(count by (status) (group by (" + byDesktop + ", status) (" + statusNow + "{" + inProject + "})))", legend: "{{status}}"}},
		}),
		rowsOf(
			panel{
				title: "By subnet", unit: "none", width: 16, height: 10,
				description: "Desktops in each subnet, how many of them have an EIP, and how full the subnet is, as far as desktops fill it.",
				queries: []query{
					{expr: withProject(distinct(place, "region, project_id, vpc_name, subnet_id, subnet_name, subnet_cidr"))},
					{expr: distinct(interfaces(`eip_address!=""`), "subnet_id")},
					{expr: subnetUse("subnet_id")},
				},
				steps: []dashboard.DataTransformerConfig{merged()},
			}, "-Desktops",
			column{field: "project", title: "Project", width: 140},
			column{field: "vpc_name", title: "VPC", width: 120},
			column{
				field: "subnet_name", title: "Subnet", linkTitle: "The interfaces in it",
				link: "/d/" + uidInventory + "?${datasource:queryparam}&${__url_time_range}&var-subnet=${__data.fields[\"Subnet ID\"]}",
			},
			column{field: "subnet_cidr", title: "CIDR", width: 130},
			column{field: "Value #A", title: "Desktops", unit: "none", width: 90},
			column{field: "Value #B", title: "With EIP", unit: "none", width: 90, absent: "0"},
			column{field: "Value #C", title: "Full", unit: "percentunit", width: 130, gauge: true},
			column{field: "subnet_id", title: "Subnet ID", width: 100},
		),
		bars(panel{
			title: "By security group", unit: "none", width: 8, height: 10,
			description: "The 20 security groups with the most desktops. A desktop in several groups counts in each.",
			queries: []query{{
				expr: "sort_desc(topk(20, count by (region, security_group_id, security_group_name) (group by (" + byGroup + ") (" + groupInfo + "{" + inProject + "})" +
					" and on (" + byDesktop + ") " + place + ")))",
				legend: "{{security_group_name}} ({{region}})",
			}},
		}),
	}
}

// subnetUse is how full subnets are, as far as desktops fill them.
func subnetUse(by string) string {
	return "max by (" + by + ") (huaweicloud_workspace_subnet_network_interfaces{" + inProject + ", subnet_id=~\"$subnet\"})" +
		" / max by (" + by + ") (huaweicloud_workspace_subnet_addresses{" + inProject + ", subnet_id=~\"$subnet\"} > 0)"
}

func fleetHistory() []panel {
	return []panel{
		stacked(panel{
			title: "Desktops", unit: "none", width: 12, height: 8,
			description: "Desktops by project.",
			queries:     []query{{expr: withProject(latest("desktops")), legend: "{{project}} ({{region}})", over: true}},
		}),
		graph(panel{
			title: "Desktops with an EIP", unit: "none", width: 12, height: 8,
			description: "Desktops that have an EIP, by project. Needs the recording rules.",
			queries:     []query{{expr: withProject(recorded(ruleWithEIP)), legend: "{{project}} ({{region}})", over: true}},
		}),
		counts(panel{
			title: "Changes", unit: "none", width: 24, height: 7, interval: "5m", decimals: new(0.0),
			description: "What happened to desktops in each step of time, of 5 minutes at least: those that came and went, new names, EIPs, subnets, addresses and security groups.",
			queries: []query{{
				expr:   "sum by (kind) (round(max by (region, project_id, kind) (increase(huaweicloud_workspace_desktop_changes_total{" + inProject + "}[$__rate_interval]))))",
				legend: "{{kind}}", over: true,
			}},
		}),
		stacked(panel{
			title: "Statuses", unit: "none", width: 12, height: 8,
			description: "Desktops by status. Needs the recording rules.",
			queries:     []query{{expr: "sum by (status) (" + recorded(ruleStatus) + ")", legend: "{{status}}", over: true}},
		}),
		graph(panel{
			title: "Age of the data", unit: "s", width: 12, height: 8,
			description: "How old the oldest data of each project was.",
			queries: []query{{
				expr:   withProject("time() - " + latest("oldest_data_timestamp_seconds")),
				legend: "{{project}} ({{region}})", over: true,
			}},
		}),
	}
}
