// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
)

// connection is what requests to all endpoints of a project or account share.
type connection struct {
	transport http.RoundTripper
	keys      *credentials.Cache
	release   func()
}

// connect returns the connection for credentials and network settings. It sends
// nothing. configuredIAM is the endpoint in the configuration, or "".
func (c *Client) connect(cfg *config.Credentials, network config.HTTP, iam, configuredIAM string) (*connection, error) {
	transport, releaseTransport, err := c.transports.Get(network)
	if err != nil {
		return nil, err
	}
	keys, releaseKeys, err := c.credentials.Get(cfg, credentials.IAM{Transport: transport, Endpoint: iam, Configured: configuredIAM != ""})
	if err != nil {
		releaseTransport()
		return nil, err
	}
	return &connection{transport, keys, func() {
		releaseKeys()
		releaseTransport()
	}}, nil
}
