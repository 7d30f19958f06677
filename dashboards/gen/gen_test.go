// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// TestNoDrift compares the dashboards in the repository with what the source
// generates, and reports files that it does not generate.
func TestNoDrift(t *testing.T) {
	want, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		committed, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(committed, text) {
			t.Errorf("%s does not match the source: run `go run .` in dashboards/gen", name)
		}
	}
	files, err := filepath.Glob("../*.json")
	if err != nil {
		t.Fatal(err)
	}
	var existing []string
	for _, file := range files {
		existing = append(existing, filepath.Base(file))
	}
	if generated := slices.Sorted(maps.Keys(want)); !slices.Equal(existing, generated) {
		t.Errorf("the files are %q, want %q", existing, generated)
	}
}

// TestDashboardsMatchSchema reads the dashboards by Grafana's schema: unknown, missing and
// misplaced fields are errors.
func TestDashboardsMatchSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	all, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		var d dashboard.Dashboard
		// The SDK returns a list of faults that is never nil, but may be empty.
		var faults cog.BuildErrors
		if err := d.UnmarshalJSONStrict(text); err != nil && (!errors.As(err, &faults) || len(faults) > 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUIDs compares the uids with the published ones: links in mails, alerts
// and bookmarks have them.
func TestUIDs(t *testing.T) {
	want := map[string]string{
		"fleet.json":     "huaweicloud-workspace-fleet",
		"inventory.json": "huaweicloud-workspace-inventory",
		"desktop.json":   "huaweicloud-workspace-desktop",
		"addresses.json": "huaweicloud-workspace-addresses",
		"exporter.json":  "huaweicloud-workspace-exporter",
	}
	for name, build := range dashboards() {
		d, err := build()
		if err != nil {
			t.Fatal(err)
		}
		if *d.Uid != want[name] {
			t.Errorf("%s has the uid %s, want %s", name, *d.Uid, want[name])
		}
		if len(*d.Uid) > 40 {
			t.Errorf("%s: Grafana accepts uids of at most 40 characters: %s", name, *d.Uid)
		}
	}
}
