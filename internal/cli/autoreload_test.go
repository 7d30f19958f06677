// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// TestAutoReload replaces a mounted configuration file; invalid configurations change
// nothing.
func TestAutoReload(t *testing.T) {
	_, yaml := startCloud(t)
	dir := t.TempDir()
	testutil.MountFile(t, dir, "1", yaml)
	x := startProcess(t, 1, "--config.file="+filepath.Join(dir, "exporter.yml"), "--config.auto-reload", "--web.listen-address=127.0.0.1:0")
	c := newClient(t, nil)
	names := func() string {
		return apptest.Parse(t, fetch(t, c, http.MethodGet, x.urls[0]+"/metrics").body).Projects()
	}
	if got := names(); got != "office up=1 desktops=2" {
		t.Fatalf("projects are %q", got)
	}
	testutil.MountFile(t, dir, "2", strings.Replace(yaml, "name: office", "name: renamed", 1))
	x.eventually("renamed", func() bool { return names() == "renamed up=1 desktops=2" })
	testutil.MountFile(t, dir, "3", "projects: [")
	x.eventually("refused", func() bool { return strings.Contains(x.stderr.String(), "Configuration reload failed") })
	if got := names(); got != "renamed up=1 desktops=2" {
		t.Errorf("after a bad file: %q", got)
	}
	testutil.MountFile(t, dir, "4", yaml)
	x.eventually("back", func() bool { return names() == "office up=1 desktops=2" })
	if n := strings.Count(x.stderr.String(), "File changed"); n != 3 {
		t.Errorf("%d changes seen, want 3:\n%s", n, x.stderr.String())
	}
}
