// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// recorder counts requests, and logs them at level debug. The log contains
// neither key nor query.
type recorder struct {
	next      caller
	now       func() time.Time
	logger    log.Logger
	telemetry Telemetry
	project   string
	region    string
	host      string
}

func (c *recorder) do(ctx context.Context, r *request) (*apierror.Response, error) {
	start := c.now()
	resp, err := c.next.do(ctx, r)
	took := c.now().Sub(start)
	code, requestID := "error", ""
	if resp != nil {
		code, requestID = strconv.Itoa(resp.Status), apierror.RequestID(resp.Header)
	}
	c.telemetry.Request(c.region, r.name, code, took)
	logger := level.Debug(c.logger)
	if err != nil {
		logger = log.With(logger, "err", apierror.FromTransport(r.name, c.host, err).Detail)
	}
	_ = logger.Log("msg", "API call", "project", c.project, "region", c.region,
		"operation", r.name, "status", code, "duration", took, "request_id", requestID)
	return resp, err
}
