// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxKeptChanges limits changes.keep and changes.webhook.queue.
const maxKeptChanges = 1_000_000

func (k *checker) changes(c *Changes) {
	k.inRange("changes.keep", c.Keep, 0)
	w, path := &c.Webhook, "changes.webhook"
	if w.IsZero() {
		var absent Webhook
		absent.setDefaults()
		absent.HTTP.applyDerivedDefaults("", false)
		if w.Fingerprint() != absent.Fingerprint() {
			k.add(path+".url", "missing; set it or url_file, or remove %s", path)
		}
		return
	}
	switch {
	case !w.URL.IsZero() && w.URLFile != "":
		k.add(path+".url", "set twice, here and in url_file; remove one")
	case w.URLFile == "":
		k.webhookURL(path+".url", w.URL.Reveal())
	default:
		if data, err := readFile(w.URLFile); err != nil {
			k.add(path+".url_file", "%q: %v", w.URLFile, err)
		} else {
			k.webhookURL(path+".url_file", strings.TrimSpace(string(data)))
		}
	}
	k.authorization(path+".authorization", &w.Authorization)
	k.headers(path+".headers", w)
	k.http(path+".http", &w.HTTP)
	k.positiveDuration(path+".timeout", w.Timeout)
	k.inRange(path+".queue", w.Queue, 1)
}

func (k *checker) inRange(path string, n, least int) {
	if n < least || n > maxKeptChanges {
		k.add(path, "%d is out of range; use %d to %d", n, least, maxKeptChanges)
	}
}

// webhookURL checks a webhook's URL. It may be a secret, so no error quotes it.
func (k *checker) webhookURL(path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		k.add(path, "invalid webhook URL; use a URL such as https://hooks.example.com/workspace")
	case u.User != nil:
		k.add(path, "URL contains a user or a password; use authorization instead")
	case u.Fragment != "":
		k.add(path, "URL contains a fragment (#), which is never sent; remove it")
	case !hasValidPort(u):
		k.add(path, "URL has an invalid port; use 1 to 65535")
	}
}

func (k *checker) authorization(path string, a *Authorization) {
	if a.IsZero() {
		if k.isSet(path + ".type") {
			k.add(path+".credentials", "missing; set it or credentials_file")
		}
		return
	}
	if !headerTokenPattern.MatchString(a.Type) {
		k.add(path+".type", "not a single word; use a type such as Bearer or Basic, and move the rest to credentials")
	}
	switch {
	case !a.Credentials.IsZero() && a.CredentialsFile != "":
		k.add(path+".credentials", "set twice, here and in credentials_file; remove one")
	case a.CredentialsFile != "":
		k.secretFile(path+".credentials_file", a.CredentialsFile)
	default:
		k.headerValue(path+".credentials", a.Credentials)
	}
}

// headerTokenPattern matches a token of RFC 9110: a header name, or the type of
// an Authorization header.
var headerTokenPattern = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// reservedHeaders are set by the exporter or by net/http.
var reservedHeaders = []string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

func (k *checker) headers(path string, w *Webhook) {
	nameByCanonical := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		headerPath, canonical := keyPath(path, name), http.CanonicalHeaderKey(name)
		switch {
		case !headerTokenPattern.MatchString(name):
			// The name is not quoted: it may be a secret in the wrong place.
			k.add(path, "invalid header name; use letters, digits and hyphens only")
			continue
		case slices.Contains(reservedHeaders, canonical):
			k.add(headerPath, "header is set by the exporter; remove it")
		case canonical == "Authorization" && !w.Authorization.IsZero():
			k.add(headerPath, "set twice, here and in authorization; remove one")
		case nameByCanonical[canonical] != "":
			k.add(headerPath, "same header as %s; remove one", nameByCanonical[canonical])
		}
		nameByCanonical[canonical] = name
		k.headerValue(headerPath, w.Headers[name])
	}
}

func (k *checker) headerValue(path string, value Secret) {
	if !isValidHeaderValue(value.Reveal()) {
		k.add(path, invalidHeaderValue)
	}
}

func (k *checker) state(s *State) {
	if s.IsZero() {
		if k.isSet("state.max_age") {
			k.add("state.file", "missing; set it to keep state across restarts, or remove max_age")
		}
		return
	}
	k.positiveDuration("state.max_age", s.MaxAge)
	if info, err := os.Stat(s.File); err == nil && !info.Mode().IsRegular() {
		k.add("state.file", "%q is not a regular file; use a file in a directory that the exporter can write to", s.File)
	}
	if info, err := os.Stat(filepath.Dir(s.File)); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		k.add("state.file", "%q is in a directory that does not exist; create it, writable for the exporter", s.File)
	}
}
