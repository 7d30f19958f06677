// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// everyPath has the paths of the exporter, and some others.
var everyPath = []string{
	"GET /", "GET /metrics", "HEAD /metrics", "GET /probe?target=office", "GET /status", "GET /config",
	"GET /inventory", "GET /inventory?search=d1&sort=-ip", "GET /desktop?project=office&id=d1", "GET /changes", "GET /changes.json",
	"GET /-/healthy", "GET /-/ready", "POST /-/reload", "GET /-/reload", "GET /-/style.css",
	"GET /debug/pprof/", "GET /debug/pprof/cmdline", "GET /debug/pprof/goroutine?debug=2", "GET /debug/pprof/symbol",
	"GET /nothing", "GET /probe", "POST /metrics", "DELETE /", "OPTIONS /metrics", "GET //metrics", "GET /../config",
}

// webUser has the password "correct horse".
const webUser = "basic_auth_users: {prometheus: $2a$04$iKzUNZymx/agvZSfmJokUeHtSpIDZspjmeJgV4HCRy9riU40aEoc6}\n"

func basicAuth(user, password string) []string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return []string{"Authorization", r.Header.Get("Authorization")}
}

func TestEveryPathRequiresPassword(t *testing.T) {
	_, yaml := startCloud(t)
	x := startProcess(t, 1, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.config.file="+testutil.WriteFile(t, "web.yml", webUser),
		"--web.listen-address=127.0.0.1:0", "--web.enable-pprof")
	c := newClient(t, nil)
	for _, path := range everyPath {
		method, path, _ := strings.Cut(path, " ")
		for name, header := range map[string][]string{
			"no user": nil, "a wrong password": basicAuth("prometheus", "wrong"), "a wrong user": basicAuth("root", "correct horse"),
			"an empty one": basicAuth("", ""), "a token": {"Authorization", "Bearer correct horse"},
		} {
			if r := fetch(t, c, method, x.urls[0]+path, header...); r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s returns %d to %s", method, path, r.StatusCode, name)
			} else if method != http.MethodHead && r.body != "Unauthorized\n" {
				t.Errorf("%s %s says to %s: %q", method, path, name, r.body)
			}
		}
		if r := fetch(t, c, method, x.urls[0]+path, basicAuth("prometheus", "correct horse")...); r.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s %s refuses the right password", method, path)
		}
	}
}

func TestTLS(t *testing.T) {
	_, yaml := startCloud(t)
	ca := newCertAuthority(t)
	cert, key := ca.serverCertificate()
	tlsServer := fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s", cert, key)
	clientCertificates := func() []tls.Certificate {
		pair, err := tls.LoadX509KeyPair(ca.clientCertificate())
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{pair}
	}()
	otherCertificates := func() []tls.Certificate {
		pair, err := tls.LoadX509KeyPair(newCertAuthority(t).clientCertificate())
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{pair}
	}()
	mutual := tlsServer + fmt.Sprintf(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: %s/ca.pem}\n", ca.folder)
	for name, tc := range map[string]struct {
		web    string
		client *tls.Config
		proto  int // 0: no response
	}{
		"HTTP/2":                         {tlsServer + "}\n", &tls.Config{}, 2},
		"HTTP/1.1":                       {tlsServer + "}\nhttp_server_config: {http2: false}\n", &tls.Config{}, 1},
		"TLS 1.1":                        {tlsServer + "}\n", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, 0},
		"TLS 1.2 where 1.3 is demanded":  {tlsServer + ", min_version: TLS13}\n", &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
		"a client without certificate":   {mutual, &tls.Config{}, 0},
		"a client with one":              {mutual, &tls.Config{Certificates: clientCertificates}, 2},
		"a client of another authority":  {mutual, &tls.Config{Certificates: otherCertificates}, 0},
		"a client with one and password": {mutual + webUser, &tls.Config{Certificates: clientCertificates}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			x := startProcess(t, 2, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.config.file="+testutil.WriteFile(t, "web.yml", tc.web),
				"--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0", "--log.level=debug")
			tc.client.RootCAs = ca.pool()
			c := newClient(t, func(tr *http.Transport) { tr.TLSClientConfig, tr.ForceAttemptHTTP2 = tc.client, true })
			for _, address := range x.urls {
				address = strings.Replace(address, "http:", "https:", 1)
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/metrics", http.NoBody)
				r.SetBasicAuth("prometheus", "correct horse")
				w, err := c.Do(r)
				if err != nil {
					if tc.proto != 0 {
						t.Error(err)
					}
					continue
				}
				body, _ := io.ReadAll(w.Body)
				_ = w.Body.Close()
				if w.StatusCode != http.StatusOK || w.ProtoMajor != tc.proto {
					t.Errorf("%d by HTTP/%d, want 200 by HTTP/%d", w.StatusCode, w.ProtoMajor, tc.proto)
				}
				if e := apptest.Parse(t, string(body)); e.Sum("desktops") != 2 {
					t.Errorf("%v desktops", e.Sum("desktops"))
				}
			}
			if r := fetch(t, newClient(t, nil), http.MethodGet, x.urls[0]+"/metrics"); r.StatusCode != http.StatusBadRequest {
				t.Errorf("without TLS it returns %d, want 400", r.StatusCode)
			}
			// Failed TLS handshakes are not logged.
			if stderr := x.stderr.String(); strings.Contains(stderr, "level=error") || strings.Contains(stderr, "level=warn") || strings.Contains(stderr, "\nhttp: ") {
				t.Errorf("unexpected log:\n%s", stderr)
			}
		})
	}
}

