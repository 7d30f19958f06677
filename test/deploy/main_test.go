// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	root = "../.."
	// patience is the timeout of operations that complete quickly.
	patience = 30 * time.Second
)

var update = flag.Bool("update", false, "update the generated files and golden files")

// exporter builds the exporter once and returns the path of its binary.
var exporter = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "huaweicloud_workspace_exporter")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "huaweicloud_workspace_exporter")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return path, fmt.Errorf("build the exporter: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	path, err := exporter()
	code := 1
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(filepath.Dir(path))
	os.Exit(code)
}

// binary returns the path of the exporter's binary.
func binary(t testing.TB) string {
	t.Helper()
	path, err := exporter()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// finish runs a program until it exits, and returns its exit code and output.
func finish(t testing.TB, program string, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, t, program, args...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// command returns a command that does not inherit the credentials and proxies of
// the environment of the tests.
func command(ctx context.Context, t testing.TB, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	return cmd
}

// log stores the output of a program, and sends the logged listen address to
// address.
type log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	address chan string
}

var listening = regexp.MustCompile(`address\W+(127\.0\.0\.1:\d+)`)

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.text.Write(p)
	if l.address != nil {
		if m := listening.FindSubmatch(l.text.Bytes()); m != nil {
			l.address <- string(m[1])
			l.address = nil
		}
	}
	return n, err
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve starts the exporter on a loopback address, until the end of the test,
// and returns its URL.
func serve(t testing.TB, env, args []string) string {
	t.Helper()
	address := make(chan string, 1)
	stderr := &log{address: address}
	cmd := command(context.Background(), t, binary(t), append(args, "--web.listen-address=127.0.0.1:0")...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("the exporter's log:\n%s", stderr)
		}
	})
	select {
	case a := <-address:
		return "http://" + a
	case <-ended:
	case <-time.After(patience):
	}
	t.Fatalf("the exporter did not start with %q", args)
	return ""
}

// eventually waits until a condition is true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("condition not met after %s: %s", patience, what)
		}
	}
}

// read returns a file of the repository, by its path from the root.
func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// golden compares a text with a file, or updates the file.
func golden(t testing.TB, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == text {
		return
	}
	is, was := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	for i := range is {
		if i >= len(was) || is[i] != was[i] {
			t.Errorf("line %d differs from %s; update it with: go test -run %s -update .\n%s", i+1, path, t.Name(), is[i])
			return
		}
	}
	t.Errorf("%s has more lines than it should; update it with: go test -run %s -update .", path, t.Name())
}
