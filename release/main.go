// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command release makes everything that a release of the exporter consists of:
// archives, packages, lists of components and their checksums. It is a module
// of its own, so that what packs the exporter is not among what it depends on.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

const (
	program     = "huaweicloud_workspace_exporter"
	packageName = "huaweicloud-workspace-exporter" // Debian knows no underscores
	homepage    = "https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter"
	summary     = "Prometheus exporter for Huawei Cloud Workspace desktops"
	description = "Tells Prometheus the VPC, subnet, private IP, EIP and security groups of each\n" +
		"Huawei Cloud Workspace desktop, from a few to a hundred thousand of them."
)

// everywhere is what a release is built for.
const everywhere = "linux/amd64,linux/arm64,linux/arm/7,linux/ppc64le,linux/riscv64,linux/s390x," +
	"darwin/amd64,darwin/arm64,freebsd/amd64,windows/amd64,windows/arm64"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		stop()
		_, _ = fmt.Fprintln(os.Stderr, "release: error:", err)
		os.Exit(1)
	}
}

// run makes the release that the arguments ask for.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("release", flag.ContinueOnError)
	set.SetOutput(stderr)
	root := set.String("root", "..", "folder of the exporter's sources")
	out := set.String("out", "../bin/release", "folder to write to; it must not have files yet")
	list := set.String("platforms", everywhere, "what to build for: OS/ARCH, or linux/arm/VERSION, separated by commas")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	var platforms []platform
	for text := range strings.SplitSeq(*list, ",") {
		p, err := parsePlatform(text)
		if err != nil {
			return err
		}
		platforms = append(platforms, p)
	}
	sources, err := filepath.Abs(*root)
	if err != nil {
		return err
	}
	if err := makeEmpty(*out); err != nil {
		return err
	}
	id, err := identify(ctx, sources)
	if err != nil {
		return err
	}
	r := &release{sources: sources, out: *out, identity: id}
	return r.make(ctx, platforms, stdout)
}

// makeEmpty makes a folder, and refuses one in which something is: what a
// release holds is signed as a whole.
func makeEmpty(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty", folder)
	}
	return nil
}
