// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// Explanation describes why a request got no response.
type Explanation struct {
	Detail        string // what failed; never a URL, which may contain secrets
	Hint          string // what to do; "" if that is unknown
	Misconfigured bool   // the error will not pass by itself
}

// Explain returns the explanation of an error of a transport. host is the name
// of the peer for the message. The text of the error itself is not used, since
// it may quote URLs.
func Explain(host string, err error) Explanation {
	var (
		dns     *net.DNSError
		proxy   *ProxyError
		timeout net.Error
	)
	if e, ok := explainTLS(host, err); ok && !errors.Is(err, context.Canceled) && !errors.As(err, &dns) {
		return e
	}
	transient := func(format string) Explanation { return Explanation{Detail: fmt.Sprintf(format, host)} }
	switch {
	case errors.Is(err, context.Canceled):
		return Explanation{Detail: "the request was cancelled"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Explanation{
			Detail: fmt.Sprintf("host name %s does not exist", host),
			Hint:   "check region, endpoint and the name server of this host",
		}
	case errors.As(err, &dns):
		return transient("host name %s was not resolved")
	case errors.As(err, &proxy) && proxy.Status == http.StatusProxyAuthRequired:
		return Explanation{"the proxy requires authentication", "set user and password in http.proxy_url", true}
	case errors.As(err, &proxy):
		return Explanation{Detail: proxy.Error()}
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return transient("%s did not respond in time")
	case errors.Is(err, ErrUpgrade):
		return transient("%s switched protocols, which was not requested")
	case errors.Is(err, syscall.ECONNREFUSED):
		return transient("%s refused the connection")
	case errors.Is(err, ErrRepeated), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return transient("%s closed the connection")
	default:
		return transient("%s is unreachable")
	}
}

// explainTLS explains errors of certificates and of the handshake.
func explainTLS(host string, err error) (e Explanation, ok bool) {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     *net.OpError
	)
	switch {
	case errors.As(err, &authority):
		return Explanation{
			fmt.Sprintf("the certificate of %s is signed by an unknown authority", host),
			"set http.tls_config.ca_file to the authority's certificate", true,
		}, true
	case errors.As(err, &hostname):
		return Explanation{
			fmt.Sprintf("the certificate of %s is for another name", host),
			"check endpoint, or set http.tls_config.server_name", true,
		}, true
	case errors.As(err, &invalid):
		detail := fmt.Sprintf("the certificate of %s is not valid", host)
		if invalid.Reason == x509.Expired {
			detail = fmt.Sprintf("the certificate of %s is expired or not yet valid", host)
		}
		return Explanation{detail, "renew the certificate, or set the clock of this host", true}, true
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"): // names of crypto/tls
		return Explanation{
			fmt.Sprintf("TLS handshake with %s failed", host),
			"check endpoint and http.tls_config", true,
		}, true
	}
	return Explanation{}, false
}
