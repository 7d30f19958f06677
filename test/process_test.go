// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// waitTimeout is the maximum wait for a condition that is met soon.
const waitTimeout = time.Minute

// output collects what a program writes; what it writes may be read meanwhile.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	address chan string // sends the logged listen address once
}

var listening = regexp.MustCompile(`msg="?Listening on"? address=(\S+)`)

// Write makes an output an io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if o.address != nil {
		if m := listening.FindSubmatch(o.text.Bytes()); m != nil {
			o.address <- string(m[1])
			o.address = nil
		}
	}
	return n, err
}

// String returns what was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a server that runs for a test.
type process struct {
	url    string
	stdout output
	stderr output
	cmd    *exec.Cmd
	ended  chan struct{} // closed once it has
}

// serve starts a program and waits until it logs its listen address. It is
// stopped at the end of the test, and its log is shown if the test failed.
func serve(t testing.TB, program string, args ...string) *process {
	t.Helper()
	address := make(chan string, 1)
	p := &process{stderr: output{address: address}, ended: make(chan struct{})}
	p.cmd = command(context.Background(), t, program, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // see ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			log := p.stderr.String()
			t.Logf("the log of %s ends with:\n%s", program, log[max(0, len(log)-8<<10):])
		}
	})
	select {
	case a := <-address:
		p.url = "http://" + a
	case <-p.ended:
		t.Fatalf("%s did not start:\n%s", program, p.stderr.String())
	case <-time.After(waitTimeout):
		t.Fatalf("%s logged no listen address:\n%s", program, p.stderr.String())
	}
	return p
}

// signal sends a signal.
func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait returns the exit code.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(waitTimeout):
		t.Fatal("the process does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// finished is what a program left that ran to its end.
type finished struct {
	code           int
	stdout, stderr string
}

// finish runs a program to its end.
func finish(t testing.TB, stdin, program string, args ...string) finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, t, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewBufferString(stdin), &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return finished{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// command makes a command that inherits nothing of the credentials, proxies and
// profile files of the user who runs the tests.
func command(ctx context.Context, t testing.TB, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	return cmd
}

// eventually waits until something has become true of a process.
func (p *process) eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatal("the process has ended")
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("after %s not yet: %s", limit, what)
		}
	}
}
