// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// envProvider has the key of the SDK's environment variables.
type envProvider struct{ *tokenClient }

// Changed returns false: the environment of a process does not change.
func (envProvider) Changed() bool { return false }

// Retrieve reads the environment. Like the SDK, it prefers an identity provider.
func (p envProvider) Retrieve(ctx context.Context) (*Key, error) {
	if id, file := p.getenv(config.EnvIDPID), p.getenv(config.EnvIDTokenFile); id != "" && file != "" {
		return oidcProvider{p.tokenClient, id, file}.Retrieve(ctx)
	}
	k := NewKey(p.getenv(config.EnvAccessKey), p.getenv(config.EnvSecretKey), p.getenv(config.EnvSecurityToken))
	if k.AccessKey == "" || k.SecretKey == "" {
		return nil, fmt.Errorf("%s and %s are not set", config.EnvAccessKey, config.EnvSecretKey)
	}
	return k, nil
}
