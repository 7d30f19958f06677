// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http2"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// call sends a GET request and reads the response.
func call(ctx context.Context, t *testing.T, rt http.RoundTripper, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func insecureHTTP2() config.HTTP {
	return config.HTTP{EnableHTTP2: true, TLS: promconfig.TLSConfig{InsecureSkipVerify: true}}
}

// pipeListener accepts in-memory connections.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// silentConn is a connection whose packets are dropped once it is frozen.
type silentConn struct {
	net.Conn
	frozen atomic.Bool
}

func (c *silentConn) Write(p []byte) (int, error) {
	if c.frozen.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// TestSilentHTTP2Connection checks that a connection whose packets are dropped
// is closed before the deadline of a request, and is not used again.
func TestSilentHTTP2Connection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.Listener = l
		server.EnableHTTP2 = true
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		defer server.Close()
		var dialled []*silentConn
		p := NewPool(func(context.Context, string, string) (net.Conn, error) {
			client, peer := net.Pipe()
			l.conns <- peer
			c := &silentConn{Conn: client}
			dialled = append(dialled, c)
			return c, nil
		}, noEnv)
		rt, release, err := p.Get(insecureHTTP2())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if err := call(t.Context(), t, rt, "https://workspace.test/"); err != nil {
			t.Fatal(err)
		}
		dialled[0].frozen.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err = call(ctx, t, rt, "https://workspace.test/")
		if ctx.Err() != nil {
			t.Fatalf("the request waited for its deadline on a dead connection: %v", err)
		}
		if err := call(ctx, t, rt, "https://workspace.test/"); err != nil || len(dialled) != 2 {
			t.Errorf("the next request: %v, on connection %d; want success on the second", err, len(dialled))
		}
	})
}

func TestConnectionAgeIsBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for _, http2 := range []bool{false, true} {
		var dials atomic.Int32
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return dialer().DialContext(ctx, network, address)
		}
		cfg := insecureHTTP2()
		cfg.EnableHTTP2 = http2
		rt, err := build(cfg, dial, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		g := rt.(*Transport)
		for _, want := range []int32{1, 1, 2, 2} {
			if want == 2 && dials.Load() == 1 {
				g.created = g.created.Add(-maxConnectionAge)
			}
			if err := call(t.Context(), t, rt, server.URL); err != nil {
				t.Fatal(err)
			}
			if dials.Load() != want {
				t.Errorf("HTTP/2 %t: %d connections, want %d", http2, dials.Load(), want)
			}
		}
		g.CloseIdleConnections()
	}
}

// TestUpgradeIsRefused checks that a response that switches protocols ends the
// request: net/http detaches its connection from the request's context.
func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			closed <- err
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, err = c.Read(make([]byte, 1))
		closed <- err
	}))
	defer server.Close()
	if err := call(t.Context(), t, NewDirect(nil), server.URL); !errors.Is(err, ErrUpgrade) {
		t.Errorf("error %v, want ErrUpgrade", err)
	}
	if err := <-closed; !errors.Is(err, io.EOF) {
		t.Errorf("the server read %v, want EOF: the connection is closed", err)
	}
}

// TestHTTP2RepeatsAreBounded checks how often a request is sent to a server that
// answers each with GOAWAY, which makes net/http send it again.
func TestHTTP2RepeatsAreBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil) // for its certificate
	server.StartTLS()
	certificates := server.TLS.Certificates
	server.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var requests atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go goAway(c, &requests)
		}
	}()
	rt, err := build(insecureHTTP2(), nil, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := call(ctx, t, rt, "https://"+l.Addr().String()); !errors.Is(err, ErrRepeated) {
		t.Errorf("error %v, want ErrRepeated", err)
	}
	if n := requests.Load(); n > maxSends {
		t.Errorf("%d requests on the wire, want at most %d", n, maxSends)
	}
}

// goAway counts the requests of a connection and refuses them.
func goAway(c net.Conn, requests *atomic.Int32) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	_ = f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			requests.Add(1)
			_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
}

// TestHTTP1RepeatsAreBounded checks the same for idle connections that the
// server closes, one after the other, when it gets a request.
func TestHTTP1RepeatsAreBounded(t *testing.T) {
	t.Parallel()
	const idle = 6
	var refuse atomic.Bool
	var requests atomic.Int32
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := requests.Add(1)
		if refuse.Load() {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
			return
		}
		if n == idle {
			close(all)
		}
		<-all // so that each request has a connection of its own
	}))
	defer server.Close()
	rt := NewDirect(nil)
	var wg sync.WaitGroup
	for range idle {
		wg.Go(func() {
			if err := call(t.Context(), t, rt, server.URL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	refuse.Store(true)
	requests.Store(0)
	if err := call(t.Context(), t, rt, server.URL); !errors.Is(err, ErrRepeated) {
		t.Errorf("error %v, want ErrRepeated", err)
	}
	if n := requests.Load(); n > maxSends {
		t.Errorf("%d requests on the wire, want at most %d", n, maxSends)
	}
}
