// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"sync"
	"time"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpproxy"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// transports shares connections: one transport for each distinct network
// configuration, for as long as somebody uses it.
type transports struct {
	dial   dialFunc
	getenv func(string) string

	mu   sync.Mutex
	open []*sharedTransport
}

type sharedTransport struct {
	http.RoundTripper
	cfg   config.HTTP
	users int
}

// get gives the transport for cfg, and how to let go of it.
func (t *transports) get(cfg config.HTTP) (rt http.RoundTripper, release func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var shared *sharedTransport
	for _, s := range t.open {
		if reflect.DeepEqual(s.cfg, cfg) {
			shared = s
		}
	}
	if shared == nil {
		rt, err := t.build(cfg)
		if err != nil {
			return nil, nil, err
		}
		shared = &sharedTransport{RoundTripper: rt, cfg: cfg}
		t.open = append(t.open, shared)
	}
	shared.users++
	return shared, sync.OnceFunc(func() { t.release(shared) }), nil
}

func (t *transports) release(s *sharedTransport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.users--
	if s.users > 0 {
		return
	}
	for i, o := range t.open {
		if o == s {
			t.open = append(t.open[:i], t.open[i+1:]...)
			break
		}
	}
	closeIdle(s.RoundTripper)
}

func closeIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// build makes a transport with the options of prometheus/common. A changed CA
// or certificate file is picked up.
func (t *transports) build(cfg config.HTTP) (http.RoundTripper, error) {
	tlsConfig, err := promconfig.NewTLSConfig(&cfg.TLS)
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	proxy := t.proxy(cfg)
	build := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		h := newTransport(t.dial)
		h.Proxy = proxy
		h.ProxyConnectHeader = cfg.GetProxyConnectHeader()
		h.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{resp.StatusCode}
			}
			return nil
		}
		h.TLSClientConfig = tlsConfig
		h.Protocols = new(http.Protocols)
		h.Protocols.SetHTTP1(true)
		h.Protocols.SetHTTP2(cfg.EnableHTTP2)
		return h, nil
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   fileSecret(cfg.TLS.CAFile),
		Cert: fileSecret(cfg.TLS.CertFile),
		Key:  fileSecret(cfg.TLS.KeyFile),
	}
	if files == (promconfig.TLSRoundTripperSettings{}) {
		return build(tlsConfig)
	}
	rt, err := promconfig.NewTLSRoundTripper(tlsConfig, files, build)
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	return rt, nil
}

// proxyError is a proxy that does not open a tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy refuses to connect: HTTP %d", e.status)
}

func fileSecret(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}

// newTransport makes a transport with our bounds. How long an answer may take
// is the caller's to say.
func newTransport(dial dialFunc) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return &http.Transport{
		DialContext:            dial,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // projects may share one endpoint
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// proxy gives the proxy that the configuration names, or the environment.
func (t *transports) proxy(cfg config.HTTP) func(*http.Request) (*url.URL, error) {
	if cfg.ProxyURL.URL != nil && cfg.ProxyURL.String() != "" {
		return cfg.Proxy()
	}
	env := func(name, other string) string {
		if v := t.getenv(name); v != "" {
			return v
		}
		return t.getenv(other)
	}
	choose := (&httpproxy.Config{
		HTTPProxy:  env("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: env("HTTPS_PROXY", "https_proxy"),
		NoProxy:    env("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}
