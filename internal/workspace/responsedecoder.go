// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// decoder decodes responses, and converts all errors into failures.
type decoder struct {
	next caller
	host string
	now  func() time.Time
}

func (c *decoder) do(ctx context.Context, r *request) (*apierror.Response, error) {
	resp, err := c.next.do(ctx, r)
	switch {
	case err != nil:
		return nil, apierror.FromTransport(r.name, c.host, err)
	case resp.Status != http.StatusOK:
		return resp, apierror.FromResponse(r.name, resp, c.now())
	}
	err = r.decode(resp.Body)
	switch {
	case errors.Is(err, decode.ErrNoList): // it may be an error with status 200
		return resp, apierror.FromResponse(r.name, resp, c.now())
	case err != nil:
		return resp, apierror.FromDecode(r.name, resp, err)
	}
	return resp, nil
}
