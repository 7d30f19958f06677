// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestFailuresInBrowser shows what people see when desktops change, when the
// API data is inconsistent, and when requests fail.
func TestFailuresInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	cloud, yaml := startCloud(t, 3)
	x := exporterWithConfig(t, yaml)
	x.get(t, "/metrics")
	desktops := cloud.Desktops(projectID)
	gone, moved := desktops[0], desktops[1]
	cloud.DeleteDesktop(projectID, gone.ID)
	cloud.UpdateDesktop(projectID, moved.ID, func(d *simulator.Desktop) {
		d.IP, d.Interfaces[0].PrivateIP = "192.0.2.77", "192.0.2.77"
	})
	x.eventually(t, waitTimeout, "both changes are reported", func() bool {
		x.get(t, "/metrics")
		told := x.get(t, "/changes.json").body
		return strings.Contains(told, `"kind":"vanished"`) && strings.Contains(told, `"kind":"address_changed"`)
	})

	b := browse(t, x)
	b.setViewport(1280, 900, "light")
	b.open("/changes?kind=vanished")
	if got := b.column("Desktop"); len(got) != 1 || got[0] != gone.Name {
		t.Errorf("vanished are %v, want %s", got, gone.Name)
	}
	b.click(firstName)
	if got := strings.Join(b.texts("main > .lead"), ""); got != "This desktop no longer exists. Its recorded changes are below." {
		t.Errorf("the page of %s has the text %q", gone.Name, got)
	}
	if got := strings.Join(b.column("Change"), ""); got != "vanished" {
		t.Errorf("its history is %q", got)
	}

	b.open("/inventory?search=" + moved.ID)
	want := moved.Name + " has the address 192.0.2.77, which is not in its subnet"
	if got := strings.Join(b.texts(".findings li"), "\n"); !strings.Contains(got, want) {
		t.Errorf("the findings are %q, want %q among them", got, want)
	}
	b.click(firstName)
	if got := strings.Join(b.texts("section li"), "\n"); !strings.Contains(got, want) {
		t.Errorf("the findings of %s are %q, want %q among them", moved.Name, got, want)
	}

	cloud.AddFault(simulator.Fault{Operation: simulator.ShowDesktopNetworks, Status: http.StatusForbidden})
	x.eventually(t, waitTimeout, "the failure shows", func() bool {
		x.get(t, "/metrics")
		return strings.Contains(x.get(t, "/inventory").body, "2 stale")
	})
	for _, scheme := range []string{"light", "dark"} {
		for _, path := range []string{"/inventory", "/status", "/desktop?project=office&id=" + moved.ID} {
			b.setViewport(390, 900, scheme)
			b.open(path)
			b.checkWidth(t, path)
			if bad := eval[[]string](b, contrasts); len(bad) > 0 {
				t.Errorf("%s, %s: too little contrast: %v", path, scheme, bad)
			}
			b.screenshot(t, "trouble-"+scheme+"-"+strings.Trim(strings.SplitN(path, "?", 2)[0], "/")+".png")
		}
	}
	if got := strings.Join(b.texts("main > .lead"), ""); !strings.HasPrefix(got, "The network data is stale: it was read ") {
		t.Errorf("the page of a desktop with stale data has the text %q", got)
	}
	b.open("/inventory")
	if got := strings.Join(b.column("Data age"), ", "); strings.Count(got, "stale, ") != 2 {
		t.Errorf("the data age of two desktops with stale data: %s", got)
	}
}
