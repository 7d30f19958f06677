// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// Selectors of the dashboards. HA pairs scrape everything twice, so everything is
// aggregated before it is counted or joined, and a join takes one of the names of
// an ID: topk selects one if two exporters do not agree yet.
const (
	selectProjects = `region=~"$region", project_id=~"$project"`
	selectNetworks = selectProjects + `, vpc_id=~"$vpc", subnet_id=~"$subnet"`

	// byDesktop are the labels that identify a desktop.
	byDesktop = `region, project_id, desktop_id`
)

// Names of metrics that are used more than once.
const (
	networkInfoMetric = "huaweicloud_workspace_desktop_network_info"
	groupInfoMetric   = "huaweicloud_workspace_desktop_security_group_info"
	desktopInfoMetric = "huaweicloud_workspace_desktop_info"
	statusMetric      = "huaweicloud_workspace_desktop_status"
	eipsMetric        = "huaweicloud_workspace_desktop_eips"
	eipExpectedMetric = "huaweicloud_workspace_desktop_eip_expected"
)

// policiesMetric is the number of policies: without any, every desktop requires an EIP.
const policiesMetric = `max by (region, project_id) (huaweicloud_workspace_policies)`

// noRecordingRules is shown where a panel needs the recording rules.
const noRecordingRules = "rules not loaded"

// countDesktops counts the desktops that a selector of interfaces matches, by labels.
func countDesktops(selector, by string) string {
	labels := byDesktop
	for label := range strings.SplitSeq(by, ", ") {
		if label != "" && !strings.Contains(", "+labels+",", ", "+label+",") {
			labels += ", " + label
		}
	}
	return "count by (" + by + ") (group by (" + labels + ") (" + selector + "))"
}

// interfaces selects network interfaces by the variables and a further matcher.
func interfaces(more string) string {
	if more != "" {
		more = ", " + more
	}
	return networkInfoMetric + "{" + selectNetworks + more + "}"
}

// latestOfProject returns one value for each project, however many exporters export it:
// the largest, which is the newest timestamp.
func latestOfProject(metric string) string {
	return "max by (region, project_id) (huaweicloud_workspace_" + metric + "{" + selectProjects + "})"
}

// withProject adds the name of the project.
func withProject(expr string) string {
	return "(" + expr + ") * on (region, project_id) group_left (project) topk by (region, project_id) (1, huaweicloud_workspace_project_info{" + selectProjects + "})"
}

// withDesktop adds the name of the desktop, and looks up only the names it needs.
func withDesktop(expr, few string) string {
	return "(" + expr + ") * on (" + byDesktop + ") group_left (desktop_name) topk by (" + byDesktop + ") (1, " +
		desktopInfoMetric + "{" + selectProjects + "} and on (" + byDesktop + ") " + few + ")"
}
