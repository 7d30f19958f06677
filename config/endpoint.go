// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// NormalizeEndpoint returns an endpoint as a URL: with the scheme https if it has
// none, as the SDK does, and without a slash at the end.
func NormalizeEndpoint(endpoint string) string {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	return strings.TrimRight(endpoint, "/")
}

// ValidateEndpoint returns an error unless endpoint is a URL of scheme, host and
// optional port. The SDK ignores anything after the port. No error quotes the URL,
// which may contain a password.
func ValidateEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("invalid endpoint URL; use a URL such as https://workspace.example.com")
	case u.User != nil:
		return errors.New("URL contains a user or a password; remove it, because requests are signed with the access key")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("unsupported scheme %q; use https", u.Scheme)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(endpoint, "?#"):
		return errors.New("URL contains a path, a query or a fragment, which the SDK ignores; remove everything after host and port")
	case !hasValidPort(u):
		return errors.New("URL has an invalid port; use 1 to 65535")
	}
	return nil
}

// isPlainHTTP reports whether requests to endpoint, a valid one, are sent over the
// network without TLS.
func isPlainHTTP(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

func hasValidPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}
