// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"net/http"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// classify tells what has to happen before a failure with this status and code
// can go away. Texts are never looked at: they may be Chinese, and change.
func classify(status int, code string) inventory.FailureKind {
	if k, ok := classifyCode(code); ok {
		return k
	}
	switch status {
	case http.StatusUnauthorized:
		return inventory.Authentication
	case http.StatusForbidden:
		return inventory.Denied
	case http.StatusTooManyRequests:
		return inventory.Throttled
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return inventory.Transient
	case http.StatusProxyAuthRequired:
		return inventory.Misconfigured
	}
	switch {
	case status >= 500:
		return inventory.Transient
	case status >= 400:
		return inventory.Refused
	case status == http.StatusOK && strings.HasPrefix(code, "WKS."):
		// The documentation has codes with status 200 for what is refused.
		return inventory.Refused
	default:
		return inventory.Malformed
	}
}

// classifyCode knows the codes whose meaning does not follow from the status.
func classifyCode(code string) (inventory.FailureKind, bool) {
	switch strings.Replace(code, "APIG.", "APIGW.", 1) {
	case "APIGW.0101", "APIGW.0103", "APIGW.0104", "APIGW.0105": // no such API here
		return inventory.Misconfigured, true
	case "APIGW.0301", "APIGW.0303", "APIGW.0304", "APIGW.0305", "APIGW.0306", "APIGW.0307":
		return inventory.Authentication, true
	case "APIGW.0302", "APIGW.0310", "APIGW.0401", "APIGW.0402", "APIGW.0802":
		return inventory.Denied, true
	case "APIGW.0308":
		return inventory.Throttled, true
	case "APIGW.0601", "APIGW.0610", "APIGW.0613":
		return inventory.Transient, true
	case "WKS.00010099":
		return inventory.Disabled, true
	case "WKS.0202", "WKS.0915": // not found, sent with status 500
		return inventory.Refused, true
	case "WKS.0407", "WKS.00010032": // busy, sent with status 400; conflict
		return inventory.Transient, true
	}
	return 0, false
}

// permission names the IAM action that a call needs.
func permission(operation string) string {
	switch operation {
	case opList:
		return "workspace:desktops:list"
	case opNetworks:
		return "workspace:desktops:listDesktopNetworks"
	case opBindings:
		return "workspace:networks:listEips"
	case opProjects, opVisible: // the second needs none by the documentation, and the first stands in for it
		return "iam:projects:listProjects"
	}
	return ""
}

// dependencies names the actions that the cloud itself needs, in the user's
// name, to answer a call.
func dependencies(operation string) string {
	switch operation {
	case opNetworks:
		return "vpc:vpcs:get, vpc:subnets:get, vpc:networks:get, vpc:ports:get, vpc:securityGroups:get and eip:publicIps:list"
	case opBindings:
		return "eip:publicIps:list and eip:bandwidths:list"
	}
	return ""
}

// remedy says what to do about a refusal.
func remedy(operation string, k inventory.FailureKind, code string) string {
	switch k {
	case inventory.Denied:
		switch strings.Replace(code, "APIG.", "APIGW.", 1) {
		case "APIGW.0310":
			return "check project_id, and that the project is neither frozen nor deleted"
		case "APIGW.0401", "APIGW.0402":
			return "allow this host's address in the access control of the IAM user or the API"
		case "APIGW.0802":
			return "allow the IAM user to use this region"
		}
		text := "grant the key's user the IAM action " + permission(operation)
		if d := dependencies(operation); d != "" {
			text += ", which depends on " + d
		}
		return text
	case inventory.Disabled:
		return "enable Workspace in this project, or remove the project from the configuration"
	case inventory.Authentication:
		return "check access_key, secret_key and security_token: a changed file is picked up without a restart"
	case inventory.Throttled:
		return "lower limits.requests_per_minute if others use the quota of this user, too"
	case inventory.Misconfigured:
		return "check region, endpoint and iam_endpoint"
	case inventory.Malformed:
		return "check endpoint and http.proxy_url: what answers is not the API"
	case inventory.Transient, inventory.Incomplete, inventory.Refused:
	}
	return ""
}
