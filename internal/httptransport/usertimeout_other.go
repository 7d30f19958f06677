// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package httptransport

import "syscall"

// setUserTimeout does nothing: this platform has no such option.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
