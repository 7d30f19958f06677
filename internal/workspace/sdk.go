// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	sdk "github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	sdkconfig "github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// maxResponse bounds the body of a response, in bytes. A page of 1000 desktops
// has about 1 MB.
const maxResponse = 64 << 20

// requestTimeout bounds one request, from dialling to the end of the response.
const requestTimeout = 30 * time.Second

// operation is one operation of the API: the SDK's name of it, and a function
// that sends a request for it with a client of the SDK.
type operation struct {
	name string
	send func(*sdk.HcHttpClient) error
}

// sdkCaller has the SDK build, sign and send requests to one endpoint.
//
// The SDK takes no context, and decodes and may panic on the response. So each
// request gets its own client of the SDK, over a transport that adds the context
// and captures the response before the SDK reads it.
type sdkCaller struct {
	transport http.RoundTripper
	endpoint  string
	userAgent string
}

// do returns the response whatever its status.
func (c *sdkCaller) do(ctx context.Context, r *request) (resp *apierror.Response, err error) {
	defer func() {
		if p := recover(); p != nil { // the value is dropped: it may quote the request
			resp, err = nil, fmt.Errorf("%w: it panicked", apierror.ErrSDK)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	capture := &captureTransport{ctx: ctx, next: c.transport}
	client, err := c.newClient(r, capture)
	if err != nil {
		return nil, apierror.ErrSDK
	}
	sdkErr := r.send(client)
	switch {
	case capture.response != nil:
		return capture.response, nil
	case capture.err != nil:
		return nil, capture.err
	case sdkErr != nil:
		return nil, apierror.ErrSDK
	default:
		return nil, fmt.Errorf("%w: it sent none", apierror.ErrSDK)
	}
}

// newClient returns a client of the SDK that signs with the key of a request.
func (c *sdkCaller) newClient(r *request, transport http.RoundTripper) (*sdk.HcHttpClient, error) {
	signer, err := basic.NewCredentialsBuilder().WithAk(r.key.AccessKey).WithSk(r.key.SecretKey).
		WithSecurityToken(r.key.SecurityToken).WithProjectId(r.projectID).SafeBuild()
	if err != nil {
		return nil, err
	}
	client, err := sdk.NewHcHttpClientBuilder().
		WithEndpoint(c.endpoint). // never WithRegion: the SDK would send requests to IAM, without a context
		WithCredential(signer).
		WithHttpConfig(sdkconfig.DefaultHttpConfig().WithTimeout(0).WithUserAgent(c.userAgent).WithHttpRoundTripper(transport)).
		SafeBuild()
	if err != nil {
		return nil, err
	}
	// English messages help to read a packet dump; error codes do not depend on it.
	return client.WithExtraHeaders(map[string]string{"X-Language": "en-us"}), nil
}

// captureTransport is the transport of one request. It adds a context, captures
// the response, and returns an empty response to the SDK.
type captureTransport struct {
	ctx      context.Context
	next     http.RoundTripper
	response *apierror.Response
	err      error
}

// RoundTrip implements http.RoundTripper.
func (t *captureTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.response, t.err = t.send(req)
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

func (t *captureTransport) send(req *http.Request) (*apierror.Response, error) {
	var answered atomic.Bool // the first byte of the response arrived
	ctx := httptrace.WithClientTrace(t.ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { answered.Store(true) }})
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, classifyBroken(err, answered.Load())
	}
	defer resp.Body.Close()
	if resp.ContentLength > maxResponse {
		return nil, apierror.TooLargeError{Limit: maxResponse}
	}
	body, err := readAll(resp.Body, resp.ContentLength)
	if err != nil {
		// The errors of an HTTP/2 stream have no exported type: they may be temporary.
		return nil, classifyBroken(err, resp.ProtoMajor == 1 || resp.Uncompressed)
	}
	return &apierror.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// classifyBroken returns [apierror.ErrNotHTTP] for an error of a response that
// began to arrive, unless the connection failed: the peer then violates HTTP, and
// would do so again. The errors of net/http for it have no exported type.
func classifyBroken(err error, answered bool) error {
	var (
		network  net.Error
		tooLarge apierror.TooLargeError
	)
	switch {
	case !answered, errors.As(err, &network), errors.As(err, &tooLarge),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, httptransport.ErrUpgrade), errors.Is(err, httptransport.ErrRepeated):
		return err
	}
	return fmt.Errorf("%w: %w", apierror.ErrNotHTTP, err)
}

// readAll reads a body up to maxResponse, with one allocation if its length is
// known.
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
		case len(body) > maxResponse:
			return nil, apierror.TooLargeError{Limit: maxResponse}
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}
