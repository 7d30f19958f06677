// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// statPanel sets the type: a single value.
func statPanel(p panel) panel {
	p.setType = func(out *dashboard.Panel) {
		o := stat.NewOptions()
		o.ReduceOptions = lastValue()
		o.GraphMode = common.BigValueGraphModeNone
		if p.queries[0].overTime {
			o.GraphMode = common.BigValueGraphModeArea
		}
		o.ColorMode = common.BigValueColorModeValue
		out.Type, out.Options = "stat", o
	}
	if len(p.thresholds) == 0 {
		p.thresholds = []dashboard.Threshold{baseThreshold("text")}
	}
	return p
}

// labelStat sets the type: the values of a label, or a text without results.
func labelStat(label, otherwise string, p panel) panel {
	p.queries[0].expr += ` or on () label_replace(vector(0), "` + label + `", "` + otherwise + `", "", "")`
	p.queries[0].legend = "{{" + label + "}}"
	p.unit = "string"
	p = statPanel(p)
	draw := p.setType
	p.setType = func(out *dashboard.Panel) {
		draw(out)
		out.Options.(*stat.Options).TextMode = common.BigValueTextModeName
	}
	return p
}

// timeSeriesPanel sets the type: lines over time.
func timeSeriesPanel(p panel) panel {
	p.setType = func(out *dashboard.Panel) {
		o := timeseries.NewOptions()
		o.Legend = common.VizLegendOptions{
			ShowLegend: true, DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, Calcs: []string{},
		}
		o.Tooltip = common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
		c := timeseries.NewFieldConfig()
		c.LineWidth, c.FillOpacity = new(2.0), new(8.0)
		c.LineInterpolation = new(common.LineInterpolationStepAfter)
		c.ShowPoints = new(common.VisibilityModeNever)
		c.AxisSoftMin = new(0.0)
		switch p.unit {
		case "none": // without it, a constant zero is drawn on an axis up to 100
			c.AxisSoftMax = new(1.0)
		case "reqps":
			c.AxisWidth = new(70.0)
		}
		defaults := &out.FieldConfig.Defaults
		if len(p.thresholds) > 0 { // drawn as dashed lines
			c.ThresholdsStyle = &common.GraphThresholdsStyleConfig{Mode: common.GraphThresholdsStyleModeDashed}
		}
		defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdPaletteClassic}
		defaults.Custom = c
		out.Type, out.Options = "timeseries", o
	}
	return p
}

// stackedPanel sets the type: stacked areas over time.
func stackedPanel(p panel) panel {
	p = timeSeriesPanel(p)
	draw := p.setType
	p.setType = func(out *dashboard.Panel) {
		draw(out)
		c := out.FieldConfig.Defaults.Custom.(*timeseries.FieldConfig)
		c.FillOpacity, c.LineWidth = new(30.0), new(1.0)
		c.Stacking = &common.StackingConfig{Mode: new(common.StackingModeNormal), Group: new("A")}
	}
	return p
}

// barChartPanel sets the type: stacked bars of counts in each step.
func barChartPanel(p panel) panel {
	p = stackedPanel(p)
	draw := p.setType
	p.setType = func(out *dashboard.Panel) {
		draw(out)
		c := out.FieldConfig.Defaults.Custom.(*timeseries.FieldConfig)
		c.DrawStyle = new(common.GraphDrawStyleBars)
		c.FillOpacity, c.LineWidth = new(70.0), new(0.0)
	}
	return p
}

// barGaugePanel sets the type: a horizontal bar for each series.
func barGaugePanel(p panel) panel {
	p.setType = func(out *dashboard.Panel) {
		o := bargauge.NewOptions()
		o.ReduceOptions = lastValue()
		o.Orientation = common.VizOrientationHorizontal
		o.DisplayMode = common.BarGaugeDisplayModeBasic
		o.ValueMode = common.BarGaugeValueModeText
		o.NamePlacement = common.BarGaugeNamePlacementLeft
		o.ShowUnfilled = false
		o.MinVizHeight, o.MaxVizHeight = 16, 26
		o.Sizing = common.BarGaugeSizingManual
		o.Text = &common.VizTextDisplayOptions{TitleSize: new(12.0), ValueSize: new(14.0)}
		d := &out.FieldConfig.Defaults
		d.Min = new(0.0)
		if d.Color == nil {
			d.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdFixed, FixedColor: new("blue")}
		}
		out.Type, out.Options = "bargauge", o
	}
	return p
}

