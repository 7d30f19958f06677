// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// authority is a certificate authority.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.pem = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour),
	})
	return a
}

func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-2 * time.Hour)
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// leaf returns a certificate for a name or an address, and its key, in PEM.
func (a *authority) leaf(host string, notAfter time.Time) (certPEM, keyPEM string) {
	a.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, NotAfter: notAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	_, key, certPEM := a.sign(template)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return certPEM, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// serveTLS serves the simulated cloud with a certificate.
func (fx *fixture) serveTLS(certPEM, keyPEM string, change func(*tls.Config)) string {
	fx.t.Helper()
	pair, err := tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		fx.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(fx.sim)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(s.TLS)
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	fx.t.Cleanup(s.Close)
	return s.URL
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	good, goodKey := ca.leaf("127.0.0.1", later)
	elsewhere, elsewhereKey := ca.leaf("workspace.example.com", later)
	expired, expiredKey := ca.leaf("127.0.0.1", time.Now().Add(-time.Hour))
	client, clientKey := ca.leaf("exporter", later)
	dir := t.TempDir()
	caFile := write(t, dir, "ca.pem", ca.pem)
	requireClientCert := func(c *tls.Config) {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM([]byte(ca.pem))
	}
	for _, tt := range []struct {
		name      string
		cert, key string
		server    func(*tls.Config)
		client    promconfig.TLSConfig
		http2     bool
		fails     string
	}{
		{name: "unknown authority", cert: good, key: goodKey, fails: "is signed by an unknown authority"},
		{name: "another authority", cert: good, key: goodKey, client: promconfig.TLSConfig{CA: stranger.pem}, fails: "is signed by an unknown authority"},
		{name: "authority", cert: good, key: goodKey, client: promconfig.TLSConfig{CA: ca.pem}},
		{name: "authority from a file", cert: good, key: goodKey, client: promconfig.TLSConfig{CAFile: caFile}},
		{name: "authority, HTTP/2", cert: good, key: goodKey, client: promconfig.TLSConfig{CAFile: caFile}, http2: true},
		{name: "wrong name", cert: elsewhere, key: elsewhereKey, client: promconfig.TLSConfig{CA: ca.pem}, fails: "is for another name"},
		{name: "wrong name, expected by server_name", cert: elsewhere, key: elsewhereKey, client: promconfig.TLSConfig{CA: ca.pem, ServerName: "workspace.example.com"}},
		{name: "expired", cert: expired, key: expiredKey, client: promconfig.TLSConfig{CA: ca.pem}, fails: "is expired or not yet valid"},
		{name: "verification disabled", cert: expired, key: expiredKey, client: promconfig.TLSConfig{InsecureSkipVerify: true}},
		{name: "no client certificate", cert: good, key: goodKey, server: requireClientCert, client: promconfig.TLSConfig{CA: ca.pem}, fails: "TLS handshake with"},
		{
			name: "client certificate", cert: good, key: goodKey, server: requireClientCert,
			client: promconfig.TLSConfig{CA: ca.pem, CertFile: write(t, dir, "cert", client), KeyFile: write(t, dir, "key", clientKey)},
		},
		{
			name: "version too old", cert: good, key: goodKey, server: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			client: promconfig.TLSConfig{CA: ca.pem, MinVersion: tls.VersionTLS13}, fails: "TLS handshake with",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			fx.setDesktops(3)
			url := fx.serveTLS(tt.cert, tt.key, tt.server)
			p := fx.project(func(c *config.Project) { c.Endpoint, c.HTTP.TLS, c.HTTP.EnableHTTP2 = url, tt.client, tt.http2 })
			l, err := p.ListDesktops(t.Context())
			if tt.fails == "" {
				if err != nil || len(l) != 3 {
					t.Errorf("%d desktops, error %v", len(l), err)
				}
				return
			}
			f := requireFailure(t, err)
			if f.Kind != inventory.Misconfigured || !strings.Contains(f.Detail, tt.fails) || f.Hint == "" {
				t.Errorf("failure %v, want kind Misconfigured with %q", &f, tt.fails)
			}
			if n := fx.telemetry.requests[inventory.ListDesktops+" error"]; n != 1 {
				t.Errorf("requests %v, want one that failed", fx.telemetry.requests)
			}
		})
	}
}

