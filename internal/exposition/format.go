// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"slices"
	"strings"

	"github.com/prometheus/common/expfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// format is one of the exposition formats, for gauges and counters. It writes,
// to the byte, what expfmt writes.
type format interface {
	// header returns the beginning of a family whose samples have size bytes.
	header(m *collector.Metric, size int) []byte
	// newSampleWriter returns a writer of the samples of a family in a project.
	newSampleWriter(m *collector.Metric, p inventory.Project) sampleWriter
}

// sampleWriter encodes samples of one family in one project.
type sampleWriter interface {
	// append appends a sample to dst; row has the label values in the order of
	// Metric.Labels.
	append(dst []byte, row []string, value float64) []byte
}

// fastFormat returns the format for what was negotiated, or nil if this package
// does not support it.
func fastFormat(f expfmt.Format) format {
	switch f.FormatType() {
	case expfmt.TypeTextPlain:
		return textFormat{}
	case expfmt.TypeOpenMetrics:
		return textFormat{openMetrics: true}
	case expfmt.TypeProtoDelim:
		return protobufFormat{}
	default:
		return nil
	}
}

// column is a label, and the index of its value in a row. The value of a fixed
// column is the same in all samples of a project.
type column struct {
	label string
	index int
	fixed bool
	value string
}

// columns returns the labels of a metric, sorted by name as in client_golang.
func columns(m *collector.Metric, p inventory.Project) []column {
	var cs []column
	for i, label := range m.Labels {
		c := column{label: label, index: i}
		switch label {
		case collector.LabelRegion:
			c.fixed, c.value = true, p.Region
		case collector.LabelProjectID:
			c.fixed, c.value = true, p.ID
		}
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(a, b column) int { return strings.Compare(a.label, b.label) })
	return cs
}
