// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// addresses returns the dashboard of subnet utilisation, exposed desktops and
// address problems.
func addresses() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidAddresses, title: "Huawei Cloud Workspace / Addresses and exposure", from: "now-6h",
		description: "Subnet utilisation, desktops with an EIP by security group, policy violations, reassigned EIPs, duplicate private addresses in a VPC and inconsistencies in the API's data.",
		variables:   []cog.Builder[dashboard.VariableModel]{datasources(), regions(), projects(), vpcs(), subnets()},
		rows: []row{
			{"At a glance", exposureTotals()},
			{"Subnets", subnetPanels()},
			{"Exposure", exposurePanels()},
			{"Reassigned and duplicate addresses", addressPanels()},
			{"Inconsistencies", findingPanels()},
		},
	}.build()
}

const (
	// duplicateAddresses selects the private addresses that the exporter found twice in
	// a VPC, with pairs of their desktops.
	duplicateAddresses = `group by (region, project_id, subject_id, other_id, value) (huaweicloud_workspace_finding_info{` + selectProjects + `, reason="address_used_twice"})`

	// duplicateInterfaces selects their interfaces. The address is joined as a label, so
	// that no matcher has to read all addresses.
	duplicateInterfaces = networkInfoMetric + `{` + selectNetworks + `} and on (` + byDesktop + `, private_ip) label_join(` +
		`label_join(` + duplicateAddresses + `, "desktop_id", "", "subject_id") or label_join(` + duplicateAddresses + `, "desktop_id", "", "other_id"), ` +
		`"private_ip", "", "value")`

	// eipHolders selects all desktops that had an EIP within the time range.
	eipHolders = `max by (` + byDesktop + `, desktop_name, eip_address) (last_over_time(` + networkInfoMetric + `{` + selectNetworks + `, eip_address!=""}[$__range]))`

	// reassignedEIPs selects the EIPs that more than one desktop had.
	reassignedEIPs = `count by (region, project_id, eip_address) (group by (` + byDesktop + `, eip_address) (last_over_time(` +
		networkInfoMetric + `{` + selectNetworks + `, eip_address!=""}[$__range]))) > 1`
)

func exposureTotals() []panel {
	orange, red := []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")}, []dashboard.Threshold{baseThreshold("green"), threshold(1, "red")}
	return []panel{
		statPanel(panel{
			title: "Subnets over 80 % used", unit: "none", width: 4, height: 4, thresholds: orange,
			description: "Subnets in which desktops use at least 80 % of the usable addresses. Addresses of other resources are not counted.",
			queries:     []query{{expr: "count(" + subnetUse("region, project_id, subnet_id") + " >= 0.8) or vector(0)"}},
		}),
		statPanel(panel{
			title: "EIPs bound", unit: "none", width: 4, height: 4,
			description: "EIPs bound to desktops in the selected VPCs and subnets.",
			queries:     []query{{expr: "count(group by (region, project_id, eip_address) (" + interfaces(`eip_address!=""`) + ")) or vector(0)"}},
		}),
		statPanel(panel{
			title: "Reassigned EIPs", unit: "none", width: 4, height: 4,
			description: "EIPs bound to more than one desktop within the time range.",
			queries:     []query{{expr: "count(" + reassignedEIPs + ") or vector(0)"}},
		}),
		statPanel(panel{
			title: "Duplicate private addresses", unit: "none", width: 4, height: 4, thresholds: red,
			description: "Interfaces whose private address is already used by another interface in the same VPC, in the selected projects, as detected by the exporter.",
			queries:     []query{{expr: `sum(max by (region, project_id) (huaweicloud_workspace_findings{` + selectProjects + `, reason="address_used_twice"}))`}},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "Missing EIPs", unit: "none", width: 4, height: 4, thresholds: orange,
			description: "Desktops of the selected projects without an EIP that a policy requires. Without any policy, every desktop requires one.",
			queries:     []query{{expr: countSelected(missing)}}, noValue: noRecordingRules,
		}),
		statPanel(panel{
			title: "Forbidden EIPs", unit: "none", width: 4, height: 4, thresholds: red,
			description: "Desktops of the selected projects with an EIP that a policy forbids.",
			queries:     []query{{expr: countSelected(forbidden)}}, noValue: noRecordingRules,
		}),
	}
}

func subnetPanels() []panel {
	const info = ` * on (region, project_id, subnet_id) group_left (subnet_name, subnet_cidr, vpc_id) topk by (region, project_id, subnet_id) (1, huaweicloud_workspace_subnet_info{` + selectNetworks + `})`
	const vpc = ` * on (region, project_id, vpc_id) group_left (vpc_name) topk by (region, project_id, vpc_id) (1, huaweicloud_workspace_vpc_info{` + selectProjects + `})`
	use := `(` + subnetUse("region, project_id, subnet_id") + `)` + info
	return []panel{
		tablePanel(
			panel{
				title: "Subnets by utilisation", unit: "none", width: 14, height: 9,
				description: "The 500 subnets with the highest utilisation: interfaces of desktops, and addresses usable by tenants. Addresses of other resources are not counted.",
				queries: []query{
					{expr: withProject(`topk(500, (` + use + `)` + vpc + `)`)},
					{expr: `max by (subnet_id) (huaweicloud_workspace_subnet_network_interfaces{` + selectProjects + `, subnet_id=~"$subnet"})`},
					{expr: `max by (subnet_id) (huaweicloud_workspace_subnet_addresses{` + selectProjects + `, subnet_id=~"$subnet"})`},
				},
				transformations: []dashboard.DataTransformerConfig{mergeTransformation()},
			}, "-Utilisation",
			column{field: "subnet_name", title: "Subnet"},
			column{field: "subnet_cidr", title: "CIDR", width: 130},
			column{field: "vpc_name", title: "VPC", width: 110},
			column{field: "project", title: "Project", width: 140},
			column{field: "Value #A", title: "Utilisation", unit: "percentunit", width: 130, gauge: true},
			column{field: "Value #B", title: "Used", unit: "none", width: 70},
			column{field: "Value #C", title: "Usable", unit: "none", width: 80},
		),
		timeSeriesPanel(panel{
			title: "Subnet utilisation", unit: "percentunit", width: 10, height: 9,
			description: "The ten subnets with the highest utilisation.",
			thresholds:  []dashboard.Threshold{baseThreshold("transparent"), threshold(0.8, "orange"), threshold(0.95, "red")},
			max:         1,
			queries:     []query{{expr: `topk(10, ` + use + `)`, legend: "{{subnet_name}} {{subnet_cidr}}", overTime: true}},
		}),
	}
}

