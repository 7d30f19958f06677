// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
)

// sourceKey is a key of credentials that is set, with the sources it belongs to.
type sourceKey struct {
	key     string
	set     bool
	sources []Source
}

func (c *Credentials) sourceKeys() []sourceKey {
	static, oidc := []Source{SourceStatic}, []Source{SourceOIDC}
	return []sourceKey{
		{"access_key", c.AccessKey != "", static},
		{"access_key_file", c.AccessKeyFile != "", static},
		{"secret_key", !c.SecretKey.IsZero(), static},
		{"secret_key_file", c.SecretKeyFile != "", static},
		{"security_token", !c.SecurityToken.IsZero(), static},
		{"security_token_file", c.SecurityTokenFile != "", static},
		{"profile_file", c.ProfileFile != "", []Source{SourceProfile}},
		{"idp_id", c.IDPID != "", oidc},
		{"id_token_file", c.IDTokenFile != "", oidc},
	}
}

func (k *checker) credentials(path string, c *Credentials) {
	sources := []Source{
		SourceChain, SourceStatic, SourceEnvironment, SourceProfile, SourceECSAgency, SourcePodIdentity, SourceOIDC,
	}
	if !slices.Contains(sources, c.Source) {
		k.add(path+".source", "is %q; use one of: %s", c.Source, joinSources(sources))
		return
	}
	for _, o := range c.sourceKeys() {
		if o.set && !slices.Contains(o.sources, c.Source) {
			k.add(path+"."+o.key, "does not belong to the source %s, but to %s; remove it, or change the source", c.Source, joinSources(o.sources))
		}
	}
	switch c.Source {
	case SourceStatic:
		k.inlineOrFile(path, "access_key", c.AccessKey, c.AccessKeyFile, true)
		k.inlineOrFile(path, "secret_key", c.SecretKey.Reveal(), c.SecretKeyFile, true)
		k.inlineOrFile(path, "security_token", c.SecurityToken.Reveal(), c.SecurityTokenFile, false)
	case SourceOIDC:
		if c.IDPID == "" {
			k.add(path+".idp_id", "is missing; set it to the ID of the identity provider in IAM")
		}
		if c.IDTokenFile == "" {
			k.add(path+".id_token_file", "is missing; set it to the file with the provider's ID token")
		} else {
			k.secretFile(path+".id_token_file", c.IDTokenFile)
		}
	case SourceProfile:
		if c.ProfileFile != "" {
			k.secretFile(path+".profile_file", c.ProfileFile)
		}
	case SourceChain, SourceEnvironment, SourceECSAgency, SourcePodIdentity: // nothing is configured
	}
}

// inlineOrFile checks a text that stands inline or in a file, and quotes neither.
func (k *checker) inlineOrFile(path, key, text, file string, required bool) {
	at := path + "." + key
	switch {
	case text != "" && file != "":
		k.add(at, "is given twice, here and by %s_file; remove one", key)
	case text == "" && file == "" && required:
		k.add(at, "is missing; set it or %s_file", key)
	case file != "":
		k.secretFile(at+"_file", file)
	default:
		k.credentialText(at, text)
	}
}

func (k *checker) credentialText(path, text string) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		k.add(path, "holds a space, a line break or another character that no key has; copy it again")
	}
}

// secretFile checks that there is something in a file.
func (k *checker) secretFile(path, file string) {
	if _, err := readSecretFile(file); err != nil {
		k.add(path, "is %q, which %v", file, err)
	}
}

func (k *checker) http(path string, h *HTTP) {
	k.proxy(path, h)
	k.tls(path+".tls_config", h)
}

func (k *checker) proxy(path string, h *HTTP) {
	u := h.ProxyURL.URL
	if u != nil {
		switch {
		case u.Host == "" || u.Opaque != "":
			k.add(path+".proxy_url", "must be a URL like http://proxy.example.com:3128; percent-encode special characters in a password")
		case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
			k.add(path+".proxy_url", "has the scheme %q; use http, https, socks5 or socks5h", u.Scheme)
		case !hasValidPort(u):
			k.add(path+".proxy_url", "has a port that does not exist; use one from 1 to 65535")
		}
	}
	if u != nil && h.ProxyFromEnvironment {
		k.add(path+".proxy_from_environment", "is true beside proxy_url; remove one of the two")
	}
	if u == nil && h.NoProxy != "" {
		k.add(path+".no_proxy", "has no effect without proxy_url; set that, or the environment variable NO_PROXY")
	}
	if len(h.ProxyConnectHeader) > 0 && u == nil && !h.ProxyFromEnvironment {
		k.add(path+".proxy_connect_header", "has no effect without a proxy; set proxy_url, or remove it")
	}
	for _, name := range slices.Sorted(maps.Keys(h.ProxyConnectHeader)) {
		if !tokenPattern.MatchString(name) {
			k.add(keyPath(path+".proxy_connect_header", name), "is not the name of a header; use letters, digits and hyphens only")
		}
	}
}

func (k *checker) tls(path string, h *HTTP) {
	t := &h.TLS
	ca := k.pem(path, "ca", t.CA, t.CAFile)
	cert := k.pem(path, "cert", t.Cert, t.CertFile)
	key := k.pem(path, "key", string(t.Key), t.KeyFile)
	if ca != nil && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		k.add(inlineOrFileKey(path, "ca", t.CAFile), "holds no certificate in PEM; use one that begins with -----BEGIN CERTIFICATE-----")
	}
	hasCert, hasKey := t.Cert+t.CertFile != "", string(t.Key)+t.KeyFile != ""
	switch {
	case hasCert && !hasKey:
		k.add(path+".key_file", "is missing; a client certificate needs its key")
	case hasKey && !hasCert:
		k.add(path+".cert_file", "is missing; a client key needs its certificate")
	case cert != nil && key != nil:
		// The error is left out: it might speak of what the key looks like.
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			k.add(inlineOrFileKey(path, "cert", t.CertFile), "and its key do not belong together, or are not in PEM; check both")
		}
	}
	if t.MaxVersion != 0 && t.MinVersion > t.MaxVersion {
		k.add(path+".max_version", "is lower than min_version; swap the two")
	}
}

// pem gives what stands inline or in a file; nil: nothing, or there was a fault.
func (k *checker) pem(path, key, text, file string) []byte {
	switch {
	case text != "" && file != "":
		k.add(path+"."+key, "is given twice, here and by %s_file; remove one", key)
	case text != "":
		return []byte(text)
	case file != "":
		data, err := readFile(file)
		if err != nil {
			k.add(path+"."+key+"_file", "is %q, which %v", file, err)
		}
		return data
	}
	return nil
}

// inlineOrFileKey names the key by which a text was given.
func inlineOrFileKey(path, key, file string) string {
	if file != "" {
		key += "_file"
	}
	return path + "." + key
}

func joinSources(sources []Source) string {
	var texts []string
	for _, s := range sources {
		texts = append(texts, string(s))
	}
	return strings.Join(texts, ", ")
}
