// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Source is a service that issues temporary access keys.
type Source int

// The sources of temporary access keys.
const (
	SourceOIDC        Source = iota // IAM, for the ID token of an identity provider
	SourceAgency                    // metadata service of an ECS
	SourcePodIdentity               // pod identity service of CCE
)

// Issuer issues temporary access keys of a source.
type Issuer struct {
	Source   Source
	Provider string        // of SourceOIDC: ID of the identity provider
	Token    string        // of SourceOIDC and SourcePodIdentity: required token
	Lifetime time.Duration // of the keys; default: as requested of SourceOIDC, 24h of others
	Projects []string      // as in Key
	Deny     []string
}

// session is a token of IAM or the metadata service that can be exchanged for a key.
type session struct {
	issuer  Issuer
	expires time.Time
}

type issuers struct {
	mu       sync.Mutex
	seed     uint64
	issued   uint64
	list     []Issuer
	sessions map[string]session
}

func (s *issuers) init(seed uint64) { s.seed, s.sessions = seed, map[string]session{} }

// AddIssuer adds an issuer, or replaces the one with the same source, provider and
// token. Keys that it issues are keys of the cloud and share one quota.
func (c *Cloud) AddIssuer(i Issuer) {
	i.Projects, i.Deny = slices.Clone(i.Projects), slices.Clone(i.Deny)
	s := &c.issuers
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(slices.DeleteFunc(s.list, i.matches), i)
}

// RemoveIssuer removes an issuer. Issued keys stay valid.
func (c *Cloud) RemoveIssuer(i Issuer) {
	c.issuers.mu.Lock()
	defer c.issuers.mu.Unlock()
	c.issuers.list = slices.DeleteFunc(c.issuers.list, i.matches)
}

func (i Issuer) matches(o Issuer) bool {
	return i.Source == o.Source && i.Provider == o.Provider && i.Token == o.Token
}

// lookup returns the issuer that accepts a token.
func (s *issuers) lookup(source Source, provider, token string) (Issuer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.list, Issuer{Source: source, Provider: provider, Token: token}.matches)
	if at < 0 {
		return Issuer{}, false
	}
	return s.list[at], true
}

// createSession returns the token of a new session.
func (s *issuers) createSession(i Issuer, expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := "SESSION" + hexID(s.seed, s.issued)
	s.sessions[token] = session{issuer: i, expires: expires}
	return token
}

func (s *issuers) session(token string, now time.Time) (Issuer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.sessions[token]
	return t.issuer, ok && now.Before(t.expires)
}

// issueKey adds a new key of an issuer to the cloud.
func (c *Cloud) issueKey(i Issuer, lifetime time.Duration) Key {
	s := &c.issuers
	s.mu.Lock()
	s.issued++
	n := s.issued
	s.mu.Unlock()
	key := Key{
		AccessKey:     "HST" + hexID(s.seed, n, 1)[:17],
		SecretKey:     hexID(s.seed, n, 2),
		SecurityToken: "TOKEN" + hexID(s.seed, n, 3) + hexID(s.seed, n, 4),
		Expires:       c.now().Add(lifetime).UTC().Truncate(time.Second),
		User:          fmt.Sprintf("issuer %d %s", i.Source, i.Provider),
		Projects:      i.Projects,
		Deny:          i.Deny,
	}
	c.AddKey(key)
	return key
}

// writeCredential encodes a key with the field names of a source.
func writeCredential(e *encoder, name string, key Key, names [4]string) {
	e.key(name)
	e.open('{')
	e.stringField(names[0], key.AccessKey)
	e.stringField(names[1], key.SecretKey)
	e.stringField(names[2], key.SecurityToken)
	e.stringField(names[3], key.Expires.Format("2006-01-02T15:04:05.000000Z"))
	e.close('}')
}

