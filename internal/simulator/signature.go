// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm   = "SDK-HMAC-SHA256"
	dateHeader  = "X-Sdk-Date"
	dateFormat  = "20060102T150405Z"
	tokenHeader = "X-Security-Token"
	hashHeader  = "X-Sdk-Content-Sha256"
	maxSkew     = 15 * time.Minute
)

// authorization is a parsed Authorization header.
type authorization struct {
	accessKey, signedHeaders, signature string
}

func parseAuthorization(header string) (authorization, bool) {
	var a authorization
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Access":
			a.accessKey = value
		case "SignedHeaders":
			a.signedHeaders = value
		case "Signature":
			a.signature = value
		default:
			return a, false
		}
	}
	return a, a.accessKey != "" && a.signedHeaders != "" && a.signature != ""
}

// accessKey returns the access key in the Authorization header.
func accessKey(r *http.Request) string {
	a, _ := parseAuthorization(r.Header.Get("Authorization"))
	return a.accessKey
}

// authenticate verifies the signature of a call. As those of the real gateway, the
// errors are too detailed: they contain the access key and the canonical request
// with all signed headers.
func (k *keyStore) authenticate(r *http.Request, body []byte, now time.Time) (key Key, reason string) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return Key{}, "x-auth-token not found"
	}
	auth, ok := parseAuthorization(header)
	if !ok {
		return Key{}, "decrypt authorization fail: " + header
	}
	key, known, locked := k.lookup(auth.accessKey, now)
	if locked {
		return Key{}, "AK access failed to reach the limit,forbidden"
	}
	if !known {
		reason = fmt.Sprintf("ak %s not exist", auth.accessKey)
	} else {
		reason = key.check(r, auth, body, now)
	}
	k.recordAttempt(auth.accessKey, reason == "", now)
	return key, reason
}

// check verifies the signature with the secret key. It returns "" if it is valid.
func (k Key) check(r *http.Request, auth authorization, body []byte, now time.Time) (reason string) {
	date := r.Header.Get(dateHeader)
	signed, err := time.Parse(dateFormat, date)
	headers := strings.Split(auth.signedHeaders, ";")
	switch {
	case err != nil || !slices.Contains(headers, strings.ToLower(dateHeader)):
		return "x-sdk-date is missing, malformed or not signed"
	case now.Sub(signed).Abs() > maxSkew:
		return fmt.Sprintf("ak %s request time %s is too skewed", k.AccessKey, date)
	case r.Header.Get(tokenHeader) != k.SecurityToken:
		return fmt.Sprintf("ak %s security token %s is invalid", k.AccessKey, r.Header.Get(tokenHeader))
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return fmt.Sprintf("ak %s security token has expired", k.AccessKey)
	}
	canonical := canonicalRequest(r, headers, auth.signedHeaders, body)
	if !hmac.Equal([]byte(auth.signature), sign(k.SecretKey, date, canonical)) {
		return "verify aksk signature fail, canonicalRequest:" + strings.ReplaceAll(string(canonical), "\n", "|")
	}
	return ""
}

// sign returns the signature in hexadecimal.
func sign(secret, date string, canonical []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	hash := sha256.Sum256(canonical)
	fmt.Fprintf(mac, "%s\n%s\n%x", algorithm, date, hash)
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// canonicalRequest returns the canonical form of a call, which is signed.
func canonicalRequest(r *http.Request, headers []string, joined string, body []byte) []byte {
	b := make([]byte, 0, 512+len(r.URL.RawQuery))
	b = append(b, r.Method...)
	b = append(b, '\n')
	for i, segment := range strings.Split(r.URL.Path, "/") {
		if i > 0 {
			b = append(b, '/')
		}
		b = appendEscaped(b, segment)
	}
	if b[len(b)-1] != '/' {
		b = append(b, '/')
	}
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for _, name := range headers {
		values := slices.Sorted(slices.Values(r.Header.Values(name)))
		if name == "host" {
			values = []string{r.Host}
		}
		for _, v := range values {
			b = append(b, name...)
			b = append(b, ':')
			b = append(b, strings.TrimSpace(v)...)
			b = append(b, '\n')
		}
	}
	b = append(b, '\n')
	b = append(b, joined...)
	b = append(b, '\n')
	if hash := r.Header.Get(hashHeader); hash != "" {
		return append(b, hash...)
	}
	hash := sha256.Sum256(body)
	return hex.AppendEncode(b, hash[:])
}

// appendQuery appends a query sorted by keys and values, escaped uniformly.
func appendQuery(b []byte, raw string) []byte {
	query, _ := url.ParseQuery(raw) // invalid parts cannot be signed
	first := true
	for _, key := range slices.Sorted(maps.Keys(query)) {
		values := query[key]
		slices.Sort(values)
		for _, v := range values {
			if !first {
				b = append(b, '&')
			}
			first = false
			b = appendEscaped(b, key)
			b = append(b, '=')
			b = appendEscaped(b, v)
		}
	}
	return b
}

// appendEscaped percent-encodes all but the unreserved characters of RFC 3986.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
