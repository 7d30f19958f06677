// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	Chdir()
	os.Exit(m.Run())
}
