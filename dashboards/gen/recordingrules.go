// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

// The recording rules of deploy/prometheus that the dashboards use, because a query
// over every desktop would take too long: those of history, and those of the
// desktops that violate a policy, which the alerts use as well.
const (
	ruleWithEIP   = "region_project_id:huaweicloud_workspace_desktops_with_eip:count"
	ruleStatus    = "region_project_id_status:huaweicloud_workspace_desktops:count"
	ruleMissing   = "region_project_id_desktop_id:huaweicloud_workspace_desktop_misses_eip:last5m"
	ruleForbidden = "region_project_id_desktop_id:huaweicloud_workspace_desktop_has_forbidden_eip:last5m"
)

// The desktops that violate a policy.
const (
	missing   = `group by (` + byDesktop + `) (` + ruleMissing + `{` + selectProjects + `})`
	forbidden = `group by (` + byDesktop + `) (` + ruleForbidden + `{` + selectProjects + `})`
)

// countSelected counts the desktops that a rule recorded; without the rules there is
// no zero.
func countSelected(desktops string) string {
	return "count(" + desktops + ") or 0 * count(" + recordedSeries(ruleWithEIP) + ")"
}

// recordedSeries selects what a rule recorded of the selected projects.
func recordedSeries(rule string) string { return rule + "{" + selectProjects + "}" }
