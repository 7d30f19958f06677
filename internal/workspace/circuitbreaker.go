// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// circuitBreaker sends requests only while the circuit breaker of their key
// permits it, and reports to it whether the cloud accepted the key.
type circuitBreaker struct {
	next     caller
	breakers *credentials.Breakers
	endpoint string
}

func (c *circuitBreaker) do(ctx context.Context, r *request) (*apierror.Response, error) {
	breaker := c.breakers.Breaker(r.key)
	ctx, permit, err := breaker.Acquire(ctx, r.name, c.endpoint)
	if err != nil {
		return nil, fromWait(r.name, hostOf(c.endpoint), err)
	}
	resp, err := c.next.do(ctx, r)
	if resp == nil {
		opened := errors.Is(context.Cause(ctx), credentials.ErrBreakerOpened) // before Release, which ends ctx
		permit.Release(false)
		if f := breaker.OpenError(r.name); opened && f != nil {
			return nil, f
		}
		return nil, err
	}
	f, _ := errors.AsType[*inventory.Failure](err)
	switch {
	case resp.Status == http.StatusOK:
		permit.Release(true)
	case f != nil && f.Kind == inventory.Authentication:
		permit.Refuse(f)
	default:
		permit.Release(f != nil && (f.Kind == inventory.Denied || f.Kind == inventory.Disabled))
	}
	return resp, err
}
