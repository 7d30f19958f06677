// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package apierror

import "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"

// requiredAction returns the IAM action that the caller of an operation needs.
func requiredAction(operation string) string {
	switch operation {
	case inventory.ListDesktops:
		return "workspace:desktops:list"
	case inventory.ShowDesktopNetworks:
		return "workspace:desktops:listDesktopNetworks"
	case inventory.ListDesktopsEips:
		return "workspace:networks:listEips"
	case inventory.KeystoneListProjects, inventory.KeystoneListAuthProjects:
		// The second one needs no action by the documentation. Where it is denied,
		// the first one replaces it.
		return "iam:projects:listProjects"
	}
	return ""
}

// dependentActions returns the IAM actions that the cloud itself uses, on behalf
// of the caller, to execute an operation.
func dependentActions(operation string) string {
	switch operation {
	case inventory.ShowDesktopNetworks:
		return "vpc:vpcs:get, vpc:subnets:get, vpc:networks:get, vpc:ports:get, vpc:securityGroups:get and eip:publicIps:list"
	case inventory.ListDesktopsEips:
		return "eip:publicIps:list and eip:bandwidths:list"
	}
	return ""
}

// Hint returns what the operator can do about a failure with this kind and error
// code, or "" if there is nothing to do.
func Hint(operation string, kind inventory.FailureKind, code string) string {
	switch kind {
	case inventory.Denied:
		switch gatewayCode(code) {
		case "APIGW.0310":
			return "check project_id, and that the project is neither frozen nor deleted"
		case "APIGW.0401", "APIGW.0402":
			return "allow this host's address in the access control of the IAM user or the API"
		case "APIGW.0802":
			return "allow the IAM user to use this region"
		}
		text := "grant the key's user the IAM action " + requiredAction(operation)
		if d := dependentActions(operation); d != "" {
			text += ", which depends on " + d
		}
		return text
	case inventory.Disabled:
		return "enable Workspace in this project, or remove the project from the configuration"
	case inventory.Authentication:
		return "check access_key, secret_key and security_token; a changed file is reloaded without a restart"
	case inventory.Throttled:
		return "lower limits.requests_per_minute if other clients use the quota of this user"
	case inventory.Misconfigured:
		return "check region, endpoint and iam_endpoint"
	case inventory.Malformed:
		return "check endpoint and http.proxy_url; the response is not from the API"
	case inventory.Transient, inventory.Incomplete, inventory.Refused:
	}
	return ""
}
