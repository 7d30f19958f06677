// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// addresses answers: where do addresses run out, what can be reached from the
// internet, and what is wrong with addresses?
func addresses() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidAddresses, title: "Huawei Cloud Workspace / Addresses and exposure", from: "now-6h",
		description: "Subnets that fill up, desktops that have an EIP by security group and against policy, EIPs that changed hands, private addresses used twice in a VPC, what contradicts itself.",
		variables:   []cog.Builder[dashboard.VariableModel]{datasources(), regions(), projects(), vpcs(), subnets()},
		rows: []row{
			{"At a glance", exposureTotals()},
			{"Subnets", subnetPanels()},
			{"Exposure", exposurePanels()},
			{"Addresses that moved or clash", addressPanels()},
			{"What contradicts itself", findingPanels()},
		},
	}.build()
}

const (
	// duplicateAddresses are the private addresses that the exporter found to be used twice
	// in a VPC, with one of the desktops in it and the next.
	duplicateAddresses = `group by (region, project_id, subject_id, other_id, value) (huaweicloud_workspace_finding_info{` + selectProjects + `, reason="address_used_twice"})`

	// duplicateInterfaces are the interfaces that have them. The address is compared as the
	// label that interfaces have: no matcher has to read all addresses so.
	duplicateInterfaces = networkInfoMetric + `{` + selectNetworks + `} and on (` + byDesktop + `, private_ip) label_join(` +
		`label_join(` + duplicateAddresses + `, "desktop_id", "", "subject_id") or label_join(` + duplicateAddresses + `, "desktop_id", "", "other_id"), ` +
		`"private_ip", "", "value")`

	// eipHolders are all desktops that had an EIP in the time shown.
	eipHolders = `max by (` + byDesktop + `, desktop_name, eip_address) (last_over_time(` + networkInfoMetric + `{` + selectNetworks + `, eip_address!=""}[$__range]))`

	// reassignedEIPs are the EIPs among these that more than one desktop had.
	reassignedEIPs = `count by (region, project_id, eip_address) (group by (` + byDesktop + `, eip_address) (last_over_time(` +
		networkInfoMetric + `{` + selectNetworks + `, eip_address!=""}[$__range]))) > 1`
)

