// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// release is one that is being made.
type release struct {
	identity
	sources, out string
}

// build is a binary with what goes with it.
type build struct {
	platform
	binary   file
	licences file
	sbom     file
}

// make makes the whole release and names each file that it writes.
func (r *release) make(ctx context.Context, platforms []platform, stdout io.Writer) error {
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	// The program itself writes its manual, so one must be built that runs here.
	common, err := r.common()
	if err != nil {
		return err
	}
	host := platform{os: runtime.GOOS, arch: runtime.GOARCH}
	program, err := r.compile(ctx, host, work)
	if err != nil {
		return err
	}
	manual, err := r.manual(ctx, program)
	if err != nil {
		return err
	}
	shared := append(common, manual...)

	var made []string
	write := func(name string, data []byte) error {
		_, _ = fmt.Fprintf(stdout, "%s %d bytes\n", name, len(data))
		made = append(made, name)
		return os.WriteFile(filepath.Join(r.out, name), data, 0o644) //nolint:gosec // for everybody to read
	}
	for _, p := range platforms {
		b, err := r.build(ctx, p, work)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if err := r.pack(b, shared, write); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return r.sums(made)
}

// compile builds the binary for a platform and gives its path.
func (r *release) compile(ctx context.Context, p platform, work string) (string, error) {
	path := filepath.Join(work, p.String(), p.binary())
	cmd := exec.CommandContext(ctx, filepath.Join(r.sources, "release", "build"), path) //nolint:gosec // our own script
	cmd.Env = slices.Concat(os.Environ(), p.env(), r.env)
	_, err := output(cmd)
	return path, err
}

// build makes the binary, the licences of what is in it, and the list of that.
func (r *release) build(ctx context.Context, p platform, work string) (build, error) {
	path, err := r.compile(ctx, p, work)
	if err != nil {
		return build{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return build{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.sources, "release", "licences")) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), p.env()...)
	licences, err := output(cmd)
	if err != nil {
		return build{}, err
	}
	sbom, err := r.sbom(p, path, licences)
	if err != nil {
		return build{}, err
	}
	return build{
		platform: p,
		binary:   file{name: p.binary(), mode: 0o755, data: data},
		licences: file{name: "THIRD_PARTY_LICENSES", mode: 0o644, data: licences},
		sbom:     file{name: "sbom.cdx.json", mode: 0o644, data: sbom},
	}, nil
}

// pack writes the archive, the packages and the list of components.
func (r *release) pack(b build, shared []file, write func(name string, data []byte) error) error {
	stem := program + "-" + r.version + "." + b.String()
	data, name, err := r.archive(stem, b, shared)
	if err != nil {
		return err
	}
	if err := write(name, data); err != nil {
		return err
	}
	if err := write(stem+".cdx.json", b.sbom.data); err != nil {
		return err
	}
	if b.os != "linux" {
		return nil
	}
	for _, format := range []string{"deb", "rpm"} {
		data, name, err := r.packaged(format, b, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
		if err := write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// sums writes the checksums of all files, as sha256sum does.
func (r *release) sums(names []string) error {
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), name)
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(text.String()), 0o644) //nolint:gosec // for everybody to read
}
