// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command manual writes the manual page and the shell completions that a
// release contains. The exporter generates both from its flags; the manual page
// is completed with what flags do not document: files, signals, exit status.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	program  = "huaweicloud_workspace_exporter"
	homepage = "https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter"
	summary  = "Prometheus exporter for Huawei Cloud Workspace desktops"
)

// manualTail is what the flags do not document.
const manualTail = `.SH FILES
.TP
.I /etc/huaweicloud_workspace_exporter/exporter.yml
Configuration of the service that the packages install.
.TP
.I /etc/default/huaweicloud_workspace_exporter, /etc/sysconfig/huaweicloud_workspace_exporter
Flags of that service, on Debian and on RPM distributions.
.TP
.I /etc/credstore/huaweicloud_workspace_exporter.secret_key
Secret key that systemd passes to that service alone.
.SH SIGNALS
.TP
.B SIGHUP
Reload the configuration. An invalid one changes nothing.
.TP
.BR SIGTERM ", " SIGINT
Finish the scrapes in progress within 15 seconds, and exit.
.SH EXIT STATUS
.TP
.B 0
Stopped by a signal; the configuration is valid; the exporter is healthy; the dump is complete.
.TP
.B 1
An error, with its remedy on standard error.
.TP
.B 2
A dump that is incomplete. Standard error lists what is missing.
.TP
.B 3
A dump that was interrupted by a signal. Nothing was written.
.SH SEE ALSO
` + homepage + "\n"

func main() {
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "manual: error:", err)
		os.Exit(1)
	}
}

// run writes the manual page, plain and compressed, and the completions to a
// folder. VERSION and BUILD_DATE, as release/version prints them, are read from
// the environment.
func run(ctx context.Context, out string) error {
	version := os.Getenv("VERSION")
	date, err := time.Parse(time.RFC3339, os.Getenv("BUILD_DATE"))
	if out == "" || version == "" || err != nil {
		return errors.New("call it as: env $(release/version) go -C release run ./manual -out FOLDER")
	}
	if err := os.MkdirAll(filepath.Join(out, "completions"), 0o750); err != nil {
		return err
	}
	generated := map[string][]byte{}
	for _, name := range []string{"--help-man", "--completion-script-bash", "--completion-script-zsh"} {
		cmd := exec.CommandContext(ctx, "go", "run", ".", name) //nolint:gosec // one of three flags
		cmd.Dir, cmd.Stderr = "..", os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
		}
		generated[name] = append(bytes.TrimSpace(text), '\n')
	}
	page, err := manualPage(string(generated["--help-man"]), version, date)
	if err != nil {
		return err
	}
	compressed, err := compress(page)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		program + ".1":                            page,
		program + ".1.gz":                         compressed,
		"completions/" + program + ".bash":        generated["--completion-script-bash"],
		filepath.Join("completions", "_"+program): generated["--completion-script-zsh"],
	} {
		if err := os.WriteFile(filepath.Join(out, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

var flagHeading = regexp.MustCompile(`(?m)^\\fB-.*\\fR$`)

// manualPage converts kingpin's manual page: its title contains all of
// --version, on many lines, and its name section lacks the summary that whatis
// searches.
func manualPage(text, version string, date time.Time) ([]byte, error) {
	_, body, found := strings.Cut(text, ".SH \"SYNOPSIS\"\n")
	if !found {
		return nil, errors.New("the output of --help-man has no synopsis")
	}
	body = flagHeading.ReplaceAllStringFunc(body, func(line string) string { return strings.ReplaceAll(line, "-", `\-`) })
	body = strings.NewReplacer("\n\n", "\n", "\\fR\n.PP\n", "\\fR\n", "…", "...").Replace(body)
	return fmt.Appendf(nil, ".TH %s 1 %s \"%s %s\" \"User Commands\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n%s%s",
		strings.ToUpper(program), date.UTC().Format(time.DateOnly), program, version, program, summary, body, manualTail), nil
}

// compress returns data as gzip without a name or a time, so that two builds
// are byte-identical.
func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
