// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// textFormat is the text format of Prometheus or of OpenMetrics.
type textFormat struct {
	openMetrics bool
}

func (t textFormat) header(m *collector.Metric, _ int) []byte {
	name := m.Name
	if t.openMetrics && m.Type == collector.Counter {
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

func (t textFormat) newSampleWriter(m *collector.Metric, p inventory.Project) sampleWriter {
	s := &textSampleWriter{openMetrics: t.openMetrics}
	prefix := m.Name + "{"
	for i, c := range columns(m, p) {
		if i > 0 {
			prefix += ","
		}
		prefix += c.label + `="`
		if c.fixed {
			prefix = string(appendEscaped([]byte(prefix), c.value))
		} else {
			s.slots = append(s.slots, slot{prefix, c.index})
			prefix = ""
		}
		prefix += `"`
	}
	s.suffix = prefix + "} "
	return s
}

// textSampleWriter is a template of a line.
type textSampleWriter struct {
	openMetrics bool
	slots       []slot
	suffix      string
}

// slot is where a value of the row is inserted, after a prefix.
type slot struct {
	prefix string
	index  int
}

func (s *textSampleWriter) append(dst []byte, row []string, value float64) []byte {
	for i := range s.slots {
		dst = append(dst, s.slots[i].prefix...)
		dst = appendEscaped(dst, row[s.slots[i].index])
	}
	dst = append(dst, s.suffix...)
	dst = s.appendFloat(dst, value)
	return append(dst, '\n')
}

func (s *textSampleWriter) appendFloat(dst []byte, value float64) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, value, 'g', -1, 64)
	if s.openMetrics && !bytes.ContainsAny(dst[start:], "e.NI") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendEscaped appends s, escaped for use between quotes.
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