// TestReverseProxy follows all links of all pages through a proxy.
func TestReverseProxy(t *testing.T) {
	_, yaml := startCloud(t)
	for name, tc := range map[string]struct {
		args        []string
		takes, puts string // prefixes that the proxy removes and adds
		home        string
	}{
		"none":                       {nil, "", "", "/"},
		"prefix alone":               {[]string{"--web.route-prefix=/x"}, "", "", "/x/"},
		"proxy that leaves it":       {[]string{"--web.external-url=%s/tools/exporter/"}, "", "", "/tools/exporter/"},
		"proxy that takes it away":   {[]string{"--web.external-url=%s/tools", "--web.route-prefix=/"}, "/tools", "", "/tools/"},
		"proxy that has its own":     {[]string{"--web.external-url=%s/outside", "--web.route-prefix=/inside"}, "/outside", "/inside", "/outside/"},
		"proxy and another path":     {[]string{"--web.external-url=%s/a", "--web.telemetry-path=/federate"}, "", "", "/a/"},
		"slash at the end is no sin": {[]string{"--web.route-prefix=/x/"}, "", "", "/x/"},
	} {
		t.Run(name, func(t *testing.T) {
			var target *url.URL
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.URL.Path = tc.puts + strings.TrimPrefix(r.In.URL.Path, tc.takes)
			}, Transport: newClient(t, nil).Transport})
			defer proxy.Close()
			args := []string{"--config.file=" + testutil.WriteFile(t, "x.yml", yaml), "--web.listen-address=127.0.0.1:0", "--web.enable-pprof"}
			for _, a := range tc.args {
				args = append(args, strings.Replace(a, "%s", proxy.URL, 1))
			}
			x := startProcess(t, 1, args...)
			target, _ = url.Parse(x.urls[0])
			c := newClient(t, nil)
			metrics := "metrics"
			if strings.Contains(strings.Join(tc.args, " "), "federate") {
				metrics = "federate"
			}
			fetch(t, c, http.MethodGet, proxy.URL+tc.home+metrics) // waits for the first refresh
			seen := map[string]bool{}
			for todo := []string{tc.home}; len(todo) > 0; todo = todo[1:] {
				if seen[todo[0]] || len(seen) > 60 {
					continue
				}
				seen[todo[0]] = true
				if strings.Contains(todo[0], "/inventory.json") || strings.Contains(todo[0], "/inventory.csv") || // not ready yet
					strings.Contains(todo[0], "/debug/pprof/") { // its links are those of net/http/pprof
					continue
				}
				r := fetch(t, c, http.MethodGet, proxy.URL+todo[0])
				if r.StatusCode != http.StatusOK {
					t.Errorf("%s returns %d", todo[0], r.StatusCode)
				}
				if !strings.Contains(r.Header.Get("Content-Type"), "html") {
					continue
				}
				for _, m := range regexp.MustCompile(`(?:href|src|action)="([^"#]+)"`).FindAllStringSubmatch(r.body, -1) {
					todo = append(todo, html.UnescapeString(m[1]))
				}
			}
			for _, path := range []string{
				"", metrics, "probe", "status", "config", "-/healthy", "-/ready", "-/style.css", "debug/pprof/",
				"inventory", "inventory.json", "inventory.csv", "desktop", "changes", "changes.json",
			} {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(link string) bool {
					link, _, _ = strings.Cut(link, "?")
					return link == tc.home+path
				}) {
					t.Errorf("no link leads to %s%s, but to %v", tc.home, path, seen)
				}
			}
			if !strings.HasSuffix(tc.home, "//") && tc.takes == "" && tc.home != "/" {
				if r := fetch(t, c, http.MethodGet, proxy.URL+"/"); r.StatusCode != http.StatusFound || r.Header.Get("Location") != tc.home {
					t.Errorf("/ leads by %d to %q, want %q", r.StatusCode, r.Header.Get("Location"), tc.home)
				}
			}
		})
	}
}

