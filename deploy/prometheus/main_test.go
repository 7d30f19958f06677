// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"os"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/repository"
)

func TestMain(m *testing.M) {
	repository.Chdir()
	os.Exit(m.Run())
}
