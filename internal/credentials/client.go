// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
)

const maxTokenResponse = 1 << 20 // bytes

// tokenClient sends requests to the services that issue temporary keys.
type tokenClient struct {
	direct    http.RoundTripper // to services of this host, never through a proxy
	iam       IAM
	getenv    func(string) string
	now       func() time.Time
	userAgent string
}

// IAM is the cloud's service that issues temporary keys for identity tokens.
type IAM struct {
	Transport  http.RoundTripper // through the configured proxy
	Endpoint   string            // URL with scheme and host
	Configured bool              // Endpoint is of the configuration, which prevails over a profile file
}

// request is a request for a token or a key.
type request struct {
	rt      http.RoundTripper
	method  string
	url     string
	header  map[string]string
	body    any // sent as JSON; nil: none
	timeout time.Duration
}

// statusError is the error of a response whose status is not 2xx. It does not
// contain the body, which may contain secrets.
type statusError struct {
	host   string
	status int
}

// Error returns the message.
func (e *statusError) Error() string { return fmt.Sprintf("%s returned HTTP %d", e.host, e.status) }

// do sends a request, and returns header and body of a 2xx response. It does not
// follow redirects.
func (c *tokenClient) do(ctx context.Context, r request) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	resp, err := r.rt.RoundTrip(req)
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, nil, ctx.Err()
		}
		return nil, nil, errors.New(httptransport.Explain(req.URL.Host, err).Detail)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenResponse))
	if err != nil {
		return nil, nil, errors.New(httptransport.Explain(req.URL.Host, err).Detail)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, nil, &statusError{req.URL.Host, resp.StatusCode}
	}
	return resp.Header, text, nil
}

func (c *tokenClient) newRequest(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, errors.New("the endpoint is not a URL") // err quotes it
	}
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// temporaryCredentials is a temporary key, in the spellings of the three
// services.
type temporaryCredentials struct {
	Access        string `json:"access"`
	AccessKeyID   string `json:"accessKeyId"`
	Secret        string `json:"secret"`
	SecretKey     string `json:"secretAccessKey"`
	SecurityToken string `json:"securitytoken"` // matches securityToken, too
	ExpiresAt     string `json:"expires_at"`
	Expiration    string `json:"expiration"`
}

// decodeKey returns the temporary key in a member of a response body.
func decodeKey(body []byte, member string) (*Key, error) {
	var outer map[string]json.RawMessage
	var t temporaryCredentials
	if json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer[member], &t) != nil {
		return nil, errors.New("the response has no credentials")
	}
	k := NewKey(cmp.Or(t.Access, t.AccessKeyID), cmp.Or(t.Secret, t.SecretKey), t.SecurityToken)
	if k.AccessKey == "" || k.SecretKey == "" || k.SecurityToken == "" {
		return nil, errors.New("the credentials in the response are incomplete")
	}
	expires, err := time.Parse(time.RFC3339Nano, cmp.Or(t.ExpiresAt, t.Expiration))
	if err != nil {
		return nil, errors.New("the credentials in the response have no valid expiry time")
	}
	k.Expires = expires
	return k, nil
}
