// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Start serves the cloud on a TCP address such as 127.0.0.1:0, and returns its URL.
// stop aborts all responses and waits for all goroutines. A cloud can be started
// several times, also after stop.
func (c *Cloud) Start(address string) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("start simulated cloud: %w", err)
	}
	return "http://" + l.Addr().String(), c.Serve(l), nil
}

// StartInMemory serves the cloud on pipes instead of sockets, for tests in virtual
// time. dial is a DialContext for http.Transport that accepts any address.
func (c *Cloud) StartInMemory() (dial func(ctx context.Context, network, address string) (net.Conn, error), stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l.dial, c.Serve(l)
}

// Serve serves the cloud on a listener until stop is called. stop waits for all
// goroutines.
func (c *Cloud) Serve(l net.Listener) (stop func()) {
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           c,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // before Serve returns, so that the counter is not zero
				running.Add(1)
			case http.StateClosed, http.StateHijacked:
				running.Done()
			case http.StateActive, http.StateIdle:
			}
		},
	}
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("simulated cloud: %v", err))
		}
	})
	return func() {
		cancel()           // aborts hanging responses
		_ = server.Close() // an error of closing the listener is irrelevant
		running.Wait()
	}
}

// maxBody is the limit of request bodies in bytes, as of the real gateway.
const maxBody = 12 << 20

// readRequest reads a request and returns its route, which is nil for an unknown
// API. The last result is false if the client disconnected.
func (c *Cloud) readRequest(r *http.Request) (*request, *route, bool) {
	x := &request{}
	if r.ContentLength != 0 {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return nil, nil, false
		}
		x.body = body
	}
	route, project := c.findRoute(r.Method, r.URL.Path)
	x.query = r.URL.Query()
	x.Call = Call{
		Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Header: r.Header,
		Project: project, AccessKey: accessKey(r), Time: c.now(),
	}
	if route != nil {
		x.Operation = route.operation
		x.IDs = x.query[route.idsParameter]
	}
	return x, route, true
}

// writeResponse sends a response, with the effects of faults.
func (c *Cloud) writeResponse(w http.ResponseWriter, r *http.Request, x *request, a response) {
	e := x.effect
	switch {
	case e.ResetConnection:
		resetConnection(w)
		return
	case e.HangBeforeHeader:
		c.hang(r)
		panic(http.ErrAbortHandler)
	case e.RawResponse != nil:
		writeRaw(w, e.RawResponse)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Request-Id", x.RequestID)
	h.Set("Server", "api-gateway")
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		a.body = nil
	} else {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	maps.Copy(h, a.header)
	maps.Copy(h, e.Header)
	w.WriteHeader(a.status)
	switch {
	case e.HangAfterHeader:
		flush(w)
		c.hang(r)
		panic(http.ErrAbortHandler)
	case e.HangInBody, e.TruncateBody:
		_, _ = w.Write(a.body[:len(a.body)/2])
		flush(w)
		if e.HangInBody {
			c.hang(r)
		}
		panic(http.ErrAbortHandler) // closes the connection: the body is shorter than Content-Length
	case e.SlowBody > 0:
		c.writeSlowly(w, r, a.body, e.SlowBody)
	default:
		_, _ = w.Write(a.body) // the client may have disconnected
	}
}

// slowBodyChunks is the number of chunks of a body with Fault.SlowBody.
const slowBodyChunks = 8

func (c *Cloud) writeSlowly(w http.ResponseWriter, r *http.Request, body []byte, interval time.Duration) {
	for i := range slowBodyChunks {
		if i > 0 && !c.wait(r, interval) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[i*len(body)/slowBodyChunks : (i+1)*len(body)/slowBodyChunks])
		flush(w)
	}
}

// wait waits for d, and reports false if the client disconnected meanwhile.
func (c *Cloud) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.stop:
		return true
	case <-r.Context().Done():
		return false
	}
}

// hang waits until the client disconnects or the cloud is closed.
func (c *Cloud) hang(r *http.Request) {
	select {
	case <-c.stop:
	case <-r.Context().Done():
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// resetConnection closes the connection, on TCP with a reset.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// writeRaw sends bytes in place of a response, and closes the connection.
func writeRaw(w http.ResponseWriter, raw []byte) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write(raw) // the client may have disconnected
	_ = conn.Close()
}

// pipeListener is a net.Listener of in-memory connections.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the next connection from dial.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and dial fail.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a constant address.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
