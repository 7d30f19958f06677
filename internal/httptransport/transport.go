// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpproxy"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// DialFunc opens a connection, as [net.Dialer.DialContext] does.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// ProxyError is the error of a connection whose proxy refuses the tunnel.
type ProxyError struct {
	Status int // HTTP status of the proxy's response to CONNECT
}

// Error returns the message with the status.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy refused the connection: HTTP %d", e.Status)
}

// Bounds on a connection whose peer is gone without a word, as after a NAT
// gateway has lost the flow.
const (
	pingAfter   = 15 * time.Second // HTTP/2: silence until a ping is sent
	pingTimeout = 10 * time.Second // HTTP/2: from the ping to the close
	userTimeout = 20 * time.Second // TCP: for how long sent data may stay unacknowledged
)

// NewDirect returns a transport without a proxy, for services of this host. A
// nil dial is a dialer with a timeout of 10 seconds and TCP keep-alive. The
// transport bounds everything but the duration of a response, which the
// caller's context bounds.
func NewDirect(dial DialFunc) *Transport {
	return newBounded(func() *http.Transport { return newTransport(dial) })
}

// dialer returns the dialer of connections to the network.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         10 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         setUserTimeout,
	}
}

func newTransport(dial DialFunc) *http.Transport {
	if dial == nil {
		dial = dialer().DialContext
	}
	return &http.Transport{
		DialContext:            dial,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // projects may share one endpoint
		MaxResponseHeaderBytes: 1 << 20,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
}

// build returns a transport with the options of prometheus/common, which
// reloads changed CA, certificate and key files.
func build(cfg config.HTTP, dial DialFunc, getenv func(string) string) (http.RoundTripper, error) {
	tlsConfig, err := promconfig.NewTLSConfig(&cfg.TLS)
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	proxy := proxyFunc(cfg, getenv)
	newTLSTransport := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		return newBounded(func() *http.Transport {
			t := newTransport(dial)
			t.Proxy = proxy
			t.ProxyConnectHeader = cfg.GetProxyConnectHeader()
			t.OnProxyConnectResponse = checkConnectResponse
			t.TLSClientConfig = tlsConfig.Clone() // the transport modifies it
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)
			t.Protocols.SetHTTP2(cfg.EnableHTTP2)
			return t
		}), nil
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   fileSecret(cfg.TLS.CAFile),
		Cert: fileSecret(cfg.TLS.CertFile),
		Key:  fileSecret(cfg.TLS.KeyFile),
	}
	if files == (promconfig.TLSRoundTripperSettings{}) {
		return newTLSTransport(tlsConfig)
	}
	rt, err := promconfig.NewTLSRoundTripper(tlsConfig, files, newTLSTransport)
	if err != nil {
		return nil, fmt.Errorf("http.tls_config: %w", err)
	}
	return rt, nil
}

func checkConnectResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{resp.StatusCode}
	}
	return nil
}

func fileSecret(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}

// proxyFunc returns the proxy of the configuration or, without one, that of the
// environment.
func proxyFunc(cfg config.HTTP, getenv func(string) string) func(*http.Request) (*url.URL, error) {
	if cfg.ProxyURL.URL != nil && cfg.ProxyURL.String() != "" {
		return cfg.Proxy()
	}
	env := func(upper, lower string) string {
		if v := getenv(upper); v != "" {
			return v
		}
		return getenv(lower)
	}
	choose := (&httpproxy.Config{
		HTTPProxy:  env("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: env("HTTPS_PROXY", "https_proxy"),
		NoProxy:    env("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}