func exposurePanels() []panel {
	const against = `topk(1000, (0 * ` + missing + `) or ` + forbidden + `)`
	const byGroup = byDesktop + ", security_group_id, security_group_name"
	return []panel{
		barGaugePanel(panel{
			title: "Desktops with an EIP by security group", unit: "none", width: 10, height: 9,
			description: "The 20 security groups with the most desktops that have an EIP. A desktop in several groups counts in each.",
			queries: []query{{
				expr: "sort_desc(topk(20, count by (region, security_group_id, security_group_name) (group by (" + byGroup + ") (" + groupInfoMetric + "{" + selectProjects + "})" +
					" and on (" + byDesktop + ") " + interfaces(`eip_address!=""`) + ")))",
				legend: "{{security_group_name}} ({{region}})",
			}},
		}),
		tablePanel(
			panel{
				title: "Policy violations", unit: "none", width: 14, height: 9, noValue: "none",
				description: "Desktops without a required EIP and desktops with a forbidden one; the first 1000. Without any policy, every desktop requires an EIP.",
				queries: []query{{expr: withProject(withDesktop(against, against)) + ` * on (` + byDesktop + `) group_left (policy) topk by (` + byDesktop + `) (1, ` +
					`(1 + 0 * ` + eipExpectedMetric + `{` + selectProjects + `}) or on (` + byDesktop + `) (1 + 0 * (` + against + `)))`}},
			}, "Desktop",
			linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
			column{field: "Value", title: "EIPs", unit: "none", width: 120, mappings: []dashboard.ValueMapping{valueMapping("0", "missing", "orange"), valueMapping("1", "forbidden", "red")}},
			column{field: "policy", title: "Policy"},
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
			column{field: "desktop_id", title: desktopID},
		),
	}
}

func addressPanels() []panel {
	now := `max by (` + byDesktop + `, desktop_name, eip_address) (` + interfaces(`eip_address!=""`) + `)`
	return []panel{
		tablePanel(
			panel{
				title: "Reassigned EIPs", unit: "none", width: 12, height: 10, noValue: "none",
				description: "EIPs bound to more than one desktop within the time range, with all their desktops. Bound: now or before.",
				queries:     []query{{expr: withProject(`(` + now + ` or 0 * ` + eipHolders + `) and on (region, project_id, eip_address) (` + reassignedEIPs + `)`)}},
			}, "EIP",
			column{field: "eip_address", title: "EIP", width: 130},
			linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
			column{field: "Value", title: "Bound", unit: "none", width: 90, mappings: []dashboard.ValueMapping{valueMapping("0", "before", "text"), valueMapping("1", "now", "green")}},
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
			column{field: "desktop_id", title: desktopID, width: 120},
		),
		tablePanel(
			panel{
				title: "Duplicate private addresses in a VPC", unit: "none", width: 12, height: 10, noValue: "none",
				description: "Interfaces that share a private address with another interface in the same VPC, as detected by the exporter. Should be empty.",
				queries:     []query{{expr: withProject(`max by (` + byDesktop + `, desktop_name, port_id, private_ip, vpc_id, vpc_name, subnet_name) (` + duplicateInterfaces + `)`)}},
			}, "Private IP",
			column{field: "private_ip", title: "Private IP", width: 130},
			linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
			column{field: "vpc_name", title: "VPC"},
			column{field: "subnet_name", title: "Subnet"},
			column{field: "project", title: "Project"},
			column{field: "port_id", title: "Port ID"},
			column{field: "desktop_id", title: desktopID, width: 120},
		),
	}
}

func findingPanels() []panel {
	return []panel{
		barGaugePanel(panel{
			title: "Inconsistencies by reason", unit: "none", width: 8, height: 9, noValue: "not checked",
			description: "Inconsistencies in the API's data of the selected projects. Should be 0; a reason that is missing could not be checked.",
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
			queries: []query{{
				expr:   "sort_desc(sum by (reason) (max by (region, project_id, reason) (huaweicloud_workspace_findings{" + selectProjects + "})))",
				legend: "{{reason}}",
			}},
		}),
		tablePanel(
			panel{
				title: "Inconsistencies", unit: "none", width: 16, height: 9, noValue: "none",
				description: "The objects concerned, the first 1000; the exporter's page /inventory shows them with names. The runbook of HuaweiCloudWorkspaceInventoryInconsistent explains each reason.",
				queries: []query{{expr: withProject("topk(1000, group by (region, project_id, reason, subject_id, other_id, value) (huaweicloud_workspace_finding_info{" +
					selectProjects + "}))")}},
			}, "Reason",
			column{field: "reason", title: "Reason", width: 190},
			column{field: "value", title: "Address or CIDR", width: 150},
			column{field: "subject_id", title: "Object"},
			column{field: "other_id", title: "Other object"},
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
		),
	}
}
