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

// Start serves the cloud on a TCP address such as 127.0.0.1:0 and gives its
// URL. stop ends it at once, hanging answers included, and waits for all that
// was started. A cloud may be started several times, stopped parts included.
func (c *Cloud) Start(address string) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("start simulated cloud: %w", err)
	}
	return "http://" + l.Addr().String(), c.Serve(l), nil
}

// StartInMemory serves the cloud on pipes instead of sockets, for tests in
// virtual time: dial is a DialContext for an http.Transport, whatever the host.
func (c *Cloud) StartInMemory() (dial func(ctx context.Context, network, address string) (net.Conn, error), stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l.dial, c.Serve(l)
}

// Serve serves the cloud on a listener until stop is called, which waits for
// all that was started.
func (c *Cloud) Serve(l net.Listener) (stop func()) {
	var busy sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           c,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // comes while Serve, which is counted too, still runs
				busy.Add(1)
			case http.StateClosed, http.StateHijacked:
				busy.Done()
			case http.StateActive, http.StateIdle:
			}
		},
	}
	busy.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("simulated cloud: %v", err))
		}
	})
	return func() {
		cancel()           // ends answers that hang, whatever their connections know
		_ = server.Close() // its error is the listener's, which nobody needs any more
		busy.Wait()
	}
}

// maxBody bounds what a caller may send; the real gateway takes 12 MB.
const maxBody = 12 << 20

// readRequest takes a call in and finds out what it asks.
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

// writeResponse sends an answer, as far as faults let it.
func (c *Cloud) writeResponse(w http.ResponseWriter, r *http.Request, x *request, a response) {
	e := x.effect
	switch {
	case e.ResetConnection:
		resetConnection(w)
		return
	case e.HangBeforeHeader:
		c.hang(r)
		panic(http.ErrAbortHandler)
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
		panic(http.ErrAbortHandler) // breaks the connection: less came than was promised
	case e.SlowBody > 0:
		c.writeSlowly(w, r, a.body, e.SlowBody)
	default:
		_, _ = w.Write(a.body) // a caller that left is no concern of the cloud
	}
}

// slowBodyChunks is the number of pieces of a body that drips.
const slowBodyChunks = 8

func (c *Cloud) writeSlowly(w http.ResponseWriter, r *http.Request, body []byte, every time.Duration) {
	for i := range slowBodyChunks {
		if i > 0 && !c.wait(r, every) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[i*len(body)/slowBodyChunks : (i+1)*len(body)/slowBodyChunks])
		flush(w)
	}
}

// wait waits, and says false when the caller left meanwhile.
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

// hang waits until the caller leaves or the cloud is closed.
func (c *Cloud) hang(r *http.Request) {
	select {
	case <-c.stop:
	case <-r.Context().Done():
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// resetConnection closes the connection under the caller, on TCP with a reset.
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

// pipeListener hands the far ends of pipes to a server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept gives the next dialled connection.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and dial.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr names the pipe.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
