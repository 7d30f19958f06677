// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// identity is what a release is called, as the script version says it.
type identity struct {
	version string
	date    time.Time // of the commit; every file bears it
	env     []string  // the same for the script build
}

// identify asks the script. The environment's own word goes before git's.
func identify(ctx context.Context, sources string) (identity, error) {
	out, err := output(exec.CommandContext(ctx, filepath.Join(sources, "release", "version"))) //nolint:gosec // our own script
	if err != nil {
		return identity{}, err
	}
	id := identity{env: strings.Fields(string(out))}
	for _, line := range id.env {
		switch name, value, _ := strings.Cut(line, "="); name {
		case "VERSION":
			id.version = value
		case "BUILD_DATE":
			if id.date, err = time.Parse(time.RFC3339, value); err != nil {
				return identity{}, fmt.Errorf("BUILD_DATE: %w", err)
			}
		}
	}
	if id.version == "" {
		return identity{}, errors.New("release/version tells no VERSION")
	}
	id.date = id.date.UTC()
	return id, nil
}

// platform is what a binary is built for.
type platform struct{ os, arch, arm string }

// parsePlatform reads OS/ARCH or OS/arm/VERSION.
func parsePlatform(text string) (platform, error) {
	parts := strings.Split(strings.TrimSpace(text), "/")
	for _, part := range parts {
		if part == "" {
			parts = nil
		}
	}
	switch {
	case len(parts) == 2:
		return platform{os: parts[0], arch: parts[1]}, nil
	case len(parts) == 3 && parts[1] == "arm":
		return platform{os: parts[0], arch: parts[1], arm: strings.TrimPrefix(parts[2], "v")}, nil
	}
	return platform{}, fmt.Errorf("platform %q is neither OS/ARCH nor OS/arm/VERSION", text)
}

// String gives the platform as names of files have it.
func (p platform) String() string {
	if p.arm != "" {
		return p.os + "-armv" + p.arm
	}
	return p.os + "-" + p.arch
}

// binary is the name of the program there.
func (p platform) binary() string {
	if p.os == "windows" {
		return program + ".exe"
	}
	return program
}

// env is what makes go build for the platform.
func (p platform) env() []string {
	env := []string{"GOOS=" + p.os, "GOARCH=" + p.arch}
	if p.arm != "" {
		env = append(env, "GOARM="+p.arm)
	}
	return env
}

// output runs a command and gives what it says; an error tells why it failed.
func output(cmd *exec.Cmd) ([]byte, error) {
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, complaints.String())
	}
	return out, nil
}
