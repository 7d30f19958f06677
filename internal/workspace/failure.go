// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

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
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// requestID finds the ID that the cloud's support asks for.
func requestID(a *answer, c decode.ErrorBody) string {
	for _, name := range []string{"X-Request-Id", "X-Iam-Trace-Id"} {
		if id := decode.Identifier(a.header.Get(name), decode.MaxRequestID); id != "" {
			return id
		}
	}
	return c.RequestID
}

// maxSkew is the clock's error that the cloud may still accept: 15 minutes by
// the documentation. A third of it is worth a word.
const maxSkew = 5 * time.Minute

const proxyRemedy = "put user and password into http.proxy_url"

// refusal makes a failure of an answer that is none: of another status than
// 200, or without the list that was asked for.
func refusal(operation string, a *answer, now time.Time) *inventory.Failure {
	c := decode.Error(a.body)
	f := &inventory.Failure{
		Kind:      classify(a.status, c.Code),
		Operation: operation,
		Status:    a.status,
		Code:      c.Code,
		RequestID: requestID(a, c),
	}
	f.Hint = remedy(operation, f.Kind, c.Code)
	if c.EncodedMessage {
		f.Hint += "; the answer had an encoded_authorization_message: make the call by hand" +
			" and decode it with STS (POST /v5/decode-authorization-message) to see which policy denies it"
	}
	switch {
	case a.status == http.StatusProxyAuthRequired:
		f.Detail, f.Hint = "the proxy demands a password", proxyRemedy
	case a.status >= 300 && a.status < 400:
		f.Detail = "a redirect, which the API never sends"
	case f.Kind == inventory.Malformed:
		f.Detail = "an answer without the list that was asked for"
	case f.Kind == inventory.Disabled:
		f.Detail = "Workspace is not enabled in this project"
	}
	if f.Kind != inventory.Authentication {
		return f
	}
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
		if skew := now.Sub(date).Round(time.Second); skew.Abs() > maxSkew {
			f.Detail = fmt.Sprintf("the clock of this host is off by %s", skew)
			f.Hint = "set the clock of this host (NTP): the cloud refuses signatures that are more than 15 minutes off"
		}
	}
	return f
}

// broken makes a failure of an answer with status 200 that cannot be read.
func broken(operation string, a *answer, err error) *inventory.Failure {
	f := &inventory.Failure{
		Kind:      inventory.Malformed,
		Operation: operation,
		Status:    a.status,
		RequestID: requestID(a, decode.ErrorBody{}),
		Detail:    err.Error(),
		Cause:     err,
	}
	if errors.Is(err, decode.ErrTruncated) {
		f.Kind = inventory.Transient
	}
	f.Hint = remedy(operation, f.Kind, "")
	return f
}

// noAnswer makes a failure of a call that brought no answer. Errors of the
// network are put in our own words: theirs may hold URLs.
func noAnswer(operation, host string, err error) *inventory.Failure {
	f := &inventory.Failure{Kind: inventory.Transient, Operation: operation, Cause: err}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     *net.OpError
		proxy     *httptransport.ProxyError
		timeout   net.Error
	)
	switch {
	case errors.Is(err, errSDK):
		f.Kind, f.Detail = inventory.Misconfigured, err.Error()
	case errors.Is(err, errTooLarge):
		f.Kind, f.Detail = inventory.Malformed, fmt.Sprintf("%s sent more than %d MiB", host, maxAnswer>>20)
	case errors.Is(err, context.Canceled):
		f.Detail = "the call was given up"
	case errors.As(err, &dns):
		f.Detail = fmt.Sprintf("the name %s was not resolved", host)
		if dns.IsNotFound {
			f.Detail = fmt.Sprintf("the name %s does not exist", host)
			f.Hint = "check region, endpoint and the name server of this host"
		}
	case errors.As(err, &authority):
		f.Kind, f.Detail = inventory.Misconfigured, fmt.Sprintf("the certificate of %s is signed by an unknown authority", host)
		f.Hint = "name the authority's certificate in http.tls_config.ca_file"
	case errors.As(err, &hostname):
		f.Kind, f.Detail = inventory.Misconfigured, fmt.Sprintf("the certificate of %s is for another name", host)
		f.Hint = "check endpoint, or set http.tls_config.server_name"
	case errors.As(err, &invalid):
		f.Kind, f.Detail = inventory.Misconfigured, fmt.Sprintf("the certificate of %s is not valid", host)
		if invalid.Reason == x509.Expired {
			f.Detail = fmt.Sprintf("the certificate of %s is expired or not yet valid", host)
		}
		f.Hint = "renew the certificate, or set the clock of this host"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"): // crypto/tls's names
		f.Kind, f.Detail = inventory.Misconfigured, fmt.Sprintf("no TLS connection to %s: it refuses the handshake", host)
		f.Hint = "check endpoint and http.tls_config"
	case errors.As(err, &proxy):
		f.Detail = proxy.Error()
		if proxy.Status == http.StatusProxyAuthRequired {
			f.Kind, f.Detail, f.Hint = inventory.Misconfigured, "the proxy demands a password", proxyRemedy
		}
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		f.Detail = fmt.Sprintf("%s did not answer in time", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Detail = fmt.Sprintf("%s refuses connections", host)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		f.Detail = fmt.Sprintf("%s broke the connection off", host)
	default:
		f.Detail = fmt.Sprintf("%s cannot be reached", host)
	}
	return f
}
