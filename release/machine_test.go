// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is a copy of this machine with a separate systemd. Changes of its files
// are in memory; the network is shared.
type machine struct {
	*testing.T
	pid int // of its systemd, in this machine's namespace
}

// boot starts a machine, until the test ends.
func boot(t *testing.T) *machine {
	t.Helper()
	root(t)
	cgroup := filepath.Join(cgroups(t), fmt.Sprintf("exporter-test-%d", os.Getpid()))
	if err := os.Mkdir(cgroup, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, cgroup) })
	where, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = where.Close() }()
	var said bytes.Buffer
	cmd := exec.Command(tool(t, "unshare"), "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--fork", "--kill-child", "testdata/boot", t.TempDir())
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(where.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{T: t}
	t.Cleanup(func() {
		if t.Failed() && m.pid != 0 {
			_, log := m.try("journalctl", "--no-pager", "--lines=60", "--output=cat")
			t.Log(log)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	eventually(t, "booted", 50*time.Millisecond, func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		if err != nil {
			return false
		}
		m.pid, _ = strconv.Atoi(strings.TrimSpace(string(children)))
		if m.pid == 0 {
			return false
		}
		_, state := m.try("systemctl", "is-active", "basic.target")
		return state == "active\n"
	})
	return m
}

// cgroups returns the folder of the cgroups, version 2.
func cgroups(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); f[2] == "cgroup2" {
			return f[1]
		}
	}
	t.Fatal("there are no cgroups of version 2")
	return ""
}

// remove removes a cgroup and its children once its processes have ended.
func remove(t *testing.T, cgroup string) {
	t.Helper()
	eventually(t, "without processes: "+cgroup, 20*time.Millisecond, func() bool {
		_ = os.WriteFile(filepath.Join(cgroup, "cgroup.kill"), []byte("1"), 0)
		var folders []string
		_ = filepath.WalkDir(cgroup, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for _, folder := range slices.Backward(folders) {
			_ = os.Remove(folder)
		}
		_, err := os.Stat(cgroup)
		return os.IsNotExist(err)
	})
}

// try runs a command in the machine and returns its output.
func (m *machine) try(args ...string) (ok bool, said string) {
	enter := []string{"--target", strconv.Itoa(m.pid), "--mount", "--pid", "--ipc", "--uts", "--cgroup"}
	cmd := exec.Command("nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	return err == nil, string(out)
}

// do runs a command that must succeed.
func (m *machine) do(args ...string) string {
	m.Helper()
	ok, said := m.try(args...)
	if !ok {
		m.Fatalf("%s fails: %s", strings.Join(args, " "), said)
	}
	return said
}

// write creates a file in the machine.
func (m *machine) write(path, mode, text string) {
	m.Helper()
	m.do("sh", "-c", `printf %s "$3" >"$1" && chmod "$2" "$1"`, "sh", path, mode, text)
}

// give copies a file of this machine into the other.
func (m *machine) give(from, to string) {
	m.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		m.Fatal(err)
	}
	target := fmt.Sprintf("/proc/%d/root%s", m.pid, to)
	if err := os.WriteFile(target, data, 0o600); err != nil {
		m.Fatal(err)
	}
}

// property returns a property of a unit.
func (m *machine) property(unit, name string) string {
	m.Helper()
	return strings.TrimSpace(m.do("systemctl", "show", "--property="+name, "--value", unit))
}