// createToken serves the first step of OIDC in IAM: an ID token for an IAM token.
func (c *Cloud) createToken(r *http.Request, x *request) response {
	var body struct {
		Auth struct {
			Token struct {
				ID string `json:"id"`
			} `json:"id_token"`
		} `json:"auth"`
	}
	if err := json.Unmarshal(x.body, &body); err != nil {
		return keystoneError(http.StatusBadRequest, "Bad Request", "The request body is invalid.")
	}
	i, ok := c.issuers.lookup(SourceOIDC, r.Header.Get("X-Idp-Id"), body.Auth.Token.ID)
	if !ok {
		return gatewayError(http.StatusForbidden, "IAM.0002", "The identity provider does not accept the token.", "")
	}
	expires := x.Time.Add(24 * time.Hour)
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.key("token")
	e.open('{')
	e.stringField("expires_at", expires.UTC().Format("2006-01-02T15:04:05.000000Z"))
	e.rawField("methods", `["mapped"]`)
	e.stringField("issued_at", x.Time.UTC().Format("2006-01-02T15:04:05.000000Z"))
	e.close('}')
	e.close('}')
	header := trace(x)
	header.Set("X-Subject-Token", c.issuers.createSession(i, expires))
	return response{status: http.StatusCreated, header: header, body: e.buf}
}

// createTemporaryKey serves the second step: an IAM token for a temporary key.
func (c *Cloud) createTemporaryKey(_ *http.Request, x *request) response {
	var body struct {
		Auth struct {
			Identity struct {
				Methods []string `json:"methods"`
				Token   struct {
					ID       string `json:"id"`
					Duration int    `json:"duration_seconds"`
				} `json:"token"`
			} `json:"identity"`
		} `json:"auth"`
	}
	if err := json.Unmarshal(x.body, &body); err != nil || !slices.Equal(body.Auth.Identity.Methods, []string{"token"}) {
		return keystoneError(http.StatusBadRequest, "Bad Request", "The request body is invalid.")
	}
	i, ok := c.issuers.session(body.Auth.Identity.Token.ID, x.Time)
	if !ok {
		return keystoneError(http.StatusUnauthorized, "Unauthorized", "The token must be updated.")
	}
	lifetime := cmp.Or(i.Lifetime, time.Duration(body.Auth.Identity.Token.Duration)*time.Second, 15*time.Minute)
	e := encoder{absent: WriteEmpty}
	e.open('{')
	writeCredential(&e, "credential", c.issueKey(i, lifetime), [4]string{"access", "secret", "securitytoken", "expires_at"})
	e.close('}')
	return response{status: http.StatusCreated, header: trace(x), body: e.buf}
}

// metadataToken serves a session token of the metadata service.
func (c *Cloud) metadataToken(_ *http.Request, x *request) response {
	token := c.issuers.createSession(Issuer{Source: SourceAgency}, x.Time.Add(6*time.Hour))
	return response{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte(token)}
}

// metadataKey serves the key of the ECS agency. The session token is optional, as
// on an ECS that does not enforce it.
func (c *Cloud) metadataKey(r *http.Request, x *request) response {
	if token := r.Header.Get("X-Metadata-Token"); token != "" {
		if _, ok := c.issuers.session(token, x.Time); !ok {
			return response{status: http.StatusUnauthorized, body: []byte("401 Unauthorized: invalid token")}
		}
	}
	i, ok := c.issuers.lookup(SourceAgency, "", "")
	if !ok {
		return response{status: http.StatusUnauthorized, body: []byte("Please configure Cloud Service Agency first")}
	}
	e := encoder{absent: WriteEmpty}
	e.open('{')
	writeCredential(&e, "credential", c.issueKey(i, cmp.Or(i.Lifetime, 24*time.Hour)), [4]string{"access", "secret", "securitytoken", "expires_at"})
	e.close('}')
	return response{status: http.StatusOK, body: e.buf}
}

// podIdentity serves the key of a pod.
func (c *Cloud) podIdentity(r *http.Request, x *request) response {
	i, ok := c.issuers.lookup(SourcePodIdentity, "", r.Header.Get("Authorization"))
	if !ok {
		return gatewayError(http.StatusUnauthorized, "PodIdentity.0401", "The token is not accepted.", x.RequestID)
	}
	e := encoder{absent: WriteEmpty}
	e.open('{')
	writeCredential(&e, "credentials", c.issueKey(i, cmp.Or(i.Lifetime, 24*time.Hour)),
		[4]string{"accessKeyId", "secretAccessKey", "securityToken", "expiration"})
	e.close('}')
	return response{status: http.StatusOK, body: e.buf}
}
