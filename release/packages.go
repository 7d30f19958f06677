// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // both register themselves
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// place says where a file of an archive goes in a package.
type place struct {
	from, to string // a folder ends with a slash and takes all that is in the other
	kind     string // nfpm's word
	format   string // "": both
	gzip     bool
}

const (
	docs  = "/usr/share/doc/" + packageName + "/"
	share = "/usr/share/" + program + "/"
	unit  = "systemd/" + program
)

// places is the table of them. What is not in it is in no package.
func places() []place {
	return []place{
		{from: program, to: "/usr/bin/" + program},
		{from: unit + ".service", to: "/usr/lib/systemd/system/" + program + ".service"},
		{from: unit + ".socket", to: "/usr/lib/systemd/system/" + program + ".socket"},
		{from: unit + ".default", to: "/etc/default/" + program, kind: files.TypeConfigNoReplace, format: "deb"},
		{from: unit + ".default", to: "/etc/sysconfig/" + program, kind: files.TypeConfigNoReplace, format: "rpm"},
		{from: manualName, to: "/usr/share/man/man1/" + manualName + ".gz", gzip: true},
		{from: bashName, to: "/usr/share/bash-completion/completions/" + program},
		{from: zshName, to: "/usr/share/zsh/vendor-completions/_" + program, format: "deb"},
		{from: zshName, to: "/usr/share/zsh/site-functions/_" + program, format: "rpm"},
		{from: "prometheus/", to: share + "prometheus/"},
		{from: "dashboards/", to: share + "dashboards/"},
		{from: "systemd/exporter.example.yml", to: docs + "examples/exporter.yml"},
		{from: program + ".example.yml", to: docs + "examples/all-keys.yml"},
		{from: "README.md", to: docs + "README.md"},
		{from: "CHANGELOG.md", to: docs + "CHANGELOG.md"},
		{from: "LICENSE", to: docs + "copyright", format: "deb"},
		{from: "LICENSE", to: "/usr/share/licenses/" + packageName + "/LICENSE", kind: files.TypeRPMLicense, format: "rpm"},
		{from: "NOTICE", to: docs + "NOTICE"},
		{from: "THIRD_PARTY_LICENSES", to: docs + "THIRD_PARTY_LICENSES.gz", gzip: true},
		{from: "sbom.cdx.json", to: docs + "sbom.cdx.json"},
	}
}

// packaged makes a package of a build.
func (r *release) packaged(format string, b build, shared []file) (data []byte, name string, err error) {
	work, err := os.MkdirTemp("", "package")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	contents, err := r.contents(format, work, append([]file{b.binary, b.licences, b.sbom}, shared...))
	if err != nil {
		return nil, "", err
	}
	scripts := func(name string) string { return filepath.Join(r.sources, "release", "scripts", name) }
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: packageName, Arch: b.arch + b.arm, Platform: b.os, Version: r.version, MTime: r.date,
		Section: "net", Priority: "optional", License: "Apache-2.0", Homepage: homepage,
		Maintainer:  "The huaweicloud_workspace_exporter Authors <noreply@github.com>",
		Vendor:      "The huaweicloud_workspace_exporter Authors",
		Description: summary + "\n" + description, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents:   contents,
			Umask:      0o022,
			Recommends: []string{"ca-certificates"}, // by which the cloud's own is verified
			Scripts: nfpm.Scripts{
				PreInstall: scripts("preinstall"), PostInstall: scripts("postinstall"),
				PreRemove: scripts("preremove"), PostRemove: scripts("postremove"),
			},
			Deb: nfpm.Deb{Compression: "gzip", Predepends: []string{"passwd"}},
			RPM: nfpm.RPM{Compression: "gzip", BuildHost: "release", Summary: summary, Group: "Applications/System"},
		},
	})
	if format == "rpm" { // it has no stronger word, and SUSE another name for the package
		info.Depends = []string{"/usr/sbin/useradd"}
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return nil, "", err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	if err := packager.Package(info, &out); err != nil {
		return nil, "", err
	}
	return out.Bytes(), packager.ConventionalFileName(info), nil
}

// contents lays the files of a package into a folder, for nfpm to find them.
func (r *release) contents(format, work string, from []file) (files.Contents, error) {
	const group = program
	contents := files.Contents{{
		Destination: "/etc/" + program, Type: files.TypeDir,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: group, Mode: 0o750, MTime: r.date},
	}}
	for i, p := range places() {
		if p.format != "" && p.format != format {
			continue
		}
		found := false
		for j, f := range from {
			to := p.to
			if rest, under := strings.CutPrefix(f.name, p.from); strings.HasSuffix(p.from, "/") && under {
				to += rest
			} else if f.name != p.from {
				continue
			}
			found = true
			data, mode := f.data, f.mode
			if p.gzip {
				var err error
				if data, err = gzipped(data); err != nil {
					return nil, err
				}
			}
			source := filepath.Join(work, fmt.Sprintf("%d-%d", i, j))
			if err := os.WriteFile(source, data, 0o600); err != nil {
				return nil, err
			}
			contents = append(contents, &files.Content{
				Source: source, Destination: path.Clean(to), Type: p.kind,
				FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.date},
			})
		}
		if !found {
			return nil, fmt.Errorf("there is no %s for %s", p.from, p.to)
		}
	}
	return contents, nil
}
