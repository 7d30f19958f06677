// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"errors"
	"fmt"
	"iter"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Collector is a prometheus.Collector of the samples of scopes. It is also a
// prometheus.Gatherer.
type Collector struct {
	families []Family
	scopes   func() []*Scope
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ prometheus.Gatherer  = (*Collector)(nil)
)

// New returns a Collector of the families, as Families returns them. It calls
// scopes each time that it collects.
func New(families []Family, scopes func() []*Scope) *Collector {
	return &Collector{families: families, scopes: scopes}
}

// Describe implements prometheus.Collector. It does not call scopes.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for i := range c.families {
		ch <- c.families[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.metrics() {
		ch <- m
	}
}

// Gather implements prometheus.Gatherer. A registry sorts the samples of a
// family by their label values; Gather keeps the order in which they are
// emitted, as package exposition does: by project, then by desktop. It returns
// what it could gather beside an error.
func (c *Collector) Gather() ([]*dto.MetricFamily, error) {
	var gathered []*dto.MetricFamily
	var errs []error
	var last *Family
	for f, m := range c.metrics() {
		sample := &dto.Metric{}
		if err := m.Write(sample); err != nil {
			errs = append(errs, fmt.Errorf("collect %s: %w", f.Name, err))
			continue
		}
		if f != last {
			gathered = append(gathered, &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: f.valueType().ToDTO()})
			last = f
		}
		mf := gathered[len(gathered)-1]
		mf.Metric = append(mf.Metric, sample)
	}
	return gathered, errors.Join(errs...)
}

// metrics returns the samples of all scopes, family by family.
func (c *Collector) metrics() iter.Seq2[*Family, prometheus.Metric] {
	return func(yield func(*Family, prometheus.Metric) bool) {
		scopes := c.scopes()
		for i := range c.families {
			f, more := &c.families[i], true
			for _, s := range scopes {
				f.Emit(NewEmitter(s, func(labels []string, value float64) {
					more = more && yield(f, f.metric(labels, value))
				}), s.Records)
			}
			if !more {
				return
			}
		}
	}
}

// metric returns a sample as client_golang has it.
func (f *Family) metric(labels []string, value float64) prometheus.Metric {
	m, err := prometheus.NewConstMetric(f.desc, f.valueType(), value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(f.desc, err)
	}
	return m
}

func (f *Family) valueType() prometheus.ValueType {
	if f.Type == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}
