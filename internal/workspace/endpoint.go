// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/region"
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
	endpoint := withScheme(configured)
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "":
		return "", errors.New("endpoint: not a URL")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		// The SDK would ignore these parts.
		return "", errors.New("endpoint: must consist of a scheme and a host")
	}
	return endpoint, nil
}
