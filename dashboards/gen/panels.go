// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

const tag = "huaweicloud-workspace"

// dashboardSpec defines a dashboard: its variables and rows of panels.
type dashboardSpec struct {
	uid, title, description string
	from                    string // start of the default time range
	variables               []cog.Builder[dashboard.VariableModel]
	rows                    []row
}

// row is a titled row of panels, from left to right.
type row struct {
	title  string
	panels []panel
}

// panel defines a panel. A function of paneltypes.go sets its type.
type panel struct {
	title, description, unit string
	width, height            uint32
	queries                  []query

	setType         func(*dashboard.Panel) // sets type and options
	thresholds      []dashboard.Threshold
	mappings        []dashboard.ValueMapping
	noValue         string
	max             float64 // 0: none
	decimals        *float64
	overrides       []dashboard.DashboardFieldConfigSourceOverrides
	transformations []dashboard.DataTransformerConfig
	links           []dashboard.DashboardLink // of the data
	interval        string
}

// query is a PromQL query of a panel.
type query struct {
	expr     string
	legend   string
	overTime bool // range query instead of an instant query
}

// build returns the dashboard.
func (b dashboardSpec) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.title).
		Uid(b.uid).
		Description(b.description).
		Tags([]string{tag}).
		Editable().
		Time(b.from, "now").
		Refresh("1m").
		Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Variables(b.variables)
	for _, l := range dashboardLinks(b.uid) {
		d = d.Link(l)
	}
	id, y := uint32(0), uint32(0)
	for _, r := range b.rows {
		id++
		d = d.WithRow(dashboard.NewRowBuilder(r.title).Id(id).GridPos(dashboard.GridPos{H: 1, W: 24, Y: y}))
		y++
		x, tallest := uint32(0), uint32(0)
		for _, p := range r.panels {
			if x+p.width > 24 {
				x, y, tallest = 0, y+tallest, 0
			}
			id++
			d = d.WithPanel(p.build(id, dashboard.GridPos{H: p.height, W: p.width, X: x, Y: y}))
			x, tallest = x+p.width, max(tallest, p.height)
		}
		y += tallest
	}
	return d.Build()
}

// dashboardLinks returns the links to the other dashboards. They keep the time range
// and the variables.
func dashboardLinks(uid string) []cog.Builder[dashboard.DashboardLink] {
	var links []cog.Builder[dashboard.DashboardLink]
	for _, to := range [][3]string{
		{uidFleet, "Fleet", "Desktop counts by location and EIP"},
		{uidInventory, "Inventory", "All network interfaces of desktops, to filter and search"},
		{uidDesktop, "One desktop", "Configuration and history of a desktop"},
		{uidAddresses, "Addresses and exposure", "Subnet utilisation, EIPs by security group, reassigned EIPs, duplicate addresses"},
		{uidExporter, "Exporter", "Exporter health, API requests and resource usage"},
	} {
		if to[0] != uid {
			links = append(links, dashboard.NewDashboardLinkBuilder(to[1]).Type(dashboard.DashboardLinkTypeLink).
				Url("/d/"+to[0]).Tooltip(to[2]).Icon("dashboard").IncludeVars(true).KeepTime(true))
		}
	}
	return links
}

// prebuilt is a finished panel that implements cog.Builder.
type prebuilt dashboard.Panel

// Build returns the panel.
func (b prebuilt) Build() (dashboard.Panel, error) { return dashboard.Panel(b), nil }

// build returns the panel.
func (p panel) build(id uint32, at dashboard.GridPos) prebuilt {
	out := dashboard.NewPanel()
	out.Id, out.Title, out.Description, out.GridPos = &id, &p.title, &p.description, &at
	out.Datasource = new(datasource())
	config := dashboard.FieldConfig{Unit: &p.unit, Mappings: p.mappings, Links: p.links, Decimals: p.decimals}
	if len(p.thresholds) > 0 {
		config.Thresholds = &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: p.thresholds}
		config.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
	}
	if p.noValue != "" {
		config.NoValue = &p.noValue
	}
	if p.max > 0 {
		config.Min, config.Max = new(0.0), &p.max
	}
	if p.interval != "" {
		out.Interval = &p.interval
	}
	out.FieldConfig = &dashboard.FieldConfigSource{Defaults: config, Overrides: p.overrides}
	if out.FieldConfig.Overrides == nil {
		out.FieldConfig.Overrides = []dashboard.DashboardFieldConfigSourceOverrides{}
	}
	out.Transformations = p.transformations
	p.setType(out)
	for i, q := range p.queries {
		out.Targets = append(out.Targets, q.build(string(rune('A'+i)), out.Type == "table"))
	}
	return prebuilt(*out)
}

// build returns the query in the JSON model.
func (q query) build(ref string, table bool) variants.Dataquery {
	format := prometheus.PromQueryFormatTimeSeries
	if table {
		format = prometheus.PromQueryFormatTable
	}
	return prometheus.Dataquery{
		RefId: &ref, Expr: q.expr, LegendFormat: new(q.legend), Format: &format,
		Range: new(q.overTime), Instant: new(!q.overTime), Exemplar: new(false),
		EditorMode: new(prometheus.QueryEditorModeCode), Datasource: new(datasource()),
	}
}

// threshold returns a threshold: the color of values from a limit on.
func threshold(from float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: &from, Color: color}
}

// baseThreshold returns the color below all thresholds.
func baseThreshold(color string) dashboard.Threshold { return dashboard.Threshold{Color: color} }

// valueMapping maps a value to a text and, unless it is empty, a color.
func valueMapping(value, text, color string) dashboard.ValueMapping {
	r := dashboard.ValueMappingResult{Text: &text}
	if color != "" {
		r.Color = &color
	}
	return dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: map[string]dashboard.ValueMappingResult{value: r},
	}}
}

// lastValue reduces each series to its last value.
func lastValue() common.ReduceDataOptions {
	return common.ReduceDataOptions{Calcs: []string{"lastNotNull"}, Fields: new(""), Values: new(false)}
}
