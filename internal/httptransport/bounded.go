// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// maxConnectionAge bounds for how long new requests use a connection, so that a
// changed DNS record is followed while the old address still responds.
const maxConnectionAge = 5 * time.Minute

// maxSends is the number of times that net/http may write one request: the
// request itself, and one retry if an idle connection turns out to be closed.
const maxSends = 2

var (
	// ErrUpgrade is the error of a response that switches protocols.
	ErrUpgrade = errors.New("the response switches protocols")
	// ErrRepeated is the error of a request that net/http would write again and
	// again, as to a server that refuses each HTTP/2 stream.
	ErrRepeated = errors.New("the connection was closed before a response, repeatedly")
)

// Transport bounds what [http.Transport] does not: the age of connections, hidden
// retries, and responses that outlive the context of their request.
type Transport struct {
	newTransport func() *http.Transport

	mu        sync.Mutex
	transport *http.Transport
	created   time.Time
}

func newBounded(newTransport func() *http.Transport) *Transport {
	return &Transport{newTransport: newTransport, transport: newTransport(), created: time.Now()}
}

// RoundTrip implements http.RoundTripper. The end of the request's context
// closes the body of the response.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := t.current().RoundTrip(req.WithContext(limitSends(ctx, cancel)))
	if err == nil && resp.StatusCode < http.StatusOK {
		_ = resp.Body.Close()
		err = ErrUpgrade
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), ErrRepeated) {
			err = ErrRepeated
		}
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	body := resp.Body
	stop := context.AfterFunc(ctx, func() { _ = body.Close() })
	resp.Body = &boundBody{ReadCloser: body, ctx: ctx, cancel: cancel, stop: stop}
	return resp, nil
}

// CloseIdleConnections closes the connections that are not in use.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	current := t.transport
	t.mu.Unlock()
	current.CloseIdleConnections()
}

// current returns the transport for a new request. A transport that is replaced
// closes each connection once it is idle for IdleConnTimeout.
func (t *Transport) current() *http.Transport {
	t.mu.Lock()
	current, old := t.transport, (*http.Transport)(nil)
	if time.Since(t.created) >= maxConnectionAge {
		old, current = current, t.newTransport()
		t.transport, t.created = current, time.Now()
	}
	t.mu.Unlock()
	if old != nil {
		old.CloseIdleConnections()
	}
	return current
}

// limitSends returns a context that ends before a request is written more than
// maxSends times.
func limitSends(ctx context.Context, cancel context.CancelCauseFunc) context.Context {
	var sends atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sends.Add(1) },
		GotConn: func(info httptrace.GotConnInfo) {
			if sends.Load() < maxSends {
				return
			}
			cancel(ErrRepeated)
			// HTTP/2 checks the context before it writes, HTTP/1.1 may not. Its connection
			// is of this request alone.
			if c, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState }); !ok || c.ConnectionState().NegotiatedProtocol != "h2" {
				_ = info.Conn.Close()
			}
		},
	})
}

// boundBody is a response body that ends with the context of its request.
type boundBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stop   func() bool
}

// Read implements io.Reader.
func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = b.ctx.Err()
	}
	return n, err
}

// Close implements io.Closer.
func (b *boundBody) Close() error {
	b.stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
