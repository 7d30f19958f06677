// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package apptest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Exposition is a parsed exposition, by family.
type Exposition map[string]*dto.MetricFamily

// Labels are the labels of one series.
type Labels []*dto.LabelPair

// Get returns the value of a label, or "".
func (l Labels) Get(name string) string {
	for _, pair := range l {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// Parse parses the text format.
func Parse(t *testing.T, text string) Exposition {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the exposition does not parse: %v", err)
	}
	return families
}

// Each calls do with the labels and value of each series of a family, whose name
// is without prefix.
func (e Exposition) Each(name string, do func(l Labels, value float64)) {
	for _, m := range e["huaweicloud_workspace_"+name].GetMetric() {
		do(m.GetLabel(), cmp.Or(m.GetGauge().GetValue(), m.GetCounter().GetValue()))
	}
}

// Sum returns the sum of the series of a family with the given labels.
func (e Exposition) Sum(name string, pairs ...string) float64 {
	total := 0.0
	e.Each(name, func(l Labels, value float64) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if l.Get(pairs[i]) != pairs[i+1] {
				return
			}
		}
		total += value
	})
	return total
}

// Desktops returns the desktops of a project, one a line: ID, name and either the
// addresses of its interfaces, with EIP and security groups, or a question mark.
// The last line is the health of the project.
func (e Exposition) Desktops(projectID string) string {
	lines := map[string]string{}
	e.Each("desktop_info", func(l Labels, _ float64) {
		if l.Get("project_id") == projectID {
			lines[l.Get("desktop_id")] = l.Get("desktop_id") + " " + l.Get("desktop_name") + ":"
		}
	})
	known := map[string]bool{}
	e.Each("desktop_eips", func(l Labels, _ float64) { known[l.Get("desktop_id")] = true })
	var interfaces []string
	e.Each("desktop_network_info", func(l Labels, _ float64) {
		if l.Get("project_id") != projectID {
			return
		}
		text := " " + l.Get("private_ip")
		if l.Get("eip_address") != "" {
			text += "/" + l.Get("eip_address")
		}
		e.Each("desktop_security_group_info", func(g Labels, _ float64) {
			if g.Get("desktop_id") == l.Get("desktop_id") && g.Get("port_id") == l.Get("port_id") {
				text += "+" + g.Get("security_group_name")
			}
		})
		interfaces = append(interfaces, l.Get("desktop_id")+"\x00"+text)
	})
	slices.Sort(interfaces)
	for _, i := range interfaces {
		id, text, _ := strings.Cut(i, "\x00")
		lines[id] += text
	}
	for id := range lines {
		if !known[id] {
			lines[id] += " ?"
		}
	}
	text := ""
	for _, id := range slices.Sorted(maps.Keys(lines)) {
		text += lines[id] + "\n"
	}
	health := func(name string) string {
		value := "-"
		e.Each(name, func(l Labels, v float64) {
			if l.Get("project_id") == projectID {
				value = fmt.Sprint(v)
			}
		})
		return value
	}
	return text + fmt.Sprintf("up=%s desktops=%s unresolved=%s stale=%s", health("up"), health("desktops"),
		health("desktops_unresolved"), health("desktops_stale"))
}

// Projects returns the names of the projects with their health and their number
// of desktops.
func (e Exposition) Projects() string {
	var all []string
	e.Each("project_info", func(l Labels, _ float64) {
		text := fmt.Sprintf("%s up=%v", l.Get("project"), e.Sum("up", "region", l.Get("region"), "project_id", l.Get("project_id")))
		if n := e.Sum("desktops", "region", l.Get("region"), "project_id", l.Get("project_id")); n > 0 {
			text += fmt.Sprintf(" desktops=%v", n)
		}
		all = append(all, text)
	})
	return strings.Join(slices.Sorted(slices.Values(all)), ", ")
}