// stateTimelinePanel sets the type: the time ranges in which each series exists.
func stateTimelinePanel(p panel) panel {
	p.setType = func(out *dashboard.Panel) {
		o := statetimeline.NewOptions()
		o.Legend = common.VizLegendOptions{
			DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, Calcs: []string{},
		}
		o.Tooltip = common.VizTooltipOptions{Mode: common.TooltipDisplayModeSingle, Sort: common.SortOrderNone}
		o.RowHeight = 0.7
		o.ShowValue = common.VisibilityModeNever
		out.FieldConfig.Defaults.Custom = statetimeline.NewFieldConfig()
		out.FieldConfig.Defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdFixed, FixedColor: new("blue")}
		out.Type, out.Options = "state-timeline", o
	}
	return p
}

// column is a column of a table: a field of the queries' results, and how it is
// shown.
type column struct {
	field, title string
	unit         string
	width        float64 // 0: as much as is left
	noValue      string  // stands where there is no value
	gauge        bool    // draws the value, from 0 to 1, as a bar too
	link         string
	linkTitle    string
	mappings     []dashboard.ValueMapping
}

// tablePanel sets the type: a table of columns, sorted by the title of one. A leading
// minus sorts in descending order.
func tablePanel(p panel, sort string, columns ...column) panel {
	include, order, titles := []string{}, map[string]any{}, map[string]any{}
	for i, c := range columns {
		include, order[c.field], titles[c.field] = append(include, c.field), i, c.title
		p.overrides = append(p.overrides, c.override())
	}
	p.transformations = append(slices.Clone(p.transformations),
		dashboard.DataTransformerConfig{Id: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": include}}},
		dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{}, "indexByName": maps.Clone(order), "renameByName": titles,
		}})
	p.setType = func(out *dashboard.Panel) {
		o := table.NewOptions()
		o.Footer = nil
		desc := sort[0] == '-'
		o.SortBy = []common.TableSortByFieldState{{DisplayName: trimSortOrder(sort), Desc: &desc}}
		out.FieldConfig.Defaults.Custom = &common.TableFieldOptions{Align: common.FieldTextAlignmentAuto, Filterable: new(true)}
		out.Type, out.Options = "table", o
	}
	return p
}

func trimSortOrder(s string) string {
	if s[0] == '-' {
		return s[1:]
	}
	return s
}

// override returns the field overrides of a column.
func (c column) override() dashboard.DashboardFieldConfigSourceOverrides {
	o := dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: "byName", Options: c.title}}
	add := func(id string, value any) {
		o.Properties = append(o.Properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	unit := c.unit
	if unit == "" {
		unit = "string"
	}
	add("unit", unit)
	if c.noValue != "" {
		add("noValue", c.noValue)
	}
	if c.width > 0 {
		add("custom.width", c.width)
	}
	if c.gauge {
		add("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic"})
		add("min", 0)
		add("max", 1)
		add("thresholds", dashboard.ThresholdsConfig{
			Mode:  dashboard.ThresholdsModeAbsolute,
			Steps: []dashboard.Threshold{baseThreshold("green"), threshold(0.8, "orange"), threshold(0.95, "red")},
		})
		add("color", dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds})
	}
	if len(c.mappings) > 0 {
		add("mappings", c.mappings)
		add("custom.cellOptions", map[string]any{"type": "color-text"})
	}
	if c.link != "" {
		add("links", []map[string]any{{"title": c.linkTitle, "url": c.link}})
	}
	return o
}

// linkToDesktop is a link from a row that has the desktop's id in a column of that
// title to all that is known of the desktop.
func linkToDesktop(c column) column {
	c.link = "/d/" + uidDesktop + "?${datasource:queryparam}&${__url_time_range}&var-desktop=${__data.fields[\"" + desktopID + "\"]}"
	c.linkTitle = "Desktop details"
	return c
}

// desktopID is the title of the column of desktop IDs, which links use.
const desktopID = "Desktop ID"

// mergeTransformation merges the results of several queries into one table: rows with
// equal values of the common fields become one.
func mergeTransformation() dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}
}
