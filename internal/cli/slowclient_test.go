// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// pipeListener is an in-memory listener, for servers in virtual time.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestSlowClients sends and reads as slowly as possible.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const post = "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
	for name, tc := range map[string]struct {
		send, drip string        // sent at once, and then a byte each second
		ends       time.Duration // when the server closes the connection
		gets       string        // beginning of the response
	}{
		"silent from the start":       {"", "", 10 * time.Second, ""},
		"one byte of header a second": {"", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 10 * time.Second, "HTTP/1.1 400 "},
		"half a header":               {"GET /metrics HTTP/1.1\r\nHo", "", 10 * time.Second, "HTTP/1.1 400 "},
		"a header without end":        {"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 100<<10), "", time.Second, "HTTP/1.1 431 "},
		"a body that never comes":     {post + "abc", "", 30 * time.Second, "HTTP/1.1 200 "},
		"a body of a byte a second":   {post, strings.Repeat("b", 99), 30 * time.Second, "HTTP/1.1 200 "},
		"idle after an answer":        {"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", "", 2 * time.Minute, "HTTP/1.1 200 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := apptest.New(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
				near := serveInMemory(t, s.Handler)
				begun := time.Now()
				var sending sync.WaitGroup
				sending.Go(func() {
					_, err := io.WriteString(near, tc.send)
					for i := 0; i < len(tc.drip) && err == nil; i++ {
						time.Sleep(time.Second)
						_, err = near.Write([]byte{tc.drip[i]})
					}
				})
				answer, err := io.ReadAll(near)
				if err != nil {
					t.Error(err)
				}
				if took := time.Since(begun).Round(time.Second); took != tc.ends {
					t.Errorf("it was ended after %s, want %s", took, tc.ends)
				}
				if !strings.HasPrefix(string(answer), tc.gets) || tc.gets == "" && len(answer) > 0 {
					t.Errorf("it got %q, want %q", answer, tc.gets)
				}
				_ = near.Close()
				sending.Wait()
			})
		})
	}
}

// serveInMemory serves a handler as the exporter does, and returns a connection.
func serveInMemory(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := newServer(h, log.NewNopLogger())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	near, far := net.Pipe()
	l.conns <- far
	t.Cleanup(func() {
		_ = near.Close()
		_ = server.Shutdown(context.Background())
		<-ended
	})
	return near
}

// TestLongScrape has a scrape that takes longer than all timeouts of the server.
func TestLongScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := apptest.New(t, apptest.OfficeYAML+"    limits: {concurrency: 1}\nrefresh: {timeout: 5m}\n", simulator.GenerateDesktops(250, 1)...)
		s.Cloud.AddFault(simulator.Fault{Latency: 25 * time.Second}) // of the list, and of three batches
		near := serveInMemory(t, s.Handler)
		begun := time.Now()
		go func() {
			_, _ = io.WriteString(near, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 150\r\n\r\n")
		}()
		w, err := http.ReadResponse(bufio.NewReader(near), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != 100*time.Second {
			t.Errorf("it took %s, want 100s", took)
		}
		if e := apptest.Parse(t, string(body)); e.Sum("refresh_duration_seconds") != 100 {
			t.Errorf("the refresh that is shown took %vs, want 100: it was answered from memory", e.Sum("refresh_duration_seconds"))
		}
	})
}
