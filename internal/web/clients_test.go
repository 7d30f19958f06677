// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReloadFromAnotherOriginIsRefused(t *testing.T) {
	for _, tc := range []struct {
		header []string
		status int
	}{
		{nil, 200}, // curl, a sidecar
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Origin", "http://example.com"}, 200}, // the host of the request
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "https://attacker.example"}, 403},
		{[]string{"Origin", "null"}, 403},
	} {
		for _, prefix := range []string{"", "/x"} {
			reloads := 0
			h := handler(t, func(o *Options) {
				o.RoutePrefix = prefix
				o.Reload = func() error { reloads++; return nil }
			})
			w := request(h, http.MethodPost, prefix+"/-/reload", tc.header...)
			if w.Code != tc.status || (reloads == 1) != (tc.status == 200) {
				t.Errorf("%q: status %d, %d reloads; want %d", tc.header, w.Code, reloads, tc.status)
			}
			if w := request(h, http.MethodGet, prefix+"/-/healthy", tc.header...); w.Code != 200 {
				t.Errorf("%q: GET has status %d, want 200", tc.header, w.Code)
			}
		}
	}
}

// pipeListener accepts the connections of a channel.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestClientThatNeverReadsIsCut sends requests over connections without buffers and
// reads nothing.
func TestClientThatNeverReadsIsCut(t *testing.T) {
	for _, path := range []string{"/metrics", "/probe?target=bogota", "/inventory", "/status", "/config", "/inventory.json"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				big := strings.Repeat("x", 1<<20)
				var returned time.Time
				h := handler(t, func(o *Options) {
					o.Config = func() string { return big }
					o.Metrics = func(ReadFunc, bool) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, big) })
					}
				})
				listener := make(pipeListener, 1)
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() { returned = time.Now() }()
					h.ServeHTTP(w, r)
				})}
				go func() { _ = server.Serve(listener) }()
				client, conn := net.Pipe()
				listener <- conn
				start := time.Now()
				if _, err := fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: a\r\n%s: 600\r\n\r\n", path, scrapeTimeoutHeader); err != nil {
					t.Fatal(err)
				}
				time.Sleep(writeTimeout + time.Second)
				synctest.Wait()
				// The server has closed its end: what was not sent is lost.
				if _, err := client.Read(make([]byte, 1)); err == nil {
					t.Error("the connection is open")
				}
				if returned.IsZero() {
					t.Error("the handler has not returned")
				} else if took := returned.Sub(start); took > writeTimeout {
					t.Errorf("cut after %s, want %s", took, writeTimeout)
				}
				close(listener)
				_ = client.Close()
				_ = server.Close()
			})
		})
	}
}
