// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command gen generates the Grafana dashboards. Each dashboard is defined in its own
// file; panels.go and paneltypes.go convert the definitions to the JSON model.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The UIDs are part of URLs in alerts and bookmarks, so they must not change.
const (
	uidFleet     = "huaweicloud-workspace-fleet"
	uidInventory = "huaweicloud-workspace-inventory"
	uidDesktop   = "huaweicloud-workspace-desktop"
	uidAddresses = "huaweicloud-workspace-addresses"
	uidExporter  = "huaweicloud-workspace-exporter"
)

func main() {
	dir := flag.String("dir", "..", "output directory")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all dashboards to a directory.
func write(dir string) error {
	all, err := render()
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

// render returns the dashboards as JSON, by file name.
func render() (map[string][]byte, error) {
	all := map[string][]byte{}
	for name, build := range dashboards() {
		d, err := build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = append(text, '\n')
	}
	return all, nil
}

// dashboards returns the build functions by file name.
func dashboards() map[string]func() (dashboard.Dashboard, error) {
	return map[string]func() (dashboard.Dashboard, error){
		"fleet.json":     fleet,
		"inventory.json": inventory,
		"desktop.json":   desktop,
		"addresses.json": addresses,
		"exporter.json":  exporter,
	}
}
