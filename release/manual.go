// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// Where the manual and the completions stand in archives.
const (
	manualName = program + ".1"
	bashName   = "completions/" + program + ".bash"
	zshName    = "completions/_" + program
)

// manualTail is what the flags do not say.
const manualTail = `.SH FILES
.TP
.I /etc/huaweicloud_workspace_exporter/exporter.yml
The configuration of the service that the packages bring.
.TP
.I /etc/default/huaweicloud_workspace_exporter, /etc/sysconfig/huaweicloud_workspace_exporter
The flags of that service, in Debian and in RPM distributions.
.TP
.I /etc/credstore/huaweicloud_workspace_exporter.secret_key
The secret key that systemd hands to that service alone.
.SH SIGNALS
.TP
.B SIGHUP
Read the configuration again; a bad one changes nothing.
.TP
.BR SIGTERM ", " SIGINT
Let the scrapes under way end within 15 seconds, and end.
.SH EXIT STATUS
.TP
.B 0
Ended by a signal; a configuration that is valid; an exporter that is healthy; a dump that lacks nothing.
.TP
.B 1
Something is wrong. The standard error tells what, and what to do.
.TP
.B 2
A dump for which something could not be read. The standard error tells what is missing.
.TP
.B 3
A dump that a signal ended. It has written nothing.
.SH SEE ALSO
` + homepage + "\n"

var options = regexp.MustCompile(`(?m)^\\fB-.*\\fR$`)

// manual asks the program for its manual and for what shells need to complete
// its flags.
func (r *release) manual(ctx context.Context, path string) ([]file, error) {
	said := map[string][]byte{}
	for _, flag := range []string{"--help-man", "--completion-script-bash", "--completion-script-zsh"} {
		out, err := output(exec.CommandContext(ctx, path, flag)) //nolint:gosec // what was just built
		if err != nil {
			return nil, err
		}
		said[flag] = append(bytes.TrimSpace(out), '\n')
	}
	page, err := r.page(string(said["--help-man"]))
	if err != nil {
		return nil, err
	}
	return []file{
		{name: manualName, mode: 0o644, data: []byte(page)},
		{name: bashName, mode: 0o644, data: said["--completion-script-bash"]},
		{name: zshName, mode: 0o644, data: said["--completion-script-zsh"]},
	}, nil
}

// page makes the manual from what kingpin has written, whose title holds all of
// --version, on many lines, and whose name lacks what whatis looks for.
func (r *release) page(text string) (string, error) {
	_, body, found := strings.Cut(text, ".SH \"SYNOPSIS\"\n")
	if !found {
		return "", errors.New("the manual has no synopsis")
	}
	body = options.ReplaceAllStringFunc(body, func(line string) string { return strings.ReplaceAll(line, "-", `\-`) })
	body = strings.NewReplacer("\n\n", "\n", "\\fR\n.PP\n", "\\fR\n", "…", "...").Replace(body)
	return fmt.Sprintf(".TH %s 1 %s \"%s %s\" \"User Commands\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n",
		strings.ToUpper(program), r.date.Format("2006-01-02"), program, r.version, program, summary) + body + manualTail, nil
}
