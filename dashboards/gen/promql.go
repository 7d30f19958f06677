// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// What selects series in the dashboards. HA pairs scrape everything twice, so
// whatever is counted or joined is aggregated first, and a join takes one of
// the names that an id has in that moment: topk picks one where two exporters
// do not agree yet.
const (
	selectProjects = `region=~"$region", project_id=~"$project"`
	selectNetworks = selectProjects + `, vpc_id=~"$vpc", subnet_id=~"$subnet"`

	// byDesktop is what identifies a desktop.
	byDesktop = `region, project_id, desktop_id`
)

// Names of metrics that are said more than once.
const (
	networkInfoMetric = "huaweicloud_workspace_desktop_network_info"
	groupInfoMetric   = "huaweicloud_workspace_desktop_security_group_info"
	desktopInfoMetric = "huaweicloud_workspace_desktop_info"
	statusMetric      = "huaweicloud_workspace_desktop_status"
	eipsMetric        = "huaweicloud_workspace_desktop_eips"
	eipExpectedMetric = "huaweicloud_workspace_desktop_eip_expected"
)

// policiesMetric tells where there are any: elsewhere, every desktop should have an EIP.
const policiesMetric = `max by (region, project_id) (huaweicloud_workspace_policies)`

// noRecordingRules stands where only the recording rules could tell.
const noRecordingRules = "rules not loaded"

// countDesktops counts the desktops that a selector of interfaces chooses, by labels.
func countDesktops(selector, by string) string {
	labels := byDesktop
	for label := range strings.SplitSeq(by, ", ") {
		if label != "" && !strings.Contains(", "+labels+",", ", "+label+",") {
			labels += ", " + label
		}
	}
	return "count by (" + by + ") (group by (" + labels + ") (" + selector + "))"
}

// interfaces selects network interfaces, by more than is chosen on top.
func interfaces(more string) string {
	if more != "" {
		more = ", " + more
	}
	return networkInfoMetric + "{" + selectNetworks + more + "}"
}

// latestOfProject takes one value of each project, whatever number of exporters say it:
// the largest, which is the newest for a timestamp.
func latestOfProject(metric string) string {
	return "max by (region, project_id) (huaweicloud_workspace_" + metric + "{" + selectProjects + "})"
}

// withProject adds the name of the project.
func withProject(expr string) string {
	return "(" + expr + ") * on (region, project_id) group_left (project) topk by (region, project_id) (1, huaweicloud_workspace_project_info{" + selectProjects + "})"
}

// withDesktop adds the name of the desktop, of which few names are looked up.
func withDesktop(expr, few string) string {
	return "(" + expr + ") * on (" + byDesktop + ") group_left (desktop_name) topk by (" + byDesktop + ") (1, " +
		desktopInfoMetric + "{" + selectProjects + "} and on (" + byDesktop + ") " + few + ")"
}