func TestPlainHTTPInsteadOfTLS(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	p := fx.project(func(c *config.Project) { c.Endpoint = strings.Replace(fx.url, "http:", "https:", 1) })
	_, err := p.ListDesktops(t.Context())
	if f := requireFailure(t, err); f.Kind != inventory.Misconfigured || !strings.Contains(f.Detail, "TLS handshake with") {
		t.Errorf("failure %v, want kind Misconfigured", &f)
	}
}

// TestCAFileIsReloaded checks that a changed CA file needs no restart.
func TestCAFileIsReloaded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	before, after := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	caFile := write(t, dir, "ca.pem", before.pem)
	cert, key := after.leaf("127.0.0.1", time.Now().Add(time.Hour))
	url := fx.serveTLS(cert, key, nil)
	p := fx.project(func(c *config.Project) { c.Endpoint, c.HTTP.TLS = url, promconfig.TLSConfig{CAFile: caFile} })
	if _, err := p.ListDesktops(t.Context()); requireFailure(t, err).Kind != inventory.Misconfigured {
		t.Errorf("error %v, want an unknown authority", err)
	}
	write(t, dir, "ca.pem", after.pem)
	if _, err := p.ListDesktops(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInvalidTLSFiles(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	for want, cfg := range map[string]promconfig.TLSConfig{
		"no such file":           {CAFile: "/no/such/file"},
		"unable to use":          {CAFile: write(t, t.TempDir(), "junk", "junk")},
		"failed to find any PEM": {Cert: "junk", Key: "junk"},
	} {
		_, err := fx.client.Project(fx.config(func(c *config.Project) { c.HTTP.TLS = cfg }), false, false)
		if err == nil || !strings.HasPrefix(err.Error(), "http.tls_config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about http.tls_config with %q", err, want)
		}
	}
}

// proxy is an HTTP proxy that forwards everything to one address.
type proxy struct {
	*httptest.Server
	target   string
	password string // required, if set
	used     atomic.Int64
}

func newProxy(t *testing.T, target, password string) *proxy {
	t.Helper()
	p := &proxy{target: target, password: password}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.used.Add(1)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+p.password))
	if p.password != "" && r.Header.Get("Proxy-Authorization") != want {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer far.Close()
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	if r.Method == http.MethodConnect {
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	} else {
		r.Header.Del("Proxy-Authorization")
		r.Header.Set("Connection", "close")
		_ = r.Write(far)
	}
	go func() { _, _ = io.Copy(far, near) }()
	_, _ = io.Copy(near, far)
}

