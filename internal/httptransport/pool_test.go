// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

func noEnv(string) string { return "" }

func TestPoolSharesEqualConfigurations(t *testing.T) {
	t.Parallel()
	p := NewPool(nil, noEnv)
	get := func(cfg config.HTTP) (http.RoundTripper, func()) {
		t.Helper()
		rt, release, err := p.Get(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return rt, release
	}
	a, releaseA := get(config.HTTP{})
	b, releaseB := get(config.HTTP{})
	other, releaseOther := get(config.HTTP{EnableHTTP2: true})
	if a != b || a == other || p.Len() != 2 {
		t.Errorf("same: %t, %t; %d transports; want one for each configuration", a == b, a == other, p.Len())
	}
	releaseA()
	releaseA() // a second call changes nothing
	if p.Len() != 2 {
		t.Errorf("%d transports, want 2: one user is left", p.Len())
	}
	releaseB()
	releaseOther()
	if p.Len() != 0 {
		t.Errorf("%d transports, want none", p.Len())
	}
	if c, release := get(config.HTTP{}); c == a {
		t.Error("a released transport is reused")
	} else {
		release()
	}
}

func TestPoolReportsInvalidTLSFiles(t *testing.T) {
	t.Parallel()
	p := NewPool(nil, noEnv)
	cfg := config.HTTP{TLS: promconfig.TLSConfig{CAFile: "/no/such/file"}}
	if _, _, err := p.Get(cfg); err == nil || !strings.HasPrefix(err.Error(), "http.tls_config: ") {
		t.Errorf("error %v, want one about http.tls_config", err)
	}
	if p.Len() != 0 {
		t.Errorf("%d transports, want none", p.Len())
	}
}

// TestProxyError checks that a refused tunnel is found by its type, since the
// error text of the standard library may quote the proxy's URL.
func TestProxyError(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(nil, noEnv)
	rt, release, err := p.Get(config.HTTP{ProxyConfig: promconfig.ProxyConfig{ProxyURL: promconfig.URL{URL: u}}})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://workspace.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rt.RoundTrip(req)
	var refused *ProxyError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want a ProxyError", err)
	}
	if refused.Status != http.StatusProxyAuthRequired {
		t.Errorf("status %d, want 407", refused.Status)
	}
}
