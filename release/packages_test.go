// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeb reads the package with dpkg-deb.
func TestDeb(t *testing.T) {
	dpkg := tool(t, "dpkg-deb")
	path := filepath.Join(released(t), packageName+"_1.2.3~rc.1_amd64.deb")
	fields := must(t, exec.Command(dpkg, "--show", "--showformat",
		"${Package}\n${Version}\n${Architecture}\n${Section}\n${Priority}\n${Pre-Depends}\n${Depends}\n${Recommends}\n${Homepage}\n${Maintainer}\n${Description}\n", path))
	list := exec.Command(dpkg, "--contents", path)
	list.Env = append(os.Environ(), "TZ=UTC")
	control := t.TempDir()
	must(t, exec.Command(dpkg, "--control", path, control))
	kept, err := os.ReadFile(filepath.Join(control, "conffiles"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "deb.txt", fields+"\nkept when changed:\n"+strings.TrimSpace(string(kept))+"\n\n"+sizes.ReplaceAllString(must(t, list), " SIZE 2026"))

	arm := filepath.Join(released(t), packageName+"_1.2.3~rc.1_arm64.deb")
	if got := must(t, exec.Command(dpkg, "--show", "--showformat", "${Architecture}", arm)); got != "arm64" {
		t.Errorf("the architecture of the package for arm64 is %s", got)
	}
}

// TestRPM reads the package with rpm.
func TestRPM(t *testing.T) {
	rpm := tool(t, "rpm")
	path := filepath.Join(released(t), packageName+"-1.2.3~rc.1-1.x86_64.rpm")
	must(t, exec.Command(rpm, "--checksig", "--nosignature", path))
	const fields = "%{NAME}\n%{VERSION}\n%{RELEASE}\n%{ARCH}\n%{LICENSE}\n%{URL}\n%{VENDOR}\n%{BUILDTIME}\n%{BUILDHOST}\n%{SUMMARY}\n%{DESCRIPTION}\n\n"
	const list = `[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILEMTIMES} %{FILEFLAGS:fflags} %{FILENAMES}` + "\n]"
	golden(t, "rpm.txt", must(t, exec.Command(rpm, "--query", "--package", "--queryformat", fields+list, path)))
	if got := must(t, exec.Command(rpm, "--query", "--package", "--requires", path)); got != "/usr/sbin/useradd\n" {
		t.Errorf("requires %s", got)
	}
	if got := must(t, exec.Command(rpm, "--query", "--package", "--recommends", path)); got != "ca-certificates\n" {
		t.Errorf("recommends %s", got)
	}
	said := must(t, exec.Command(rpm, "--query", "--package", "--scripts", path))
	for _, script := range []string{"preinstall", "postinstall", "preuninstall", "postuninstall"} {
		if !strings.Contains(said, script+" scriptlet (using /bin/sh):\n#!/bin/sh\n") {
			t.Errorf("there is no %s:\n%s", script, said)
		}
	}
	arm := filepath.Join(released(t), packageName+"-1.2.3~rc.1-1.aarch64.rpm")
	if got := must(t, exec.Command(rpm, "--query", "--package", "--queryformat", "%{ARCH}", arm)); got != "aarch64" {
		t.Errorf("the architecture of the package for arm64 is %s", got)
	}
}
