// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	metadataEndpoint = "http://169.254.169.254"
	metadataTokenTTL = "21600" // seconds
	metadataTimeout  = 3 * time.Second
)

// metadataProvider has the key of the agency of an ECS, by its metadata service.
type metadataProvider struct{ *tokenClient }

// Changed returns false: the key expires.
func (metadataProvider) Changed() bool { return false }

// Retrieve requests a session token, and a key with it.
func (p metadataProvider) Retrieve(ctx context.Context) (*Key, error) {
	header := map[string]string{}
	_, token, err := p.do(ctx, request{
		rt: p.direct, method: http.MethodPut, url: metadataEndpoint + "/meta-data/latest/api/token",
		header: map[string]string{"X-Metadata-Token-Ttl-Seconds": metadataTokenTTL}, timeout: metadataTimeout,
	})
	var refused *statusError
	switch {
	case err == nil:
		header["X-Metadata-Token"] = string(bytes.TrimSpace(token))
	case errors.As(err, &refused) && (refused.status == 404 || refused.status == 405 || refused.status == 503):
		// An older service, which has no session tokens.
	default:
		return nil, err
	}
	_, body, err := p.do(ctx, request{
		rt: p.direct, method: http.MethodGet, url: metadataEndpoint + "/openstack/latest/securitykey",
		header: header, timeout: metadataTimeout,
	})
	if err != nil {
		return nil, err
	}
	return decodeKey(body, "credential")
}
