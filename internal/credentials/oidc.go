// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	iamTimeout      = 30 * time.Second // of one request
	oidcKeyLifetime = 6 * time.Hour
)

// oidcProvider has a key for the token of an identity provider, in a file that
// is renewed from outside.
type oidcProvider struct {
	*tokenClient
	idp, tokenFile string
}

// Changed returns false: the key expires.
func (oidcProvider) Changed() bool { return false }

// Retrieve exchanges the identity token for a token of IAM, and that for a key.
func (p oidcProvider) Retrieve(ctx context.Context) (*Key, error) {
	idToken, err := readSecret(p.tokenFile)
	if err != nil {
		return nil, err
	}
	type object map[string]any
	header, _, err := p.do(ctx, request{
		rt: p.iam.Transport, method: http.MethodPost, url: p.iam.Endpoint + "/v3.0/OS-AUTH/id-token/tokens",
		header:  map[string]string{"X-Idp-Id": p.idp},
		body:    object{"auth": object{"id_token": object{"id": idToken}}},
		timeout: iamTimeout,
	})
	if err != nil {
		return nil, err
	}
	token := header.Get("X-Subject-Token")
	if token == "" {
		return nil, fmt.Errorf("%s returned no token", p.iamHost())
	}
	_, body, err := p.do(ctx, request{
		rt: p.iam.Transport, method: http.MethodPost, url: p.iam.Endpoint + "/v3.0/OS-CREDENTIAL/securitytokens",
		body: object{"auth": object{"identity": object{
			"methods": []string{"token"},
			"token":   object{"id": token, "duration_seconds": int(oidcKeyLifetime.Seconds())},
		}}},
		timeout: iamTimeout,
	})
	if err != nil {
		return nil, err
	}
	return decodeKey(body, "credential")
}

func (p oidcProvider) iamHost() string {
	u, err := url.Parse(p.iam.Endpoint)
	if err != nil {
		return "the endpoint"
	}
	return u.Host
}
