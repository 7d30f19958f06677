// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// dialect is one of the exposition formats, as far as gauges and counters are
// concerned. To the byte it is what expfmt writes; the tests hold it against that.
type dialect interface {
	// header begins a family whose samples take up size bytes.
	header(m *Metric, size int) []byte
	// sampler prepares the samples of a family of a project.
	sampler(m *Metric, p inventory.Project) sampler
}

// sampler writes samples of one family of one project.
type sampler interface {
	append(dst []byte, row []string, value float64) []byte
}

// dialectOf gives the dialect of a format that was negotiated. It gives nil
// for the formats that are only good for looking at.
func dialectOf(f expfmt.Format) dialect {
	switch f.FormatType() {
	case expfmt.TypeTextPlain:
		return text{}
	case expfmt.TypeOpenMetrics:
		return text{openMetrics: true}
	case expfmt.TypeProtoDelim:
		return protobuf{}
	default:
		return nil
	}
}

// column is a label and where its value stands in a row. The value of a fixed
// one is the same in all samples of a project.
type column struct {
	label string
	index int
	fixed bool
	value string
}

// columns gives the labels of a metric in the order that client_golang gives
// them: by name.
func columns(m *Metric, p inventory.Project) []column {
	var cs []column
	for i, label := range m.Labels {
		c := column{label: label, index: i}
		switch label {
		case labelRegion:
			c.fixed, c.value = true, p.Region
		case labelProject:
			c.fixed, c.value = true, p.ID
		}
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(a, b column) int { return strings.Compare(a.label, b.label) })
	return cs
}

// text is the text format of Prometheus, or that of OpenMetrics.
type text struct {
	openMetrics bool
}

func (t text) header(m *Metric, _ int) []byte {
	name := m.Name
	if t.openMetrics && m.Type == Counter {
		name = strings.TrimSuffix(name, "_total")
	}
	b := []byte("# HELP " + name + " ")
	if t.openMetrics {
		b = appendEscaped(b, m.Help)
	} else {
		b = append(b, strings.ReplaceAll(strings.ReplaceAll(m.Help, `\`, `\\`), "\n", `\n`)...)
	}
	return append(b, "\n# TYPE "+name+" "+string(m.Type)+"\n"...)
}

func (t text) sampler(m *Metric, p inventory.Project) sampler {
	s := &textSampler{openMetrics: t.openMetrics}
	before := m.Name + "{"
	for i, c := range columns(m, p) {
		if i > 0 {
			before += ","
		}
		before += c.label + `="`
		if c.fixed {
			before = string(appendEscaped([]byte(before), c.value))
		} else {
			s.gaps = append(s.gaps, gap{before, c.index})
			before = ""
		}
		before += `"`
	}
	s.end = before + "} "
	return s
}

// textSampler is a line with gaps for the values that differ.
type textSampler struct {
	openMetrics bool
	gaps        []gap
	end         string
}

// gap is where a value of the row goes, and what stands before it.
type gap struct {
	before string
	index  int
}

func (s *textSampler) append(dst []byte, row []string, value float64) []byte {
	for i := range s.gaps {
		dst = append(dst, s.gaps[i].before...)
		dst = appendEscaped(dst, row[s.gaps[i].index])
	}
	dst = append(dst, s.end...)
	dst = s.appendFloat(dst, value)
	return append(dst, '\n')
}

func (s *textSampler) appendFloat(dst []byte, value float64) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, value, 'g', -1, 64)
	if s.openMetrics && !bytes.ContainsAny(dst[start:], "e.NI") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendEscaped appends a text that stands between quotes.
func appendEscaped(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		switch s[i] {
		case '\n':
			dst = append(append(dst, s[from:i]...), `\n`...)
		case '"', '\\':
			dst = append(append(dst, s[from:i]...), '\\', s[i])
		default:
			continue
		}
		from = i + 1
	}
	return append(dst, s[from:]...)
}
