// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const (
	projectID = "0123456789abcdef0123456789abcdef"
	service   = program + ".service"
	socket    = program + ".socket"
)

// office starts a simulated cloud and returns the configuration for it: the
// service's example, except endpoint and project.
func office(t *testing.T, desktops int, secretKey string) (cloud *simulator.Cloud, yaml string) {
	t.Helper()
	cloud = simulator.New(simulator.Options{History: -1})
	cloud.AddProject(simulator.Project{ID: projectID, Region: "la-north-2"})
	cloud.AddKey(simulator.Key{AccessKey: "AKEXAMPLE", SecretKey: secretKey})
	cloud.SetDesktops(projectID, simulator.GenerateDesktops(desktops, 1))
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return cloud, "    region: la-north-2\n    project_id: " + projectID + "\n    endpoint: " + url + "\n"
}

var desktops = regexp.MustCompile(`(?m)^huaweicloud_workspace_desktops\{.*\} (\d+)$`)

// exported returns the number of desktops that the exporter exports, or "".
func exported(address string) string {
	if m := desktops.FindStringSubmatch(get(address, "/metrics")); m != nil {
		return m[1]
	}
	return ""
}

// TestInstalled installs the deb on a copy of this machine whose systemd runs the
// sandboxed service: the key is a credential, a reload is a signal, an upgrade
// restarts it, and a purge leaves nothing.
func TestInstalled(t *testing.T) {
	deb := filepath.Join(released(t), packageName+"_1.2.3~rc.1_amd64.deb")
	m := boot(t)
	cloud, place := office(t, 3, "SKINSTALLED")
	address := free(t)

	m.give(deb, "/tmp/exporter.deb")
	if said := m.do("dpkg", "--install", "/tmp/exporter.deb"); !strings.Contains(said, "Create /etc/"+program+"/exporter.yml") {
		t.Errorf("it does not say what to do next:\n%s", said)
	}
	if state := m.property(service, "ActiveState"); state != "inactive" {
		t.Errorf("without a configuration it is %s", state)
	}
	if got := m.do("stat", "--format=%U:%G %a", "/etc/"+program); got != "root:"+program+" 750\n" {
		t.Errorf("the folder of the configuration is of %s", got)
	}
	if page := m.do("man", "--where", program); !strings.HasSuffix(page, "/man1/"+program+".1.gz\n") {
		t.Errorf("the manual is %s", page)
	}

	// Configure it as an operator does, with the example of the package.
	example := m.do("cat", "/usr/share/doc/"+packageName+"/examples/exporter.yml")
	m.write("/etc/"+program+"/exporter.yml", "0640", strings.Replace(example, "    region: la-north-2\n", place, 1))
	m.do("chgrp", program, "/etc/"+program+"/exporter.yml")
	m.do("mkdir", "--parents", "/etc/credstore")
	m.write("/etc/credstore/"+program+".secret_key", "0400", "SKINSTALLED\n")
	m.write("/etc/default/"+program, "0644", `OPTIONS="--web.listen-address=`+address+`"`+"\n")
	m.do("systemctl", "enable", "--now", service)
	eventually(t, "scraped", 50*time.Millisecond, func() bool { return exported(address) == "3" })
	if text := get(address, "/metrics"); !strings.Contains(text, "\nprocess_start_time_seconds ") || !strings.Contains(text, `version="`+testVersion+`"`) {
		t.Error("its own metrics are not all there")
	}

	// Its user and permissions.
	pid := m.property(service, "MainPID")
	status := m.do("cat", "/proc/"+pid+"/status")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("not %q:\n%s", want, status)
		}
	}
	if user := strings.TrimSpace(m.do("ps", "-o", "user:40=", "-p", pid)); user != program {
		t.Errorf("it runs as %s", user)
	}
	if limits := m.do("cat", "/proc/"+pid+"/limits"); !regexp.MustCompile(`Max core file size +0 +0 `).MatchString(limits) {
		t.Errorf("core dumps are enabled:\n%s", limits)
	}

	// A reload reads the configuration again; the process stays.
	m.do("sed", "--in-place", "s/name: office/name: reloaded/", "/etc/"+program+"/exporter.yml")
	m.do("systemctl", "reload", service)
	eventually(t, "reloaded", 50*time.Millisecond, func() bool { return strings.Contains(get(address, "/metrics"), `project="reloaded"`) })
	if now := m.property(service, "MainPID"); now != pid {
		t.Errorf("a reload has made process %s of %s", now, pid)
	}

	// A killed process is restarted; an upgraded one is replaced.
	m.do("mkdir", "/etc/systemd/system/"+service+".d")
	m.write("/etc/systemd/system/"+service+".d/soon.conf", "0644", "[Service]\nRestartSec=100ms\n") // not ten seconds
	m.do("systemctl", "daemon-reload")
	m.do("systemctl", "kill", "--signal=KILL", service)
	cloud.SetDesktops(projectID, simulator.GenerateDesktops(4, 1))
	eventually(t, "back", 50*time.Millisecond, func() bool { return exported(address) == "4" && m.property(service, "MainPID") != pid })
	pid = m.property(service, "MainPID")
	m.do("dpkg", "--install", "/tmp/exporter.deb")
	eventually(t, "upgraded", 50*time.Millisecond, func() bool { return exported(address) == "4" })
	if now := m.property(service, "MainPID"); now == pid || now == "0" {
		t.Errorf("after an upgrade process %s runs, before it %s", now, pid)
	}
	if kept := m.do("cat", "/etc/default/"+program); !strings.Contains(kept, address) {
		t.Errorf("an upgrade takes the flags away: %s", kept)
	}

	socketActivated(m, address)

	const state = "/var/lib/" + program
	m.do("dpkg", "--remove", packageName)
	m.do("ls", "-d", state)
	m.do("dpkg", "--purge", packageName)
	if state := m.property(socket, "ActiveState"); state != "inactive" {
		t.Errorf("the socket of the removed package is %s", state)
	}
	gone := []string{"/usr/bin/" + program, "/etc/default/" + program, state, "/usr/share/" + program, "/usr/lib/systemd/system/" + program + "*"}
	if left := m.do("sh", "-c", "ls -d "+strings.Join(gone, " ")+" 2>/dev/null || true"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// socketActivated enables the socket unit as its comment describes.
func socketActivated(m *machine, address string) {
	m.Helper()
	m.write("/etc/default/"+program, "0644", `OPTIONS="--web.systemd-socket"`+"\n")
	m.do("systemctl", "disable", "--now", service)
	m.do("mkdir", "/etc/systemd/system/"+socket+".d")
	m.write("/etc/systemd/system/"+socket+".d/port.conf", "0644", "[Socket]\nListenStream=\nListenStream="+address+"\n")
	m.do("systemctl", "daemon-reload")
	m.do("systemctl", "enable", "--now", socket)
	if state := m.property(service, "ActiveState"); state != "inactive" {
		m.Errorf("before the first scrape the service is %s", state)
	}
	eventually(m.T, "started by a scrape", 50*time.Millisecond, func() bool { return exported(address) == "4" })
	if state := m.property(service, "ActiveState"); state != "active" {
		m.Errorf("after a scrape the service is %s", state)
	}
}

// TestServiceWithoutKey starts the service without a stored key, as on an ECS with
// an agency: it starts and logs what is missing.
func TestServiceWithoutKey(t *testing.T) {
	deb := filepath.Join(released(t), packageName+"_1.2.3~rc.1_amd64.deb")
	m := boot(t)
	address := free(t)
	m.give(deb, "/tmp/exporter.deb")
	m.do("dpkg", "--install", "/tmp/exporter.deb")
	m.write("/etc/"+program+"/exporter.yml", "0644", "projects:\n  - name: office\n    region: la-north-2\n    project_id: "+projectID+
		"\n    endpoint: http://127.0.0.1:1\n    credentials: {source: environment}\n")
	m.write("/etc/default/"+program, "0644", `OPTIONS="--web.listen-address=`+address+`"`+"\n")
	m.do("systemctl", "start", service)
	eventually(t, "healthy", 50*time.Millisecond, func() bool { return get(address, "/-/healthy") == "healthy\n" })
	if text := get(address, "/metrics"); !regexp.MustCompile(`(?m)^huaweicloud_workspace_up\{.*\} 0$`).MatchString(text) {
		t.Error("it does not say that it fails")
	}
}
