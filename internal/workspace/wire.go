// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	sdkconfig "github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// maxAnswer bounds what is read of an answer. A page of 1000 desktops has
// about 1 MB.
const maxAnswer = 64 << 20

// operation is one call of the API: the SDK's name of it, and the SDK's way to
// make it.
type operation struct {
	name string
	send func(*sdk.HcHttpClient) error
}

// wire makes calls to one endpoint.
type wire struct {
	transport http.RoundTripper
	endpoint  string
	projectID string // "": the call belongs to no project, as those to IAM
	userAgent string
}

// do makes one call, signed with k, and gives the answer as it came, whatever
// its status. The SDK has no context and panics on some answers; a client that
// lives for one call, over a round tripper that keeps the answer to itself,
// gives it the one and spares it the other.
func (w *wire) do(ctx context.Context, k *credentials.Key, op operation) (a *apierror.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			// What it panicked with may quote the request.
			a, err = nil, fmt.Errorf("%w: it panicked", apierror.ErrSDK)
		}
	}()
	signer, err := basic.NewCredentialsBuilder().WithAk(k.AccessKey).WithSk(k.SecretKey).
		WithSecurityToken(k.SecurityToken).WithProjectId(w.projectID).SafeBuild()
	if err != nil {
		return nil, apierror.ErrSDK
	}
	t := &tap{ctx: ctx, next: w.transport}
	client, err := sdk.NewHcHttpClientBuilder().
		WithEndpoint(w.endpoint). // never WithRegion: the SDK would ask IAM, without a context
		WithCredential(signer).
		WithHttpConfig(sdkconfig.DefaultHttpConfig().WithTimeout(0).WithUserAgent(w.userAgent).WithHttpRoundTripper(t)).
		SafeBuild()
	if err != nil {
		return nil, apierror.ErrSDK
	}
	// Messages are for people who look at the wire; codes do not depend on it.
	sdkErr := op.send(client.WithExtraHeaders(map[string]string{"X-Language": "en-us"}))
	switch {
	case t.answer != nil:
		return t.answer, nil
	case t.err != nil:
		return nil, t.err
	case sdkErr != nil:
		return nil, apierror.ErrSDK
	default:
		return nil, fmt.Errorf("%w: it sent none", apierror.ErrSDK)
	}
}

// tap is the round tripper of one call: it binds the call to a context, takes
// the answer, and gives the SDK an empty one that it cannot stumble over.
type tap struct {
	ctx    context.Context
	next   http.RoundTripper
	answer *apierror.Response
	err    error
}

// RoundTrip makes the call.
func (t *tap) RoundTrip(req *http.Request) (*http.Response, error) {
	t.answer, t.err = t.take(req)
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{},
		Body:    io.NopCloser(strings.NewReader("{}")),
		Request: req,
	}, nil
}

func (t *tap) take(req *http.Request) (*apierror.Response, error) {
	resp, err := t.next.RoundTrip(req.WithContext(t.ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.ContentLength > maxAnswer {
		return nil, apierror.TooLargeError{Limit: maxAnswer}
	}
	body, err := readAll(resp.Body, resp.ContentLength)
	if err != nil {
		return nil, err
	}
	return &apierror.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// readAll reads what there is, in one piece if its length is known.
func readAll(from io.Reader, length int64) ([]byte, error) {
	body := make([]byte, 0, max(length, 512)+1)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		case len(body) > maxAnswer:
			return nil, apierror.TooLargeError{Limit: maxAnswer}
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
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
