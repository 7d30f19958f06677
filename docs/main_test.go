// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"flag"
	"os"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/repository"
)

var update = flag.Bool("update", false, "write generated documents")

func TestMain(m *testing.M) {
	repository.Chdir()
	os.Exit(m.Run())
}
