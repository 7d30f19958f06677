// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"errors"
	"fmt"

	"github.com/gofrs/flock"
)

// ErrLocked is returned if another process uses the state file.
var ErrLocked = errors.New("another process uses the state file")

// Lock reserves a state file for this process and returns what releases it. The
// operating system releases it too when the process ends, however it ends. The
// lock is on a file beside the state file, which every save replaces.
//
// The error is ErrLocked, or the reason why the file cannot be locked, such as a
// missing folder or a file system without locks.
func Lock(path string) (unlock func(), err error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the state file: %w", err)
	case !locked:
		return nil, ErrLocked
	}
	return func() { _ = lock.Close() }, nil
}
