// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// Provider is a source of keys. Its methods are not called concurrently.
type Provider interface {
	// Retrieve returns the provider's current key.
	Retrieve(ctx context.Context) (*Key, error)
	// Changed reports whether the key may differ from the one that was retrieved
	// last. It must be cheap. Providers whose keys expire return false.
	Changed() bool
}

// newProvider returns the provider that the configuration names.
func newProvider(cfg *config.Credentials, c *tokenClient) (Provider, error) {
	switch cfg.Source {
	case config.SourceStatic:
		return newStaticProvider(cfg, c.now), nil
	case config.SourceEnvironment:
		return envProvider{c}, nil
	case config.SourceProfile:
		return &profileProvider{tokenClient: c, path: cfg.ProfileFile}, nil
	case config.SourceECSAgency:
		return metadataProvider{c}, nil
	case config.SourcePodIdentity:
		return podIdentityProvider{c}, nil
	case config.SourceOIDC:
		return oidcProvider{c, cfg.IDPID, cfg.IDTokenFile}, nil
	case config.SourceChain, "":
		return &providerChain{providers: []namedProvider{
			{"environment", envProvider{c}},
			{"profile file", &profileProvider{tokenClient: c, path: cfg.ProfileFile}},
			{"ECS agency", metadataProvider{c}},
			{"pod identity", podIdentityProvider{c}},
		}}, nil
	default:
		return nil, fmt.Errorf("credentials.source: unknown source %q", cfg.Source)
	}
}

// providerChain is the first of its providers that has a key, for as long as it
// has one.
type providerChain struct {
	providers []namedProvider
	selected  Provider
}

type namedProvider struct {
	name string
	Provider
}

// Changed reports whether the key of the selected provider may have changed.
func (c *providerChain) Changed() bool { return c.selected != nil && c.selected.Changed() }

// Retrieve returns the key of the first provider that has one. Its error lists
// the errors of all.
func (c *providerChain) Retrieve(ctx context.Context) (*Key, error) {
	if c.selected != nil {
		if k, err := c.selected.Retrieve(ctx); err == nil || ctx.Err() != nil {
			return k, err
		}
	}
	var errs []string
	for _, p := range c.providers {
		k, err := p.Retrieve(ctx)
		if err == nil {
			c.selected = p.Provider
			return k, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		errs = append(errs, fmt.Sprintf("%s: %s", p.name, err))
	}
	return nil, errors.New(strings.Join(errs, "; "))
}
