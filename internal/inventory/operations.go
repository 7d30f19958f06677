// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

// The operations of the API, by the SDK's names. They are the values of
// Failure.Operation and of the label operation.
const (
	ListDesktops             = "ListDesktops"
	ShowDesktopNetworks      = "ShowDesktopNetworks"
	ListDesktopsEips         = "ListDesktopsEips"
	KeystoneListProjects     = "KeystoneListProjects"
	KeystoneListAuthProjects = "KeystoneListAuthProjects"
)