func TestPprofAndMaxRequests(t *testing.T) {
	cloud, yaml := startCloud(t)
	x := startProcess(t, 1, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.listen-address=127.0.0.1:0", "--web.max-requests=1", "--web.disable-exporter-metrics")
	c := newClient(t, nil)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars"} {
		if r := fetch(t, c, http.MethodGet, x.urls[0]+path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s returns %d, want 404", path, r.StatusCode)
		}
	}
	if r := fetch(t, c, http.MethodGet, x.urls[0]+"/metrics"); strings.Contains(r.body, "go_goroutines") || strings.Contains(r.body, "_exporter_") {
		t.Error("the exporter's own metrics are exposed")
	}
	called := make(chan struct{}, 100)
	cloud.OnCall(func(simulator.Call) { called <- struct{}{} })
	cloud.AddFault(simulator.Fault{HangBeforeHeader: true})
	slow := make(chan int)
	go func() {
		slow <- fetch(t, c, http.MethodGet, x.urls[0]+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "3").StatusCode
	}()
	<-called
	if r := fetch(t, c, http.MethodGet, x.urls[0]+"/probe?target=office"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a second scrape returns %d", r.StatusCode)
	}
	if status := <-slow; status != http.StatusOK {
		t.Errorf("the slow scrape got %d", status)
	}
}

// TestShutdownWaitsForScrape stops the exporter during a scrape on the second of two
// addresses.
func TestShutdownWaitsForScrape(t *testing.T) {
	cloud, yaml := startCloud(t)
	x := startProcess(t, 2, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0")
	c := newClient(t, nil)
	fetch(t, c, http.MethodGet, x.urls[0]+"/metrics")
	called := make(chan struct{}, 100)
	cloud.OnCall(func(simulator.Call) { called <- struct{}{} })
	cloud.AddFault(simulator.Fault{Operation: simulator.ShowDesktopNetworks, Latency: 500 * time.Millisecond})
	scraped := make(chan httpResponse)
	go func() { scraped <- fetch(t, c, http.MethodGet, x.urls[1]+"/metrics") }()
	<-called
	x.stop()
	r := <-scraped
	if r.StatusCode != http.StatusOK || apptest.Parse(t, r.body).Sum("desktop_eips") != 1 {
		t.Errorf("the scrape under way got %d:\n%s", r.StatusCode, r.body)
	}
	if code := x.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, address := range x.urls {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://")); err == nil {
			_ = conn.Close()
			t.Errorf("%s still listens", address)
		}
	}
}

// TestAddressInUse starts the exporter on an address in use. It ends with the
// reason, before it has sent a request or written a state file.
func TestAddressInUse(t *testing.T) {
	cloud, yaml := startCloud(t)
	state := filepath.Join(t.TempDir(), "state")
	yaml += "state: {file: " + state + "}\n"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, addresses := range [][]string{{taken.Addr().String()}, {freeAddress(t), taken.Addr().String()}, {"nonsense"}, {"127.0.0.1:99999"}} {
		args := []string{"--config.file=" + testutil.WriteFile(t, "x.yml", yaml), "--log.level=warn"}
		for _, a := range addresses {
			args = append(args, "--web.listen-address="+a)
		}
		code, stdout, stderr := runProcess(args...)
		if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, program+": error: listen tcp") {
			t.Errorf("%v: exit code %d, %q, %q", addresses, code, stdout, stderr)
		}
		if n := len(cloud.Calls()); n > 0 {
			t.Errorf("%v: %d requests were sent", addresses, n)
		}
		if _, err := os.Stat(state); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: the state file was written: %v", addresses, err)
		}
	}
}

// TestSocketActivation starts the exporter as systemd does.
func TestSocketActivation(t *testing.T) {
	_, yaml := startCloud(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0],
		"--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.systemd-socket", "--web.config.file="+testutil.WriteFile(t, "web.yml", webUser))
	cmd.Env = []string{runAsExporter + "=1", "LISTEN_FDS=1", "HOME=" + t.TempDir()}
	cmd.ExtraFiles = []*os.File{file}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var stderr testutil.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v:\n%s", err, stderr.String())
		}
	}()
	// The socket exists already, so the first request waits.
	if r := fetch(t, newClient(t, nil), http.MethodGet, "http://"+address+"/metrics", basicAuth("prometheus", "correct horse")...); r.StatusCode != http.StatusOK {
		t.Errorf("/metrics returns %d:\n%s", r.StatusCode, stderr.String())
	}
	if r := fetch(t, newClient(t, nil), http.MethodGet, "http://"+address+"/metrics"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("/metrics without a password returns %d", r.StatusCode)
	}

	code, _, message := runProcess("--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--web.systemd-socket", "--log.level=warn")
	if want := program + ": error: no socket activation file descriptors found\n"; code != 1 || message != want {
		t.Errorf("without sockets: exit code %d, %q, want 1, %q", code, message, want)
	}
}
