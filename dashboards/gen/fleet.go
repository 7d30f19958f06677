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
	return dashboardSpec{
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

// countFailingProjects counts projects whose last refresh failed, whichever exporter asked.
const countFailingProjects = `sum(1 - max by (region, project_id) (huaweicloud_workspace_up{` + selectProjects + `}))`

// dataAge is the age of the oldest data of any project.
const dataAge = `time() - min(max by (region, project_id) (huaweicloud_workspace_oldest_data_timestamp_seconds{` + selectProjects + `}))`

// violatingPolicy counts desktops that have an EIP and must not, or lack one.
const violatingPolicy = missing + ` or ` + forbidden

func failingProjects() panel {
	return statPanel(panel{
		title: "Failing projects", unit: "none", width: 3, height: 4,
		description: "Projects whose last refresh met a failure. What is shown of them is what was known before, until it is too old.",
		queries:     []query{{expr: countFailingProjects}},
		thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "red")},
		noValue:     "no exporter",
	})
}

func oldestData() panel {
	return statPanel(panel{
		title: "Oldest data", unit: "s", width: 3, height: 4,
		description: "How long ago the oldest networks among those shown were read. Large fleets are read as fast as the API's quota allows.",
		queries:     []query{{expr: dataAge}},
		thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(900, "orange"), threshold(3600, "red")},
		noValue:     "no data",
	})
}