func exposureTotals() []panel {
	orange, red := []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")}, []dashboard.Threshold{baseThreshold("green"), threshold(1, "red")}
	return []panel{
		statPanel(panel{
			title: "Subnets 80 % full", unit: "none", width: 4, height: 4, thresholds: orange,
			description: "Subnets whose usable addresses desktops fill to four fifths or more. What else is in a subnet is not known here.",
			queries:     []query{{expr: "count(" + subnetUse("region, project_id, subnet_id") + " >= 0.8) or vector(0)"}},
		}),
		statPanel(panel{
			title: "EIPs bound", unit: "none", width: 4, height: 4,
			description: "EIPs that are bound to desktops in the chosen VPCs and subnets.",
			queries:     []query{{expr: "count(group by (region, project_id, eip_address) (" + interfaces(`eip_address!=""`) + ")) or vector(0)"}},
		}),
		statPanel(panel{
			title: "EIPs that changed hands", unit: "none", width: 4, height: 4,
			description: "EIPs that more than one desktop had in the time shown.",
			queries:     []query{{expr: "count(" + reassignedEIPs + ") or vector(0)"}},
		}),
		statPanel(panel{
			title: "Addresses used twice", unit: "none", width: 4, height: 4, thresholds: red,
			description: "How often an interface has a private address that another one in its VPC has already, in the chosen projects, as the exporter found.",
			queries:     []query{{expr: `sum(max by (region, project_id) (huaweicloud_workspace_findings{` + selectProjects + `, reason="address_used_twice"}))`}},
			noValue:     "not known",
		}),
		statPanel(panel{
			title: "EIPs missing", unit: "none", width: 4, height: 4, thresholds: orange,
			description: "Desktops of the chosen projects that should have an EIP by policy, and have none. Without any policy, every desktop should.",
			queries:     []query{{expr: countSelected(missing)}}, noValue: noRecordingRules,
		}),
		statPanel(panel{
			title: "EIPs forbidden", unit: "none", width: 4, height: 4, thresholds: red,
			description: "Desktops of the chosen projects that must not have an EIP by policy, and have one.",
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
				title: "The fullest subnets", unit: "none", width: 14, height: 9,
				description: "The 500 fullest subnets: interfaces of desktops, and addresses that tenants can use. What else takes addresses there is not known here.",
				queries: []query{
					{expr: withProject(`topk(500, (` + use + `)` + vpc + `)`)},
					{expr: `max by (subnet_id) (huaweicloud_workspace_subnet_network_interfaces{` + selectProjects + `, subnet_id=~"$subnet"})`},
					{expr: `max by (subnet_id) (huaweicloud_workspace_subnet_addresses{` + selectProjects + `, subnet_id=~"$subnet"})`},
				},
				transformations: []dashboard.DataTransformerConfig{mergeTransformation()},
			}, "-Full",
			column{field: "subnet_name", title: "Subnet"},
			column{field: "subnet_cidr", title: "CIDR", width: 130},
			column{field: "vpc_name", title: "VPC", width: 110},
			column{field: "project", title: "Project", width: 140},
			column{field: "Value #A", title: "Full", unit: "percentunit", width: 130, gauge: true},
			column{field: "Value #B", title: "Used", unit: "none", width: 70},
			column{field: "Value #C", title: "Usable", unit: "none", width: 80},
		),
		timeSeriesPanel(panel{
			title: "How they fill", unit: "percentunit", width: 10, height: 9,
			description: "The ten fullest subnets over time.",
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
			title: "Desktops with an EIP, by security group", unit: "none", width: 10, height: 9,
			description: "The 20 security groups with the most desktops that can have an EIP's traffic. A desktop in several groups counts in each.",
			queries: []query{{
				expr: "sort_desc(topk(20, count by (region, security_group_id, security_group_name) (group by (" + byGroup + ") (" + groupInfoMetric + "{" + selectProjects + "})" +
					" and on (" + byDesktop + ") " + interfaces(`eip_address!=""`) + ")))",
				legend: "{{security_group_name}} ({{region}})",
			}},
		}),
		tablePanel(
			panel{
				title: "Against policy", unit: "none", width: 14, height: 9, noValue: "none",
				description: "Desktops that should have an EIP and have none, or must not have one and have; the first 1000. Without any policy, every desktop should have one.",
				queries: []query{{expr: withProject(withDesktop(against, against)) + ` * on (` + byDesktop + `) group_left (policy) topk by (` + byDesktop + `) (1, ` +
					`(1 + 0 * ` + eipExpectedMetric + `{` + selectProjects + `}) or on (` + byDesktop + `) (1 + 0 * (` + against + `)))`}},
			}, "Desktop",
			linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
			column{field: "Value", title: "EIPs", unit: "none", width: 120, mappings: []dashboard.ValueMapping{valueMapping("0", "none, should", "orange"), valueMapping("1", "1, must not", "red")}},
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
				title: "EIPs that changed hands", unit: "none", width: 12, height: 10, noValue: "none",
				description: "All desktops that had an EIP which more than one desktop had in the time shown, and who has it now.",
				queries:     []query{{expr: withProject(`(` + now + ` or 0 * ` + eipHolders + `) and on (region, project_id, eip_address) (` + reassignedEIPs + `)`)}},
			}, "EIP",
			column{field: "eip_address", title: "EIP", width: 130},
			linkToDesktop(column{field: "desktop_name", title: "Desktop"}),
			column{field: "Value", title: "Has it", unit: "none", width: 90, mappings: []dashboard.ValueMapping{valueMapping("0", "before", "text"), valueMapping("1", "now", "green")}},
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
			column{field: "desktop_id", title: desktopID, width: 120},
		),
		tablePanel(
			panel{
				title: "Private addresses used twice in a VPC", unit: "none", width: 12, height: 10, noValue: "none",
				description: "All interfaces that share a private address with another one in the same VPC, as the exporter found. Empty is as it should be.",
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
			title: "Contradictions, by reason", unit: "none", width: 8, height: 9, noValue: "nothing could be looked for",
			description: "What contradicts itself in what the cloud says of the chosen projects. 0 is as it should be; a reason that is not here could not be looked for.",
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "orange")},
			queries: []query{{
				expr:   "sort_desc(sum by (reason) (max by (region, project_id, reason) (huaweicloud_workspace_findings{" + selectProjects + "})))",
				legend: "{{reason}}",
			}},
		}),
		tablePanel(
			panel{
				title: "Contradictions", unit: "none", width: 16, height: 9, noValue: "none",
				description: "What each of them is about, the first 1000; the exporter's own page /inventory tells the same by names. The runbook of HuaweiCloudWorkspaceInventoryInconsistent tells what each reason means.",
				queries: []query{{expr: withProject("topk(1000, group by (region, project_id, reason, subject_id, other_id, value) (huaweicloud_workspace_finding_info{" +
					selectProjects + "}))")}},
			}, "Reason",
			column{field: "reason", title: "Reason", width: 190},
			column{field: "value", title: "Address or CIDR", width: 150},
			column{field: "subject_id", title: "Of"},
			column{field: "other_id", title: "And"},
			column{field: "project", title: "Project"},
			column{field: "region", title: "Region"},
		),
	}
}