func proxyURL(t *testing.T, text string) promconfig.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return promconfig.URL{URL: u}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	const password = "pa:ss@wörd-canary"
	ca := newAuthority(t)
	cert, key := ca.leaf("workspace.test", time.Now().Add(time.Hour))
	for _, scheme := range []string{"http", "https"} {
		for _, tt := range []struct {
			name     string
			password string
			cfg      func(url string) promconfig.ProxyConfig
			env      func(url string) map[string]string
			direct   bool
			fails    bool
		}{
			{name: "configured", cfg: func(url string) promconfig.ProxyConfig {
				return promconfig.ProxyConfig{ProxyURL: proxyURL(t, url)}
			}},
			{name: "with a password", password: password, cfg: func(u string) promconfig.ProxyConfig {
				p := proxyURL(t, u)
				p.User = url.UserPassword("user", password)
				return promconfig.ProxyConfig{ProxyURL: p}
			}},
			{name: "without the password", password: password, fails: true, cfg: func(url string) promconfig.ProxyConfig {
				return promconfig.ProxyConfig{ProxyURL: proxyURL(t, url)}
			}},
			{name: "exempt", direct: true, cfg: func(url string) promconfig.ProxyConfig {
				return promconfig.ProxyConfig{ProxyURL: proxyURL(t, url), NoProxy: ".test"}
			}},
			{name: "environment", env: func(url string) map[string]string {
				return map[string]string{"HTTP_PROXY": url, "HTTPS_PROXY": url}
			}},
			{name: "environment in lower case", env: func(url string) map[string]string {
				return map[string]string{"http_proxy": url, "https_proxy": url}
			}},
			{name: "exempt by environment", direct: true, env: func(url string) map[string]string {
				return map[string]string{"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": "workspace.test"}
			}},
			{name: "configured over environment", cfg: func(url string) promconfig.ProxyConfig {
				return promconfig.ProxyConfig{ProxyURL: proxyURL(t, url)}
			}, env: func(string) map[string]string {
				return map[string]string{"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
			}},
		} {
			t.Run(scheme+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				fx := newFixture(t, fixtureOptions{})
				fx.setDesktops(3)
				target := fx.url
				if scheme == "https" {
					target = fx.serveTLS(cert, key, nil)
				}
				_, address, _ := strings.Cut(target, "://")
				through := newProxy(t, address, tt.password)
				var env map[string]string
				if tt.env != nil {
					env = tt.env(through.URL)
				}
				// Only the proxy and this dialer resolve workspace.test.
				dial := func(ctx context.Context, network, to string) (net.Conn, error) {
					if to == "workspace.test:80" || to == "workspace.test:443" {
						to = address
					}
					return new(net.Dialer).DialContext(ctx, network, to)
				}
				cloud := NewClient(Options{Telemetry: fx.telemetry, Getenv: environ(env), Dial: dial})
				t.Cleanup(cloud.Close)
				p, err := cloud.Project(fx.config(func(c *config.Project) {
					c.Endpoint = scheme + "://workspace.test"
					c.HTTP.TLS.CA = ca.pem
					if tt.cfg != nil {
						c.HTTP.ProxyConfig = tt.cfg(through.URL)
					}
				}), false, false)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(p.Close)
				l, err := p.ListDesktops(t.Context())
				if tt.fails {
					f := requireFailure(t, err)
					if f.Kind != inventory.Misconfigured || !strings.Contains(f.Hint, "http.proxy_url") {
						t.Errorf("failure %v, want kind Misconfigured with the proxy", &f)
					}
				} else if err != nil || len(l) != 3 {
					t.Errorf("%d desktops, error %v", len(l), err)
				}
				if used := through.used.Load() > 0; used == tt.direct {
					t.Errorf("proxy used: %t, want %t", used, !tt.direct)
				}
			})
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{client: Options{UserAgent: "exporter/1.2"}})
	p := fx.project(func(c *config.Project) {
		c.Desktops = config.Desktops{
			EnterpriseProjectID: "0", PoolIDs: []string{"p1", "p 2"}, Tags: map[string]string{"team": "fin&ance", "a": "ü"},
			SubnetID: "s", Status: "ACTIVE",
		}
	})
	if _, err := p.ListDesktops(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ListEIPBindings(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := fx.sim.Calls()
	list, eips := calls[0], calls[1]
	for i, c := range calls {
		if got := c.Header.Get("User-Agent"); !strings.HasSuffix(got, "exporter/1.2") {
			t.Errorf("call %d: user agent %q", i, got)
		}
		if got := c.Header.Get("X-Language"); got != "en-us" {
			t.Errorf("call %d: language %q", i, got)
		}
		if got := c.Header.Get("X-Project-Id"); got != testProject {
			t.Errorf("call %d: project %q", i, got)
		}
	}
	if got, want := list.Query().Encode(), (url.Values{
		"offset": {"0"}, "limit": {"1000"}, "enterprise_project_id": {"0"}, "pool_id": {"p1,p 2"},
		"tag": {"a=ü,team=fin&ance"}, "subnet_id": {"s"}, "status": {"ACTIVE"},
	}).Encode(); got != want {
		t.Errorf("list query %s, want %s", got, want)
	}
	if got, want := eips.Query().Encode(), "enterprise_project_id=0&state=bind"; got != want {
		t.Errorf("EIP query %s, want %s", got, want)
	}
}
