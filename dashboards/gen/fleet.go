// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// fleet returns the dashboard of desktop counts by location and EIP, and of the
// data's health.
func fleet() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidFleet, title: "Huawei Cloud Workspace / Fleet", from: "now-6h",
		description: "Number of desktops, their location, desktops with and without an EIP, and age of the data.",
		variables:   []cog.Builder[dashboard.VariableModel]{datasources(), regions(), projects(), vpcs(), subnets()},
		rows: []row{
			{"Health and totals", fleetTotals()},
			{"By location", fleetPlaces()},
			{"Over time", fleetHistory()},
		},
	}.build()
}

// countFailingProjects counts projects whose last refresh failed on any exporter.
const countFailingProjects = `sum(1 - max by (region, project_id) (huaweicloud_workspace_up{` + selectProjects + `}))`

// dataAge is the age of the oldest data of any project.
const dataAge = `time() - min(max by (region, project_id) (huaweicloud_workspace_oldest_data_timestamp_seconds{` + selectProjects + `}))`

// violatingPolicy counts desktops with a forbidden or without a required EIP.
const violatingPolicy = missing + ` or ` + forbidden

func failingProjects() panel {
	return statPanel(panel{
		title: "Failing projects", unit: "none", width: 3, height: 4,
		description: "Projects whose last refresh failed. Their data is stale until it is older than max_staleness, then it disappears.",
		queries:     []query{{expr: countFailingProjects}},
		thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "red")},
		noValue:     "no exporter",
	})
}

func oldestData() panel {
	return statPanel(panel{
		title: "Oldest data", unit: "s", width: 3, height: 4,
		description: "Age of the oldest network data. Large fleets are refreshed as fast as the API quota allows.",
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
			description: "Desktops of the selected projects, in all VPCs and subnets.",
			queries:     []query{{expr: "sum(" + latestOfProject("desktops") + ")", overTime: true}},
			thresholds:  []dashboard.Threshold{baseThreshold("blue")},
		}),
		statPanel(panel{
			title: "With EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with an EIP on an interface in the selected VPCs and subnets.",
			queries:     []query{{expr: with + " or vector(0)"}},
		}),
		statPanel(panel{
			title: "Without EIP", unit: "none", width: 3, height: 4,
			description: "Desktops with interfaces in the selected VPCs and subnets, but no EIP on any of them.",
			queries:     []query{{expr: all + " - (" + with + " or vector(0))"}},
		}),
		statPanel(panel{
			title: "Policy violations", unit: "none", width: 3, height: 4,
			description: "Desktops of the selected projects without a required EIP or with a forbidden one. Without any policy, every desktop requires an EIP.",
			queries:     []query{{expr: countSelected(violatingPolicy)}},
			noValue:     noRecordingRules,
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
			links: []dashboard.DashboardLink{{
				Title: "Show desktops", Type: dashboard.DashboardLinkTypeLink, Tags: []string{},
				Url: new("/d/" + uidAddresses + "?${datasource:queryparam}&${region:queryparam}&${project:queryparam}&${__url_time_range}"),
			}},
		}),
		statPanel(panel{
			title: "Unresolved", unit: "none", width: 3, height: 4,
			description: "Listed desktops without network data: not read yet, or dropped after max_staleness.",
			queries:     []query{{expr: "sum(" + latestOfProject("desktops_unresolved") + ")"}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
		}),
		statPanel(panel{
			title: "Stale", unit: "none", width: 3, height: 4,
			description: "Desktops with network data of an earlier refresh, because the last attempt to read it failed.",
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
			description: "Desktops in the selected VPCs and subnets by project and region.",
			queries:     []query{{expr: withProject(countDesktops(place, "region, project_id")), legend: "{{project}} ({{region}})"}},
		}),
		barGaugePanel(panel{
			title: "By VPC", unit: "none", width: 8, height: 6,
			description: "The 15 VPCs with the most desktops.",
			queries:     []query{{expr: "sort_desc(topk(15, " + countDesktops(place, "region, vpc_id, vpc_name, vpc_cidr") + "))", legend: "{{vpc_name}} {{vpc_cidr}} ({{region}})"}},
		}),
		barGaugePanel(panel{
			title: "By status", unit: "none", width: 8, height: 6,
			description: "Desktops of the selected projects by current status. Only for projects whose desktops the exporter discovers.",
			queries:     []query{{expr: "sort_desc(count by (status) (group by (" + byDesktop + ", status) (" + statusMetric + "{" + selectProjects + "})))", legend: "{{status}}"}},
		}),
		tablePanel(
			panel{
				title: "By subnet", unit: "none", width: 16, height: 10,
				description: "Desktops in each subnet, desktops with an EIP, and the share of the usable addresses that desktops use.",
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
				field: "subnet_name", title: "Subnet", linkTitle: "Interfaces in this subnet",
				link: "/d/" + uidInventory + "?${datasource:queryparam}&${__url_time_range}&var-subnet=${__data.fields[\"Subnet ID\"]}",
			},
			column{field: "subnet_cidr", title: "CIDR", width: 130},
			column{field: "Value #A", title: "Desktops", unit: "none", width: 90},
			column{field: "Value #B", title: "With EIP", unit: "none", width: 90, noValue: "0"},
			column{field: "Value #C", title: "Utilisation", unit: "percentunit", width: 130, gauge: true},
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

// subnetUse returns the share of each subnet's addresses that desktops use.
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
			description: "Desktops with an EIP by project. Needs the recording rules.",
			queries:     []query{{expr: withProject(recordedSeries(ruleWithEIP)), legend: "{{project}} ({{region}})", overTime: true}},
		}),
		barChartPanel(panel{
			title: "Changes", unit: "none", width: 24, height: 7, interval: "5m", decimals: new(0.0),
			description: "Changes of desktops in each interval of at least 5 minutes: created and deleted desktops, changed names, EIPs, subnets, addresses and security groups.",
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
			title: "Data age", unit: "s", width: 12, height: 8,
			description: "Age of the oldest data of each project.",
			queries: []query{{
				expr:   withProject("time() - " + latestOfProject("oldest_data_timestamp_seconds")),
				legend: "{{project}} ({{region}})", overTime: true,
			}},
		}),
	}
}
