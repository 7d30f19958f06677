// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout bounds for how long sent data may stay unacknowledged. Without
// it, a write to a peer that is gone delays the probes of TCP keep-alive.
func setUserTimeout(_, _ string, c syscall.RawConn) error {
	// A kernel without the option is no reason to fail: the request has a deadline.
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout/time.Millisecond))
	})
}
