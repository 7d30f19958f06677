// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Collector says snapshots the plain way. The exporter does without it: it is
// what the fast exposition is held against, in tests and in benchmarks.
type Collector struct {
	families  *familySet
	descs     []*prometheus.Desc
	snapshots func() []*inventory.Snapshot
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector gives a Collector of what snapshots returns when it is asked.
func NewCollector(c Choice, snapshots func() []*inventory.Snapshot) *Collector {
	col := &Collector{families: newFamilySet(c), snapshots: snapshots}
	for _, f := range col.families.all {
		col.descs = append(col.descs, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil))
	}
	return col
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range groupScopes(c.snapshots()) {
		for i, f := range c.families.all {
			f.emit(s, newEmitter(s, func(labels []string, value float64) {
				m, err := prometheus.NewConstMetric(c.descs[i], f.valueType(), value, labels...)
				if err != nil {
					m = prometheus.NewInvalidMetric(c.descs[i], err)
				}
				ch <- m
			}))
		}
	}
}

// valueType is the family's type as client_golang has it.
func (f *family) valueType() prometheus.ValueType {
	if f.Type == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// emit says all of a project that the family has to say.
func (f *family) emit(s *scope, e *emitter) {
	switch {
	case f.project != nil:
		f.project(e, s)
	case f.objects != nil:
		f.objects(e, s.Snapshot)
	default:
		for _, r := range s.Records {
			f.desktop(e, r)
		}
	}
}

// gatherScopes gives what scopes say in the order of the fast exposition: families
// by name, projects by region and ID, desktops by ID.
func gatherScopes(families []family, scopes []*scope) []*dto.MetricFamily {
	var all []*dto.MetricFamily
	for i := range families {
		f := &families[i]
		mf := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: f.valueType().ToDTO()}
		for _, s := range scopes {
			order := columns(&f.Metric, s.Project)
			f.emit(s, newEmitter(s, func(row []string, value float64) {
				m := &dto.Metric{}
				if f.Type == Counter {
					m.Counter = &dto.Counter{Value: &value}
				} else {
					m.Gauge = &dto.Gauge{Value: &value}
				}
				for _, c := range order {
					m.Label = append(m.Label, &dto.LabelPair{Name: &c.label, Value: new(row[c.index])})
				}
				mf.Metric = append(mf.Metric, m)
			}))
		}
		if len(mf.Metric) > 0 {
			all = append(all, mf)
		}
	}
	return all
}
