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

// maxKeptChanges is how many changes may be kept, or wait.
const maxKeptChanges = 1_000_000

func (k *checker) changes(c *Changes) {
	k.inRange("changes.keep", c.Keep, 0)
	w, path := &c.Webhook, "changes.webhook"
	if w.IsZero() {
		var absent Webhook
		absent.setDefaults()
		absent.HTTP.applyDerivedDefaults("", false)
		if w.Fingerprint() != absent.Fingerprint() {
			k.add(path+".url", "is missing; set it or url_file, or remove %s", path)
		}
		return
	}
	switch {
	case !w.URL.IsZero() && w.URLFile != "":
		k.add(path+".url", "is given twice, here and by url_file; remove one")
	case w.URLFile == "":
		k.webhookURL(path+".url", w.URL.Reveal())
	default:
		if data, err := readFile(w.URLFile); err != nil {
			k.add(path+".url_file", "is %q, which %v", w.URLFile, err)
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
		k.add(path, "is %d; use %d to %d", n, least, maxKeptChanges)
	}
}

// webhookURL checks a URL without quoting anything of it.
func (k *checker) webhookURL(path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		k.add(path, "must hold a URL like https://hooks.example.com/workspace")
	case u.User != nil:
		k.add(path, "must not hold a user or a password; use authorization")
	case u.Fragment != "":
		k.add(path, "holds a fragment (#), which is never sent; remove it")
	case !hasValidPort(u):
		k.add(path, "has a port that does not exist; use one from 1 to 65535")
	}
}

func (k *checker) authorization(path string, a *Authorization) {
	if a.IsZero() {
		if k.isSet(path + ".type") {
			k.add(path+".credentials", "is missing; set it or credentials_file")
		}
		return
	}
	if !headerTokenPattern.MatchString(a.Type) {
		k.add(path+".type", "is not one word, such as Bearer or Basic; what follows it is in credentials")
	}
	switch {
	case !a.Credentials.IsZero() && a.CredentialsFile != "":
		k.add(path+".credentials", "is given twice, here and by credentials_file; remove one")
	case a.CredentialsFile != "":
		k.secretFile(path+".credentials_file", a.CredentialsFile)
	default:
		k.headerValue(path+".credentials", a.Credentials)
	}
}

// headerTokenPattern is what a header's name and the type of an authorization are made of.
var headerTokenPattern = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// reservedHeaders are set by the exporter or by its HTTP client.
var reservedHeaders = []string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

func (k *checker) headers(path string, w *Webhook) {
	first := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		at, canonical := keyPath(path, name), http.CanonicalHeaderKey(name)
		switch {
		case !headerTokenPattern.MatchString(name):
			k.add(path, "has a name that is not the name of a header; use letters, digits and hyphens only")
			continue
		case slices.Contains(reservedHeaders, canonical):
			k.add(at, "is set by the exporter; remove it")
		case canonical == "Authorization" && !w.Authorization.IsZero():
			k.add(at, "is set by authorization as well; remove one")
		case first[canonical] != "":
			k.add(at, "is the same header as %s; remove one", first[canonical])
		}
		first[canonical] = name
		k.headerValue(at, w.Headers[name])
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
			k.add("state.file", "is missing; without it nothing is remembered")
		}
		return
	}
	k.positiveDuration("state.max_age", s.MaxAge)
	if info, err := os.Stat(s.File); err == nil && !info.Mode().IsRegular() {
		k.add("state.file", "is %q, which is not a file; name one in a folder that the exporter may write", s.File)
	}
	if info, err := os.Stat(filepath.Dir(s.File)); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		k.add("state.file", "is %q, whose folder does not exist; create it, and let the exporter write there", s.File)
	}
}
