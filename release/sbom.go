// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// sbom lists what a binary is made of, as the binary itself says it, in
// CycloneDX. The licences are told from the texts that are handed on with it.
func (r *release) sbom(p platform, path string, licences []byte) ([]byte, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	named := licencesByModule(string(licences))

	main := cdx.Component{
		Type: cdx.ComponentTypeApplication, Name: program, Version: r.version,
		PackageURL: purl(info.Main.Path, r.version),
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Licenses:   licensed([]string{"Apache-2.0"}),
		Properties: &[]cdx.Property{{Name: "release:platform", Value: p.String()}},
	}
	main.BOMRef = main.PackageURL
	std := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go"),
		PackageURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"), Licenses: licensed(named["Go"]),
	}
	std.BOMRef = std.PackageURL
	components := []cdx.Component{std}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := cdx.Component{
			Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl(m.Path, m.Version),
			Licenses: licensed(named[m.Path]),
		}
		c.BOMRef = c.PackageURL
		// What go.sum pins: a hash of the hashes of the module's files.
		if sum, found := strings.CutPrefix(m.Sum, "h1:"); found {
			raw, err := base64.StdEncoding.DecodeString(sum)
			if err != nil {
				return nil, fmt.Errorf("checksum of %s: %w", m.Path, err)
			}
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
		}
		components = append(components, c)
	}
	var uses []string
	for _, c := range components {
		uses = append(uses, c.BOMRef)
	}

	bom := cdx.NewBOM()
	bom.SerialNumber = uuid.NewHash(sha256.New(), uuid.NameSpaceURL, append([]byte(homepage), sum[:]...), 8).URN()
	bom.Metadata = &cdx.Metadata{Timestamp: r.date.Format(time.RFC3339), Component: &main}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &uses}}
	var out bytes.Buffer
	encoder := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true)
	// What scanners read these years.
	if err := encoder.EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// purl is the package URL of a Go module.
func purl(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}

func licensed(ids []string) *cdx.Licenses {
	var all cdx.Licenses
	for _, id := range ids {
		all = append(all, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	if all == nil {
		return nil
	}
	return &all
}

var heading = regexp.MustCompile(`(?m)^==== (\S+) \S+: (\S+) ====$`)

// licencesByModule reads what the script licences has written, and gives the
// SPDX identifiers of each module's licences.
func licencesByModule(text string) map[string][]string {
	ids := map[string][]string{}
	heads := heading.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		module, file := text[h[2]:h[3]], text[h[4]:h[5]]
		if strings.HasPrefix(strings.ToUpper(file), "NOTICE") {
			continue
		}
		for _, id := range recognise(text[h[1]:end]) {
			if !slices.Contains(ids[module], id) {
				ids[module] = append(ids[module], id)
			}
		}
	}
	return ids
}

// recognise names the licences in a text by what only they say.
func recognise(text string) []string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	says := func(words string) bool { return strings.Contains(text, words) }
	const endorsement = "endorse or promote products"
	bsd := says("redistributions in binary form must reproduce")
	var ids []string
	for _, l := range []struct {
		id string
		is bool
	}{
		{"Apache-2.0", says("apache license version 2.0") || says("licensed under the apache license, version 2.0")},
		{"MIT", says("permission is hereby granted, free of charge, to any person obtaining a copy")},
		{"ISC", says("permission to use, copy, modify, and/or distribute this software for any purpose")},
		{"BSD-3-Clause", bsd && says(endorsement)},
		{"BSD-2-Clause", bsd && !says(endorsement)},
		{"MPL-2.0", says("mozilla public license version 2.0") || says("mozilla public license, version 2.0")},
	} {
		if l.is {
			ids = append(ids, l.id)
		}
	}
	return ids
}
