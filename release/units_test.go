// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const systemd = "../deploy/systemd/"

// TestUnitsVerify verifies the units with systemd-analyze, and rates the service's
// security: 2.0 of 10 at most.
func TestUnitsVerify(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	// systemd-analyze requires the program to exist.
	folder, bin := t.TempDir(), filepath.Join(unpacked(t, "linux-amd64"), program)
	for _, name := range []string{program + ".service", program + ".socket"} {
		text, err := os.ReadFile(systemd + name)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "/usr/bin/"+program, bin))
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if said := must(t, exec.Command(analyze, "verify", "--man=no", filepath.Join(folder, name))); said != "" {
			t.Errorf("%s: %s", name, said)
		}
	}
	said := must(t, exec.Command(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", systemd+program+".service"))
	grade := regexp.MustCompile(`exposure level .*: (\S+)`).FindStringSubmatch(said)
	if grade == nil {
		t.Fatalf("no grade in\n%s", said)
	}
	t.Logf("systemd-analyze security: %s", grade[1])
}

// TestUnitFlags checks that the exporter accepts the flags of the service, and each
// flag that the file of options suggests.
func TestUnitFlags(t *testing.T) {
	bin := filepath.Join(unpacked(t, "linux-amd64"), program)
	unit, err := os.ReadFile(systemd + program + ".service")
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindAllStringSubmatch(string(unit), -1)
	if len(start) != 1 {
		t.Fatalf("%d commands are started, want 1", len(start))
	}
	defaults, err := os.ReadFile(systemd + program + ".default")
	if err != nil {
		t.Fatal(err)
	}
	suggested := regexp.MustCompile(`(?m)^(?:# )?OPTIONS="(.*)"$`).FindAllStringSubmatch(string(defaults), -1)
	if len(suggested) != 5 {
		t.Errorf("%d suggestions, want 5: %q", len(suggested), suggested)
	}

	// The files in the flags, in a folder of the test.
	etc := t.TempDir()
	example, err := os.ReadFile(systemd + "exporter.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	const credential = "/run/credentials/" + program + ".service/" + program + ".secret_key"
	if !strings.Contains(string(example), " "+credential+"\n") || !strings.Contains(string(unit), "# "+credential+"\n") ||
		!strings.Contains(string(unit), "\nLoadCredential="+filepath.Base(credential)+"\n") {
		t.Errorf("unit and example do not both name %s", credential)
	}
	for name, text := range map[string]string{
		"exporter.yml": strings.ReplaceAll(string(example), credential, "secret_key"), "secret_key": "SKEXAMPLE\n", "web.yml": "{}\n",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range suggested {
		line := strings.ReplaceAll(start[0][1], "$OPTIONS", s[1])
		line = strings.ReplaceAll(line, "/etc/"+program, etc)
		fields := strings.Fields(line)
		if fields[0] != "/usr/bin/"+program {
			t.Errorf("%s is started", fields[0])
		}
		if said := must(t, exec.Command(bin, append(fields[1:], "--config.check")...)); said != "configuration is valid\n" {
			t.Errorf("%s: %s", line, said)
		}
	}
}
