// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"

// show tells which details of desktops the configuration in force asks for.
func (x *exporter) show() export.Fields {
	c := x.config.Load()
	return export.Fields{Tags: c.NeedsTags(), Users: c.Metrics.Users}
}
