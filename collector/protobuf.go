// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// protobuf is the format of length-delimited io.prometheus.client messages.
type protobuf struct{}

// Field numbers of io.prometheus.client, and the types that counters and gauges
// have there.
const (
	familyName, familyHelp, familyType, familyMetric = 1, 2, 3, 4
	metricLabel, metricGauge, metricCounter          = 1, 2, 3
	pairName, pairValue                              = 1, 2
	valueValue                                       = 1 // of a gauge and of a counter
	counterType, gaugeType                           = 0, 1
)

func (protobuf) header(m *Metric, size int) []byte {
	var b []byte
	b = appendString(b, familyName, m.Name)
	b = appendString(b, familyHelp, m.Help)
	b = protowire.AppendTag(b, familyType, protowire.VarintType)
	if m.Type == Counter {
		b = protowire.AppendVarint(b, counterType)
	} else {
		b = protowire.AppendVarint(b, gaugeType)
	}
	return append(protowire.AppendVarint(nil, uint64(len(b)+size)), b...)
}

func (protobuf) sampler(m *Metric, p inventory.Project) sampler {
	s := &protoSampler{field: metricGauge}
	if m.Type == Counter {
		s.field = metricCounter
	}
	for _, c := range columns(m, p) {
		l := protoLabel{name: appendString(nil, pairName, c.label), index: c.index}
		if c.fixed {
			l.fixed = l.append(nil, c.value)
			s.fixedSize += len(l.fixed)
		}
		s.labels = append(s.labels, l)
	}
	return s
}

// protoSampler is a metric with gaps for the values that differ.
type protoSampler struct {
	field     protowire.Number // of the value
	labels    []protoLabel
	fixedSize int // of all labels whose values are known
}

// protoLabel is a label with its encoded name; fixed, if there, is all of it.
type protoLabel struct {
	name  []byte
	index int
	fixed []byte
}

const (
	tagSize    = 1 // of every field here: numbers are below 16
	doubleSize = 8
	valueSize  = tagSize + doubleSize
)

// size of the label pair without what says that it is one.
func (l *protoLabel) size(value string) int {
	return len(l.name) + tagSize + protowire.SizeBytes(len(value))
}

func (l *protoLabel) append(dst []byte, value string) []byte {
	dst = protowire.AppendTag(dst, metricLabel, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(l.size(value)))
	dst = append(dst, l.name...)
	return appendString(dst, pairValue, value)
}

func (s *protoSampler) append(dst []byte, row []string, value float64) []byte {
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
