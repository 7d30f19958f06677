// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"debug/elf"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBinary checks the binary: its version, and that a scratch image and any
// distribution can run it.
func TestBinary(t *testing.T) {
	path := filepath.Join(unpacked(t, "linux-amd64"), program)
	want := program + ", version " + testVersion + " (branch: main, revision: " + testRevision + ")\n" +
		"  build user:       release\n" +
		"  build date:       2026-02-03T04:05:06Z\n" +
		"  go version:       " + runtime.Version() + "\n" +
		"  platform:         linux/amd64\n" +
		"  tags:             unknown\n"
	if got := must(t, exec.Command(path, "--version")); got != want {
		t.Errorf("--version prints\n%swant\n%s", got, want)
	}
	for platform, machine := range map[string]elf.Machine{"linux-amd64": elf.EM_X86_64, "linux-arm64": elf.EM_AARCH64} {
		path := filepath.Join(unpacked(t, platform), program)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		binary, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if binary.Machine != machine {
			t.Errorf("%s: it is for %s", platform, binary.Machine)
		}
		for _, s := range binary.Sections {
			if s.Name == ".symtab" || s.Name == ".interp" || strings.HasPrefix(s.Name, ".debug") || strings.HasPrefix(s.Name, ".zdebug") {
				t.Errorf("%s: it has a section %s: it is to be static and stripped", platform, s.Name)
			}
		}
		sources, err := filepath.Abs("..")
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range []string{sources, strings.TrimSpace(must(t, exec.Command("go", "env", "GOMODCACHE"))), os.TempDir() + "/"} {
			if bytes.Contains(data, []byte(folder)) {
				t.Errorf("%s: it names the folder %s of this machine", platform, folder)
			}
		}
		const most = 24 << 20 // docs/release.md lists the parts
		t.Logf("%s: %.1f MB", platform, float64(len(data))/1e6)
		if len(data) > most {
			t.Errorf("%s: it has %d bytes, more than %d", platform, len(data), most)
		}
	}
}

// TestStart measures the time from start to the first successful health check.
// It depends on the machine, so nothing is asserted.
func TestStart(t *testing.T) {
	path := filepath.Join(unpacked(t, "linux-amd64"), program)
	var took []time.Duration
	for range 11 {
		address := free(t)
		cmd := exec.Command(path, "--demo", "--web.listen-address="+address)
		begun := time.Now()
		stop := begin(t, cmd)
		eventually(t, "healthy", time.Millisecond, func() bool { return get(address, "/-/healthy") == "healthy\n" })
		took = append(took, time.Since(begun))
		stop()
	}
	slices.Sort(took)
	t.Logf("from exec to healthy: median %s, best %s, worst %s of %d", took[len(took)/2], took[0], took[len(took)-1], len(took))
}

// begin starts a program and returns a function that stops it; the end of the test
// stops it as well.
func begin(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("output of %s:\n%s", cmd.Path, said.String())
		}
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until ok returns true, and calls it at an interval.
func eventually(t *testing.T, what string, every time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(every) {
		if time.Now().After(end) {
			t.Fatalf("not %s", what)
		}
	}
}

// get returns the body at a path, or "" if the status is not 200.
func get(address, path string) string {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// free returns an unused address.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
