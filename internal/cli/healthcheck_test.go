// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// TestHealthcheck checks exporters with TLS, passwords and client certificates.
func TestHealthcheck(t *testing.T) {
	ca := newCertAuthority(t)
	ca.serverCertificate()
	tls := "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
	for name, tc := range map[string]struct {
		web  string
		args []string
	}{
		"plain":                  {},
		"prefix":                 {args: []string{"--web.route-prefix=/exporter"}},
		"external URL":           {args: []string{"--web.external-url=https://proxy.example.com/exporter"}},
		"proxy takes the prefix": {args: []string{"--web.external-url=https://proxy.example.com/exporter", "--web.route-prefix=/"}},
		// The password is "secret". It is not used.
		"password":           {web: "basic_auth_users:\n  prometheus: $2y$04$VbGcJ5oqHJ5ZkXkZ0zqJ2uRZ1mJ0J1e3m7S4bZ3e1k1o1J1q1J1q2\n"},
		"TLS":                {web: tls},
		"client certificate": {web: tls + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"},
	} {
		t.Run(name, func(t *testing.T) {
			args := tc.args
			if tc.web != "" {
				file := filepath.Join(ca.folder, strings.ReplaceAll(name, " ", "_")+".yml")
				testutil.ReplaceFile(t, file, tc.web)
				args = append(args, "--web.config.file="+file)
			}
			x := startProcess(t, 1, append(args, "--demo", "--web.listen-address=127.0.0.1:0")...)
			address := strings.TrimPrefix(x.urls[0], "http://")
			code, stdout, stderr := runProcess(append(args, "--healthcheck", "--web.listen-address="+address)...)
			if code != 0 || stdout+stderr != "" {
				t.Errorf("exit code %d, %q, %q; want 0 and nothing", code, stdout, stderr)
			}
		})
	}
}

func TestHealthcheckFailure(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	address := strings.TrimPrefix(other.URL, "http://")
	unused := freeAddress(t)
	for args, want := range map[string]string{
		"--web.listen-address=" + address: "healthcheck: http://" + address + "/-/healthy returned 404 Not Found",
		"--web.listen-address=" + unused:  "healthcheck: dial tcp " + unused + ": connect: connection refused",
		"--web.listen-address=vsock://:1": `healthcheck: --web.listen-address "vsock://:1" is not HOST:PORT`,
		"--web.listen-address=10045":      `healthcheck: --web.listen-address "10045" is not HOST:PORT`,
	} {
		code, stdout, stderr := runProcess("--healthcheck", args)
		if want := program + ": error: " + want + "\n"; code != 1 || stdout != "" || stderr != want {
			t.Errorf("%s: exit code %d, %q, %q; want 1 and %q", args, code, stdout, stderr, want)
		}
	}
}

// TestHealthcheckURL checks that an exporter on all addresses is reached by the
// loopback address.
func TestHealthcheckURL(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     "http://127.0.0.1:10045/-/healthy",
		"--demo":                               "http://127.0.0.1:10045/-/healthy",
		"--web.listen-address=0.0.0.0:1":       "http://127.0.0.1:1/-/healthy",
		"--web.listen-address=[::]:1":          "http://[::1]:1/-/healthy",
		"--web.listen-address=192.0.2.1:1":     "http://192.0.2.1:1/-/healthy",
		"--web.listen-address=office.example:": "http://office.example:/-/healthy",
	} {
		f, _ := parseFlags(strings.Fields("--healthcheck "+args), t.Output(), t.Output())
		if f == nil {
			t.Errorf("%s does not parse", args)
			continue
		}
		if got, err := f.healthURL(); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", args, got, err, want)
		}
	}
}
