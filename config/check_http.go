// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
)

func (k *checker) http(path string, h *HTTP) {
	k.proxy(path, h)
	k.tls(path+".tls_config", h)
}

func (k *checker) proxy(path string, h *HTTP) {
	u := h.ProxyURL.URL
	if u != nil {
		switch {
		case u.Host == "" || u.Opaque != "":
			k.add(path+".proxy_url", "invalid proxy URL; use a URL such as http://proxy.example.com:3128, and percent-encode special characters of a password")
		case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
			k.add(path+".proxy_url", "unsupported scheme %q; use http, https, socks5 or socks5h", u.Scheme)
		case !hasValidPort(u):
			k.add(path+".proxy_url", "URL has an invalid port; use 1 to 65535")
		}
	}
	if u != nil && h.ProxyFromEnvironment {
		k.add(path+".proxy_from_environment", "conflicts with proxy_url; remove one of the two")
	}
	if u == nil && h.NoProxy != "" {
		k.add(path+".no_proxy", "no effect without proxy_url; set proxy_url, or use the environment variable NO_PROXY")
	}
	if len(h.ProxyConnectHeader) > 0 && u == nil && !h.ProxyFromEnvironment {
		k.add(path+".proxy_connect_header", "no effect without a proxy; set proxy_url, or remove it")
	}
	for _, name := range slices.Sorted(maps.Keys(h.ProxyConnectHeader)) {
		if !tokenPattern.MatchString(name) {
			k.add(keyPath(path+".proxy_connect_header", name), "not a header name; use letters, digits and hyphens only")
		}
	}
}

func (k *checker) tls(path string, h *HTTP) {
	t := &h.TLS
	ca := k.pem(path, "ca", t.CA, t.CAFile)
	cert := k.pem(path, "cert", t.Cert, t.CertFile)
	key := k.pem(path, "key", string(t.Key), t.KeyFile)
	if ca != nil && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		k.add(inlineOrFileKey(path, "ca", t.CAFile), "no PEM certificate found; use one that begins with -----BEGIN CERTIFICATE-----")
	}
	hasCert, hasKey := t.Cert+t.CertFile != "", string(t.Key)+t.KeyFile != ""
	switch {
	case hasCert && !hasKey:
		k.add(path+".key_file", "missing; set the private key of the client certificate")
	case hasKey && !hasCert:
		k.add(path+".cert_file", "missing; set the client certificate of the private key")
	case cert != nil && key != nil:
		// The error of crypto/tls is dropped: it may describe the private key.
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			k.add(inlineOrFileKey(path, "cert", t.CertFile), "certificate and private key do not match, or are not PEM; check both")
		}
	}
	if t.MaxVersion != 0 && t.MinVersion > t.MaxVersion {
		k.add(path+".max_version", "lower than min_version; swap the two")
	}
}

// pem returns the PEM data that is set inline or in a file. It returns nil if
// there is none, or after an error.
func (k *checker) pem(path, key, text, file string) []byte {
	switch {
	case text != "" && file != "":
		k.add(path+"."+key, "set twice, here and in %s_file; remove one", key)
	case text != "":
		return []byte(text)
	case file != "":
		data, err := readFile(file)
		if err != nil {
			k.add(path+"."+key+"_file", "%q: %v", file, err)
		}
		return data
	}
	return nil
}

// inlineOrFileKey returns the path of the key that sets a value: key, or
// key_file if file is not empty.
func inlineOrFileKey(path, key, file string) string {
	if file != "" {
		key += "_file"
	}
	return path + "." + key
}
