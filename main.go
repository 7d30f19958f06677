// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command huaweicloud_workspace_exporter exports the VPC, subnet, private IP,
// EIP and security groups of Huawei Cloud Workspace desktops to Prometheus.
package main

import (
	"os"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
