// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// NormalizeEndpoint returns an endpoint as a URL: with the scheme https if it has
// none, as the SDK does, and without a slash at the end.
func NormalizeEndpoint(endpoint string) string {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	return strings.TrimRight(endpoint, "/")
}