func fleetTotals() []panel {
	all, with := countDesktops(interfaces(""), ""), countDesktops(interfaces(`eip_address!=""`), "")
	return []panel{
		failingProjects(),
		oldestData(),
		statPanel(panel{
			title: "Desktops", unit: "none", width: 3, height: 4,
			description: "Desktops of the chosen projects, whatever VPC and subnet they are in.",
			queries:     []query{{expr: "sum(" + latestOfProject("desktops") + ")", overTime: true}},
			thresholds:  []dashboard.Threshold{baseThreshold("blue")},
		}),
		statPanel(panel{
			title: "With EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with an interface in the chosen VPCs and subnets that has an EIP.",
			queries:     []query{{expr: with + " or vector(0)"}},
		}),
		statPanel(panel{
			title: "Without EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with interfaces in the chosen VPCs and subnets, none of which has an EIP.",
			queries:     []query{{expr: all + " - (" + with + " or vector(0))"}},
		}),
		statPanel(panel{
			title: "Against policy", unit: "none", width: 3, height: 4,
			description: "Desktops of the chosen projects that should have an EIP and have none, or must not have one and have. Without any policy, every desktop should have one.",
			queries:     []query{{expr: countSelected(violatingPolicy)}},
			noValue:     noRecordingRules,
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
			links: []dashboard.DashboardLink{{
				Title: "Which ones", Type: dashboard.DashboardLinkTypeLink, Tags: []string{},
				Url: new("/d/" + uidAddresses + "?${datasource:queryparam}&${region:queryparam}&${project:queryparam}&${__url_time_range}"),
			}},
		}),
		statPanel(panel{
			title: "Unresolved", unit: "none", width: 3, height: 4,
			description: "Desktops that are listed, and whose networks are not known: not read yet, or held too long after reading them failed.",
			queries:     []query{{expr: "sum(" + latestOfProject("desktops_unresolved") + ")"}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
		}),
		statPanel(panel{
			title: "Stale", unit: "none", width: 3, height: 4,
			description: "Desktops whose networks are those of an earlier refresh, since the last try to read them failed.",
			queries:     []query{{expr: "sum(" + latestOfProject("desktops_stale") + ")"}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
		}),
	}
}

func fleetPlaces() []panel {
	const byGroup = byDesktop + ", security_group_id, security_group_name"
	place := interfaces("")
	return []panel{
		barGaugePanel(panel{
			title: "By project", unit: "none", width: 8, height: 6,
			description: "Desktops in the chosen VPCs and subnets, by project and region.",
			queries:     []query{{expr: withProject(countDesktops(place, "region, project_id")), legend: "{{project}} ({{region}})"}},
		}),
		barGaugePanel(panel{
			title: "By VPC", unit: "none", width: 8, height: 6,
			description: "The 15 VPCs with the most desktops.",
			queries:     []query{{expr: "sort_desc(topk(15, " + countDesktops(place, "region, vpc_id, vpc_name, vpc_cidr") + "))", legend: "{{vpc_name}} {{vpc_cidr}} ({{region}})"}},
		}),
		barGaugePanel(panel{
			title: "By status", unit: "none", width: 8, height: 6,
			description: "Desktops of the chosen projects, by the status that they have now. Only where the exporter discovers desktops.",
			queries:     []query{{expr: "sort_desc(count by (status) (group by (" + byDesktop + ", status) (" + statusMetric + "{" + selectProjects + "})))", legend: "{{status}}"}},
		}),
		tablePanel(
			panel{
				title: "By subnet", unit: "none", width: 16, height: 10,
				description: "Desktops in each subnet, how many of them have an EIP, and how full the subnet is, as far as desktops fill it.",
				queries: []query{
					{expr: withProject(countDesktops(place, "region, project_id, vpc_name, subnet_id, subnet_name, subnet_cidr"))},
					{expr: countDesktops(interfaces(`eip_address!=""`), "subnet_id")},
					{expr: subnetUse("subnet_id")},
				},
				transformations: []dashboard.DataTransformerConfig{mergeTransformation()},
			}, "-Desktops",
			column{field: "project", title: "Project", width: 140},
			column{field: "vpc_name", title: "VPC", width: 120},
			column{
				field: "subnet_name", title: "Subnet", linkTitle: "The interfaces in it",
				link: "/d/" + uidInventory + "?${datasource:queryparam}&${__url_time_range}&var-subnet=${__data.fields[\"Subnet ID\"]}",
			},
			column{field: "subnet_cidr", title: "CIDR", width: 130},
			column{field: "Value #A", title: "Desktops", unit: "none", width: 90},
			column{field: "Value #B", title: "With EIP", unit: "none", width: 90, noValue: "0"},
			column{field: "Value #C", title: "Full", unit: "percentunit", width: 130, gauge: true},
			column{field: "subnet_id", title: "Subnet ID", width: 100},
		),
		barGaugePanel(panel{
			title: "By security group", unit: "none", width: 8, height: 10,
			description: "The 20 security groups with the most desktops. A desktop in several groups counts in each.",
			queries: []query{{
				expr: "sort_desc(topk(20, count by (region, security_group_id, security_group_name) (group by (" + byGroup + ") (" + groupInfoMetric + "{" + selectProjects + "})" +
					" and on (" + byDesktop + ") " + place + ")))",
				legend: "{{security_group_name}} ({{region}})",
			}},
		}),
	}
}

// subnetUse is how full subnets are, as far as desktops fill them.
func subnetUse(by string) string {
	return "max by (" + by + ") (huaweicloud_workspace_subnet_network_interfaces{" + selectProjects + ", subnet_id=~\"$subnet\"})" +
		" / max by (" + by + ") (huaweicloud_workspace_subnet_addresses{" + selectProjects + ", subnet_id=~\"$subnet\"} > 0)"
}

func fleetHistory() []panel {
	return []panel{
		stackedPanel(panel{
			title: "Desktops", unit: "none", width: 12, height: 8,
			description: "Desktops by project.",
			queries:     []query{{expr: withProject(latestOfProject("desktops")), legend: "{{project}} ({{region}})", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Desktops with an EIP", unit: "none", width: 12, height: 8,
			description: "Desktops that have an EIP, by project. Needs the recording rules.",
			queries:     []query{{expr: withProject(recordedSeries(ruleWithEIP)), legend: "{{project}} ({{region}})", overTime: true}},
		}),
		barChartPanel(panel{
			title: "Changes", unit: "none", width: 24, height: 7, interval: "5m", decimals: new(0.0),
			description: "What happened to desktops in each step of time, of 5 minutes at least: those that came and went, new names, EIPs, subnets, addresses and security groups.",
			queries: []query{{
				expr:   "sum by (kind) (round(max by (region, project_id, kind) (increase(huaweicloud_workspace_desktop_changes_total{" + selectProjects + "}[$__rate_interval]))))",
				legend: "{{kind}}", overTime: true,
			}},
		}),
		stackedPanel(panel{
			title: "Statuses", unit: "none", width: 12, height: 8,
			description: "Desktops by status. Needs the recording rules.",
			queries:     []query{{expr: "sum by (status) (" + recordedSeries(ruleStatus) + ")", legend: "{{status}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Age of the data", unit: "s", width: 12, height: 8,
			description: "How old the oldest data of each project was.",
			queries: []query{{
				expr:   withProject("time() - " + latestOfProject("oldest_data_timestamp_seconds")),
				legend: "{{project}} ({{region}})", overTime: true,
			}},
		}),
	}
}
