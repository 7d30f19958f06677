// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

func (c *Config) setDefaults() {
	c.Refresh = Refresh{
		Timeout:      model.Duration(2 * time.Minute),
		MaxStaleness: model.Duration(15 * time.Minute),
	}
	c.Changes.setDefaults()
	c.State.setDefaults()
}

func (c *Changes) setDefaults() {
	c.Keep = 10_000
	c.Webhook.setDefaults()
}

func (w *Webhook) setDefaults() {
	w.Authorization.setDefaults()
	w.HTTP.EnableHTTP2 = true
	w.Timeout = model.Duration(10 * time.Second)
	w.Queue = 10_000
}

func (a *Authorization) setDefaults() { a.Type = "Bearer" }

func (s *State) setDefaults() { s.MaxAge = model.Duration(7 * 24 * time.Hour) }

func (p *Project) setDefaults() {
	p.EIPs = true
	p.HTTP.EnableHTTP2 = true
	p.Limits = Limits{RequestsPerMinute: 180, Concurrency: 8}
}

func (a *Account) setDefaults() {
	var p Project
	p.setDefaults()
	a.ProjectRefresh = model.Duration(10 * time.Minute)
	a.EIPs, a.HTTP, a.Limits = p.EIPs, p.HTTP, p.Limits
}

// applyDerivedDefaults sets the defaults that depend on other keys, and resolves
// file names against dir. isSet reports whether the file contains a key.
func (c *Config) applyDerivedDefaults(dir string, isSet func(path string) bool) {
	for i := range c.Projects {
		p := &c.Projects[i]
		p.Endpoint = strings.TrimSuffix(p.Endpoint, "/")
		p.IAMEndpoint = strings.TrimSuffix(p.IAMEndpoint, "/")
		p.Credentials.applyDerivedDefaults(dir)
		p.HTTP.applyDerivedDefaults(dir, isSet(fmt.Sprintf("projects[%d].http.proxy_from_environment", i)))
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		for region, endpoint := range a.Endpoints {
			a.Endpoints[region] = strings.TrimSuffix(endpoint, "/")
		}
		a.IAMEndpoint = strings.TrimSuffix(a.IAMEndpoint, "/")
		a.Credentials.applyDerivedDefaults(dir)
		a.HTTP.applyDerivedDefaults(dir, isSet(fmt.Sprintf("accounts[%d].http.proxy_from_environment", i)))
	}
	w := &c.Changes.Webhook
	for _, file := range []*string{&w.URLFile, &w.Authorization.CredentialsFile, &c.State.File} {
		*file = promconfig.JoinDir(dir, *file)
	}
	w.HTTP.applyDerivedDefaults(dir, isSet("changes.webhook.http.proxy_from_environment"))
}

func (c *Credentials) applyDerivedDefaults(dir string) {
	for _, file := range []*string{&c.AccessKeyFile, &c.SecretKeyFile, &c.SecurityTokenFile, &c.ProfileFile, &c.IDTokenFile} {
		*file = promconfig.JoinDir(dir, *file)
	}
	if c.Source != "" {
		return
	}
	switch {
	case c.hasStaticKey():
		c.Source = SourceStatic
	case c.IDPID != "" || c.IDTokenFile != "":
		c.Source = SourceOIDC
	case c.ProfileFile != "":
		c.Source = SourceProfile
	default:
		c.Source = SourceChain
	}
}

func (c *Credentials) hasStaticKey() bool {
	return c.AccessKey != "" || c.AccessKeyFile != "" || !c.SecretKey.IsZero() || c.SecretKeyFile != "" ||
		!c.SecurityToken.IsZero() || c.SecurityTokenFile != ""
}

func (h *HTTP) applyDerivedDefaults(dir string, hasProxyFromEnvironment bool) {
	h.TLS.SetDirectory(dir)
	if h.ProxyURL.URL != nil && h.ProxyURL.String() == "" {
		h.ProxyURL.URL = nil
	}
	if h.ProxyURL.URL == nil && !hasProxyFromEnvironment {
		h.ProxyFromEnvironment = true
	}
}
