// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Environment variables that CCE sets in pods with an identity.
const (
	EnvPodIdentityURI = "HC_CONTAINER_CREDENTIALS_FULL_URI"
	EnvPodTokenFile   = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

const podIdentityTimeout = 10 * time.Second

// podIdentityProvider has the key of a pod of a CCE cluster, by the cluster's
// agent.
type podIdentityProvider struct{ *tokenClient }

// Changed returns false: the key expires.
func (podIdentityProvider) Changed() bool { return false }

// Retrieve exchanges the pod's token for a key.
func (p podIdentityProvider) Retrieve(ctx context.Context) (*Key, error) {
	uri, file := p.getenv(EnvPodIdentityURI), p.getenv(EnvPodTokenFile)
	if uri == "" || file == "" {
		return nil, fmt.Errorf("%s and %s are not set", EnvPodIdentityURI, EnvPodTokenFile)
	}
	token, err := readSecret(file)
	if err != nil {
		return nil, err
	}
	_, body, err := p.do(ctx, request{
		rt: p.direct, method: http.MethodPost, url: uri, body: struct{}{},
		header: map[string]string{"Authorization": token}, timeout: podIdentityTimeout,
	})
	if err != nil {
		return nil, err
	}
	return decodeKey(body, "credentials")
}
