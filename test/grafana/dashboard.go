// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package grafana reads dashboards, and sends their queries to Prometheus as
// Grafana does: variables are filled by their queries, chosen, and expanded
// into the queries of the panels.
package grafana

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Dashboard is what the tests and pictures need of a dashboard's JSON.
type Dashboard struct {
	File        string `json:"-"`
	UID         string
	Title       string
	Description string
	Panels      []Panel
	Links       []Link
	Templating  struct{ List []Variable }
	Time        struct{ From string }
}

// Panel is a panel, or the title of a row.
type Panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Interval    string // the shortest step
	GridPos     struct{ X, Y, W, H int }
	Targets     []Target
	FieldConfig struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []Property
		}
	}
}

// Property is what is said of some fields.
type Property struct {
	ID    string
	Value json.RawMessage
}

// Target is one query of a panel.
type Target struct {
	RefID   string
	Expr    string
	Format  string
	Instant bool
	Range   bool
}

// Link is a link to another page.
type Link struct{ Title, URL, Tooltip string }

// Variable is what is chosen on top of a dashboard.
type Variable struct {
	Name        string
	Type        string
	Label       string
	Description string
	Definition  string
	Regex       string
	Multi       bool
	IncludeAll  bool
	AllValue    string
	Current     struct{ Text, Value any }
}

// Load reads the dashboards of a folder, by their file names.
func Load(dir string) ([]Dashboard, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []Dashboard
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := Dashboard{File: filepath.Base(file)}
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, d)
	}
	return all, nil
}
