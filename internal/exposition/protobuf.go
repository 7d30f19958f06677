// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// protobufFormat is the format of length-delimited io.prometheus.client messages.
type protobufFormat struct{}

// Field numbers of io.prometheus.client, and the types that counters and gauges
// have there.
const (
	familyName, familyHelp, familyType, familyMetric = 1, 2, 3, 4
	metricLabel, metricGauge, metricCounter          = 1, 2, 3
	pairName, pairValue                              = 1, 2
	valueValue                                       = 1 // of a gauge and of a counter
	counterType, gaugeType                           = 0, 1
)

func (protobufFormat) header(m *collector.Metric, size int) []byte {
	var b []byte
	b = appendString(b, familyName, m.Name)
	b = appendString(b, familyHelp, m.Help)
	b = protowire.AppendTag(b, familyType, protowire.VarintType)
	if m.Type == collector.Counter {
		b = protowire.AppendVarint(b, counterType)
	} else {
		b = protowire.AppendVarint(b, gaugeType)
	}
	return append(protowire.AppendVarint(nil, uint64(len(b)+size)), b...)
}

func (protobufFormat) newSampleWriter(m *collector.Metric, p inventory.Project) sampleWriter {
	s := &protobufSampleWriter{field: metricGauge}
	if m.Type == collector.Counter {
		s.field = metricCounter
	}
	for _, c := range columns(m, p) {
		l := protobufLabel{name: appendString(nil, pairName, c.label), index: c.index}
		if c.fixed {
			l.fixed = l.append(nil, c.value)
			s.fixedSize += len(l.fixed)
		}
		s.labels = append(s.labels, l)
	}
	return s
}

// protobufSampleWriter is a template of a Metric message.
type protobufSampleWriter struct {
	field     protowire.Number // of the value
	labels    []protobufLabel
	fixedSize int // in bytes, of the labels with a fixed value
}

// protobufLabel is a label with its encoded name. If its value is fixed, fixed is
// the encoded label.
type protobufLabel struct {
	name  []byte
	index int
	fixed []byte
}

const (
	tagSize    = 1 // of every field here, since field numbers are below 16
	doubleSize = 8
	valueSize  = tagSize + doubleSize
)

// size returns the size of the LabelPair message, without its tag and length.
func (l *protobufLabel) size(value string) int {
	return len(l.name) + tagSize + protowire.SizeBytes(len(value))
}

func (l *protobufLabel) append(dst []byte, value string) []byte {
	dst = protowire.AppendTag(dst, metricLabel, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(l.size(value)))
	dst = append(dst, l.name...)
	return appendString(dst, pairValue, value)
}

func (s *protobufSampleWriter) append(dst []byte, row []string, value float64) []byte {
	size := s.fixedSize + tagSize + protowire.SizeBytes(valueSize)
	for i := range s.labels {
		if l := &s.labels[i]; l.fixed == nil {
			size += tagSize + protowire.SizeBytes(l.size(row[l.index]))
		}
	}
	dst = protowire.AppendTag(dst, familyMetric, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	for i := range s.labels {
		if l := &s.labels[i]; l.fixed != nil {
			dst = append(dst, l.fixed...)
		} else {
			dst = l.append(dst, row[l.index])
		}
	}
	dst = protowire.AppendTag(dst, s.field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, valueSize)
	dst = protowire.AppendTag(dst, valueValue, protowire.Fixed64Type)
	return protowire.AppendFixed64(dst, math.Float64bits(value))
}

func appendString(dst []byte, field protowire.Number, s string) []byte {
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendString(dst, s)
}
