// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
)

// Why not the SDK's own accessors: they know no context, keep no lock, read
// without bound, panic on an answer without credentials, and send the metadata
// service's secrets through HTTP_PROXY.

const (
	metadataEndpoint = "http://169.254.169.254"
	metadataTimeout  = 3 * time.Second
	metadataTTL      = "21600"
	temporarySeconds = 6 * 60 * 60
	maxCredentials   = 1 << 20
)

// remote asks the services that give temporary keys.
type remote struct {
	api           http.RoundTripper // to IAM, through the proxy if there is one
	direct        http.RoundTripper // to this host's own services, never through a proxy
	iam           string            // endpoint
	iamFromConfig string
	getenv        func(string) string
	now           func() time.Time
	userAgent     string
}

// question is one request for credentials.
type question struct {
	rt      http.RoundTripper
	method  string
	url     string
	header  map[string]string
	body    any
	timeout time.Duration
}

// statusError is an answer that is no success. It does not hold the body,
// which may hold anything.
type statusError struct {
	host   string
	status int
}

func (e *statusError) Error() string { return fmt.Sprintf("%s answers HTTP %d", e.host, e.status) }

func (r *remote) ask(ctx context.Context, q question) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, nil, fmt.Errorf("write request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, body)
	if err != nil {
		return nil, nil, errors.New("the endpoint is not a URL")
	}
	req.Header.Set("User-Agent", r.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	resp, err := q.rt.RoundTrip(req) // without a client: redirects are not followed
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, nil, ctx.Err()
		}
		return nil, nil, errors.New(httptransport.Explain(req.URL.Host, err).Detail)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxCredentials))
	if err != nil {
		return nil, nil, errors.New(httptransport.Explain(req.URL.Host, err).Detail)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, nil, &statusError{req.URL.Host, resp.StatusCode}
	}
	return resp.Header, text, nil
}

// temporary is a temporary key in the spellings of the three services.
type temporary struct {
	Access        string `json:"access"`
	AccessKeyID   string `json:"accessKeyId"`
	Secret        string `json:"secret"`
	SecretKey     string `json:"secretAccessKey"`
	SecurityToken string `json:"securitytoken"` // matches securityToken, too
	ExpiresAt     string `json:"expires_at"`
	Expiration    string `json:"expiration"`
}

// decodeTemporary reads a temporary key out of the named member of an answer.
func decodeTemporary(body []byte, member string) (*key, error) {
	var outer map[string]json.RawMessage
	var t temporary
	if json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer[member], &t) != nil {
		return nil, errors.New("the answer holds no credentials")
	}
	k := newKey(cmp.Or(t.Access, t.AccessKeyID), cmp.Or(t.Secret, t.SecretKey), t.SecurityToken)
	if k.access == "" || k.secret == "" || k.token == "" {
		return nil, errors.New("the answer holds no whole credentials")
	}
	var err error
	k.expires, err = parseExpiry(cmp.Or(t.ExpiresAt, t.Expiration))
	return k, err
}

// parseExpiry reads the time at which temporary keys end, in the ways that the
// services write it.
func parseExpiry(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errors.New("the answer does not say when the keys expire")
	}
	return t, nil
}

// agency is the metadata service of an ECS with an agency.
type agency struct{ *remote }

func (agency) look() bool { return false }

func (a agency) fetch(ctx context.Context) (*key, error) {
	header := map[string]string{}
	_, token, err := a.ask(ctx, question{
		rt: a.direct, method: http.MethodPut, url: metadataEndpoint + "/meta-data/latest/api/token",
		header: map[string]string{"X-Metadata-Token-Ttl-Seconds": metadataTTL}, timeout: metadataTimeout,
	})
	var refused *statusError
	switch {
	case err == nil:
		header["X-Metadata-Token"] = string(bytes.TrimSpace(token))
	case errors.As(err, &refused) && (refused.status == 404 || refused.status == 405 || refused.status == 503):
		// An older service, which asks for no token.
	default:
		return nil, err
	}
	_, body, err := a.ask(ctx, question{
		rt: a.direct, method: http.MethodGet, url: metadataEndpoint + "/openstack/latest/securitykey",
		header: header, timeout: metadataTimeout,
	})
	if err != nil {
		return nil, err
	}
	return decodeTemporary(body, "credential")
}

// podIdentity is the agent that gives keys to the pods of a CCE cluster.
type podIdentity struct{ *remote }

func (podIdentity) look() bool { return false }

func (p podIdentity) fetch(ctx context.Context) (*key, error) {
	uri, file := p.getenv(envPodURI), p.getenv(envPodToken)
	if uri == "" || file == "" {
		return nil, fmt.Errorf("%s and %s are not set", envPodURI, envPodToken)
	}
	token, err := readSecret(file)
	if err != nil {
		return nil, err
	}
	_, body, err := p.ask(ctx, question{
		rt: p.direct, method: http.MethodPost, url: uri, body: struct{}{},
		header: map[string]string{"Authorization": token}, timeout: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return decodeTemporary(body, "credentials")
}

// federation changes the token of an identity provider, in a file that somebody
// else renews, for a temporary key.
type federation struct {
	*remote
	idp, tokenFile string
}

func (federation) look() bool { return false }

func (f federation) fetch(ctx context.Context) (*key, error) {
	idToken, err := readSecret(f.tokenFile)
	if err != nil {
		return nil, err
	}
	type object map[string]any
	header, _, err := f.ask(ctx, question{
		rt: f.api, method: http.MethodPost, url: f.iam + "/v3.0/OS-AUTH/id-token/tokens",
		header:  map[string]string{"X-Idp-Id": f.idp},
		body:    object{"auth": object{"id_token": object{"id": idToken}}},
		timeout: callTimeout,
	})
	if err != nil {
		return nil, err
	}
	token := header.Get("X-Subject-Token")
	if token == "" {
		return nil, fmt.Errorf("%s gives no token", hostOf(f.iam))
	}
	_, body, err := f.ask(ctx, question{
		rt: f.api, method: http.MethodPost, url: f.iam + "/v3.0/OS-CREDENTIAL/securitytokens",
		body: object{"auth": object{"identity": object{
			"methods": []string{"token"},
			"token":   object{"id": token, "duration_seconds": temporarySeconds},
		}}},
		timeout: callTimeout,
	})
	if err != nil {
		return nil, err
	}
	return decodeTemporary(body, "credential")
}

// hostOf gives the host of an endpoint, for messages.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "the endpoint"
	}
	return u.Host
}
