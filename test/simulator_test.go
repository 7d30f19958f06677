// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const projectID = "0123456789abcdef0123456789abcdef"

// startCloud starts a simulated cloud with one project of n desktops, and returns the
// configuration that exports it. More may be added to the project and the file
// by extra, which are lines of the project.
func startCloud(t testing.TB, n int, extra ...string) (cloud *simulator.Cloud, yaml string) {
	t.Helper()
	cloud = simulator.New(simulator.Options{History: -1})
	cloud.AddProject(simulator.Project{ID: projectID, Region: "la-north-2"})
	cloud.AddKey(simulator.Key{AccessKey: "AKTEST", SecretKey: "SKTEST"})
	cloud.SetDesktops(projectID, simulator.GenerateDesktops(n, 1))
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return cloud, projectConfig(url, extra...)
}

// projectConfig is the configuration of the project office, with more lines of its project.
func projectConfig(url string, extra ...string) string {
	yaml := fmt.Sprintf(`
projects:
  - name: office
    region: la-north-2
    project_id: %s
    endpoint: %s
    credentials: {access_key: AKTEST, secret_key: SKTEST}
`, projectID, url)
	for _, line := range extra {
		yaml += "    " + line + "\n"
	}
	return yaml
}
