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
		{context.Canceled, "the call was given up", false},
		{context.DeadlineExceeded, "h did not answer in time", false},
		{os.ErrDeadlineExceeded, "h did not answer in time", false},
		{&net.DNSError{IsNotFound: true}, "the name h does not exist", false},
		{&net.DNSError{IsTimeout: true}, "the name h was not resolved", false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "the certificate of h is signed by an unknown authority", true},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, "the certificate of h is for another name", true},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "the certificate of h is expired or not yet valid", true},
		{x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, "the certificate of h is not valid", true},
		{tls.RecordHeaderError{}, "no TLS connection to h: it refuses the handshake", true},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "no TLS connection to h: it refuses the handshake", true},
		{&ProxyError{Status: 407}, "the proxy demands a password", true},
		{&ProxyError{Status: 502}, "the proxy refuses to connect: HTTP 502", false},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "h refuses connections", false},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "h broke the connection off", false},
		{io.ErrUnexpectedEOF, "h broke the connection off", false},
		{&url.Error{Op: "Get", URL: "http://user:secret@h", Err: errors.New("x")}, "h cannot be reached", false},
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
