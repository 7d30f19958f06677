// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package cli answers which command was given: it parses the flags, and serves,
// dumps, or checks the health of a running exporter.
package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/prometheus/common/version"
)

const program = "huaweicloud_workspace_exporter"

// Run runs the program with its arguments, and returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	if version.Version == "" { // built without the release's linker flags
		version.Version = "(devel)"
	}
	return run(context.Background(), args, stdout, stderr)
}

// run is Run with a context whose end stops the exporter.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, code := parseFlags(args, stdout, stderr)
	if f == nil {
		return code
	}
	work := func() error { return serve(ctx, f, stdout, stderr) }
	switch {
	case f.command == commandDump:
		return dump(ctx, f, stdout, stderr)
	case f.healthcheck:
		work = func() error { return f.checkHealth(ctx) }
	}
	if err := work(); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", program, err)
		return 1
	}
	return 0
}

// userAgent returns the User-Agent header of all requests.
func userAgent() string { return program + "/" + version.Version }
