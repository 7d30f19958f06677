// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"fmt"
	"net/url"
	"sync"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/region"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// KnownRegion reports whether the SDK has a Workspace endpoint for a region.
func KnownRegion(id string) bool { return regionEndpoint(id) != "" }

// regionMu makes up for the lock that the SDK's cache of regions lacks.
var regionMu sync.Mutex

// regionEndpoint returns the SDK's Workspace endpoint of a region, or "". The
// SDK also reads its environment variables and its file of regions.
func regionEndpoint(id string) string {
	regionMu.Lock()
	defer regionMu.Unlock()
	r, err := region.SafeValueOf(id)
	if err != nil || r == nil || len(r.Endpoints) == 0 {
		return ""
	}
	return r.Endpoints[0]
}

// endpointOf returns the configured endpoint, or the region's.
func endpointOf(regionID, configured string) (string, error) {
	if configured == "" {
		configured = regionEndpoint(regionID)
	}
	if configured == "" {
		return "", fmt.Errorf("region: no Workspace endpoint known for %q; set endpoint", regionID)
	}
	endpoint := config.NormalizeEndpoint(configured)
	if err := config.ValidateEndpoint(endpoint); err != nil {
		return "", fmt.Errorf("endpoint: %w", err)
	}
	return endpoint, nil
}

// iamEndpoint returns the endpoint of IAM: the configured one, or that of the
// SDK's environment variable, or the region's.
func iamEndpoint(region, configured string, getenv func(string) string) string {
	if configured != "" {
		return config.NormalizeEndpoint(configured)
	}
	if env := getenv(config.EnvIAMEndpoint); env != "" {
		return config.NormalizeEndpoint(env)
	}
	switch region {
	case "eu-west-101": // the European cloud has its own domain
		return "https://iam.eu-west-101.myhuaweicloud.eu"
	case "cn-north-1", "cn-north-2", "cn-north-4", "cn-north-9", "cn-north-12", "cn-east-2", "cn-east-3", "cn-east-4",
		"cn-east-5", "cn-south-1", "cn-south-2", "cn-southwest-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
		"ap-southeast-4", "af-south-1", "sa-brazil-1", "la-south-2", "la-north-2", "na-mexico-1", "eu-west-0",
		"my-kualalumpur-1", "ru-moscow-1", "me-east-1", "ae-ad-1", "tr-west-1": // as in the SDK's table
		return "https://iam." + region + ".myhuaweicloud.com"
	default:
		return "https://iam.myhuaweicloud.com"
	}
}

// hostOf returns the host of an endpoint, for messages.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "the endpoint"
	}
	return u.Host
}
