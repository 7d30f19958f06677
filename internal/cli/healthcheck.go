// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// healthcheckTimeout is the time limit of the request.
const healthcheckTimeout = 5 * time.Second

// checkHealth requests /-/healthy of the exporter that runs with the same flags.
// Images without a shell have no other program for that.
func (f *flags) checkHealth(ctx context.Context) error {
	address, err := f.healthURL()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	transport := &http.Transport{ // no proxy: the exporter runs beside it
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is for other names than the loopback address, and nothing secret is sent
		DisableKeepAlives: true,
	}
	response, err := transport.RoundTrip(request)
	if refused := (*net.OpError)(nil); errors.As(err, &refused) && refused.Op == "remote error" {
		return nil // it is running, and requires a client certificate
	}
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	// It is also running if it requires a password.
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("healthcheck: %s returned %s", address, response.Status)
	}
	return nil
}

// healthURL returns the URL of /-/healthy of the exporter that runs with these
// flags.
func (f *flags) healthURL() (string, error) {
	listen := (*f.web.WebListenAddresses)[0]
	host, port, err := net.SplitHostPort(listen)
	if err != nil || strings.Contains(listen, "://") {
		return "", fmt.Errorf("healthcheck: --web.listen-address %q is not HOST:PORT", listen)
	}
	switch {
	case host == "", net.ParseIP(host).Equal(net.IPv4zero):
		host = "127.0.0.1"
	case net.ParseIP(host).Equal(net.IPv6zero):
		host = "::1"
	}
	scheme := "http"
	if file := *f.web.WebConfigFile; file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("healthcheck: --web.config.file: %w", err)
		}
		var web struct {
			TLS map[string]any `yaml:"tls_server_config"`
		}
		if err := yaml.Unmarshal(data, &web); err != nil {
			return "", fmt.Errorf("healthcheck: --web.config.file: %w", err)
		}
		if len(web.TLS) > 0 {
			scheme = "https"
		}
	}
	address := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port), Path: f.pathPrefix() + "/-/healthy"}
	return address.String(), nil
}
