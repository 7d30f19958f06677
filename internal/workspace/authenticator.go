// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"

	"github.com/cenkalti/backoff/v5"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// authenticator adds the current key to requests. If the cloud refuses the key,
// it repeats the request once with another one: temporary keys may end before
// they expire.
type authenticator struct {
	next caller
	keys *credentials.Cache
}

func (c *authenticator) do(ctx context.Context, r *request) (*apierror.Response, error) {
	resp, refused, err := c.attempt(ctx, r)
	if f, ok := errors.AsType[*inventory.Failure](err); !ok || f.Kind != inventory.Authentication {
		return resp, err
	}
	if !c.keys.Renew(ctx, refused) {
		return resp, err
	}
	resp, _, err = c.attempt(ctx, r)
	return resp, err
}

func (c *authenticator) attempt(ctx context.Context, r *request) (*apierror.Response, *credentials.Key, error) {
	k, err := c.keys.Key(ctx)
	if err != nil {
		// The cache has its own intervals of retries.
		return nil, nil, backoff.Permanent(credentials.Failure(r.name, err))
	}
	signed := *r
	signed.key = k
	resp, err := c.next.do(ctx, &signed)
	return resp, k, err
}
