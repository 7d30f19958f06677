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
	"net/url"
	"os"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err           error
		detail        string
		misconfigured bool
	}{
		{context.Canceled, "the request was cancelled", false},
		{context.DeadlineExceeded, "h did not respond in time", false},
		{os.ErrDeadlineExceeded, "h did not respond in time", false},
		{&net.DNSError{IsNotFound: true}, "host name h does not exist", false},
		{&net.DNSError{IsTimeout: true}, "host name h was not resolved", false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "the certificate of h is signed by an unknown authority", true},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, "the certificate of h is for another name", true},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "the certificate of h is expired or not yet valid", true},
		{x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, "the certificate of h is not valid", true},
		{tls.RecordHeaderError{}, "TLS handshake with h failed", true},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "TLS handshake with h failed", true},
		{&ProxyError{Status: 407}, "the proxy requires authentication", true},
		{&ProxyError{Status: 502}, "the proxy refused the connection: HTTP 502", false},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "h refused the connection", false},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "h closed the connection", false},
		{ErrUpgrade, "h switched protocols, which was not requested", false},
		{ErrRepeated, "h closed the connection", false},
		{io.ErrUnexpectedEOF, "h closed the connection", false},
		{&url.Error{Op: "Get", URL: "http://user:secret@h", Err: errors.New("x")}, "h is unreachable", false},
	} {
		got := Explain("h", fmt.Errorf("wrapped: %w", tt.err))
		if got.Detail != tt.detail || got.Misconfigured != tt.misconfigured {
			t.Errorf("%v: %+v, want %q, misconfigured %t", tt.err, got, tt.detail, tt.misconfigured)
		}
		if got.Misconfigured && got.Hint == "" {
			t.Errorf("%v: no hint", tt.err)
		}
	}
}
