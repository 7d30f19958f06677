// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command gen writes the Grafana dashboards. Each of them is a file here that
// says what is asked and how it is shown; how a panel is made of that is in
// panels.go.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// uids are in the links of people and alerts: they stay for good.
const (
	uidFleet     = "huaweicloud-workspace-fleet"
	uidInventory = "huaweicloud-workspace-inventory"
	uidDesktop   = "huaweicloud-workspace-desktop"
	uidAddresses = "huaweicloud-workspace-addresses"
	uidExporter  = "huaweicloud-workspace-exporter"
)

func main() {
	dir := flag.String("dir", "..", "the folder to write the dashboards to")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all dashboards to a folder.
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

// render gives the dashboards as JSON, by file name.
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

// dashboards are what makes each of them, by file name.
func dashboards() map[string]func() (dashboard.Dashboard, error) {
	return map[string]func() (dashboard.Dashboard, error){
		"fleet.json":     fleet,
		"inventory.json": inventory,
		"desktop.json":   desktop,
		"addresses.json": addresses,
		"exporter.json":  exporter,
	}
}
