// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
)

// sourceKey is a key of credentials, and the only source that it may be used
// with.
type sourceKey struct {
	key    string
	isSet  bool
	source Source
}

func (c *Credentials) sourceKeys() []sourceKey {
	return []sourceKey{
		{"access_key", c.AccessKey != "", SourceStatic},
		{"access_key_file", c.AccessKeyFile != "", SourceStatic},
		{"secret_key", !c.SecretKey.IsZero(), SourceStatic},
		{"secret_key_file", c.SecretKeyFile != "", SourceStatic},
		{"security_token", !c.SecurityToken.IsZero(), SourceStatic},
		{"security_token_file", c.SecurityTokenFile != "", SourceStatic},
		{"profile_file", c.ProfileFile != "", SourceProfile},
		{"idp_id", c.IDPID != "", SourceOIDC},
		{"id_token_file", c.IDTokenFile != "", SourceOIDC},
	}
}

func (k *checker) credentials(path string, c *Credentials) {
	sources := []Source{
		SourceChain, SourceStatic, SourceEnvironment, SourceProfile, SourceECSAgency, SourcePodIdentity, SourceOIDC,
	}
	if !slices.Contains(sources, c.Source) {
		k.add(path+".source", "unknown source %q; use one of: %s", c.Source, joinSources(sources))
		return
	}
	for _, key := range c.sourceKeys() {
		if key.isSet && key.source != c.Source {
			k.add(path+"."+key.key, "not used by source %s, only by %s; remove it, or change the source", c.Source, key.source)
		}
	}
	switch c.Source {
	case SourceStatic:
		k.inlineOrFile(path, "access_key", c.AccessKey, c.AccessKeyFile, true)
		k.inlineOrFile(path, "secret_key", c.SecretKey.Reveal(), c.SecretKeyFile, true)
		k.inlineOrFile(path, "security_token", c.SecurityToken.Reveal(), c.SecurityTokenFile, false)
	case SourceOIDC:
		if c.IDPID == "" {
			k.add(path+".idp_id", "missing; set the ID of the identity provider in IAM")
		}
		if c.IDTokenFile == "" {
			k.add(path+".id_token_file", "missing; set the file that contains the ID token of the identity provider")
		} else {
			k.secretFile(path+".id_token_file", c.IDTokenFile)
		}
	case SourceProfile:
		if c.ProfileFile != "" {
			k.secretFile(path+".profile_file", c.ProfileFile)
		}
	case SourceChain, SourceEnvironment, SourceECSAgency, SourcePodIdentity: // have no keys
	}
}

// inlineOrFile checks a secret that is set inline or in a file. No error quotes
// it.
func (k *checker) inlineOrFile(path, key, text, file string, required bool) {
	inlinePath := path + "." + key
	switch {
	case text != "" && file != "":
		k.add(inlinePath, "set twice, here and in %s_file; remove one", key)
	case text == "" && file == "" && required:
		k.add(inlinePath, "missing; set it or %s_file", key)
	case file != "":
		k.secretFile(inlinePath+"_file", file)
	default:
		k.credentialText(inlinePath, text)
	}
}

// credentialText checks that text contains only characters that access keys,
// secret keys and tokens have.
func (k *checker) credentialText(path, text string) {
	if strings.HasPrefix(text, "$") || strings.Contains(text, "${") {
		k.add(path, "looks like a variable, but variables are not expanded; use %s_file, or source: environment", path[strings.LastIndex(path, ".")+1:])
		return
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		k.add(path, "contains a space, a line break or another character that keys and tokens do not have; copy it again")
	}
}

// secretFile checks that file is readable and not empty.
func (k *checker) secretFile(path, file string) {
	if _, err := readSecretFile(file); err != nil {
		k.add(path, "%q: %v", file, err)
	}
}

func joinSources(sources []Source) string {
	var texts []string
	for _, s := range sources {
		texts = append(texts, string(s))
	}
	return strings.Join(texts, ", ")
}
