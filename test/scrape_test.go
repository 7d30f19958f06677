// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// TestPrometheusScrapesTheDemo has a real Prometheus scrape the binary, with
// the README's configuration, and runs the README's queries. The answers
// must equal the page.
func TestPrometheusScrapesTheDemo(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	together, _ := prometheusConfigs(t)
	prometheus := startPrometheus(t, withShortInterval(t, together, x))
	page, at := stableScrape(t, x, prometheus)

	questions := map[string]string{}
	for _, block := range readme(t, "promql") {
		title, expression, _ := strings.Cut(strings.TrimPrefix(block, "# "), "\n")
		questions[title] = expression
	}
	answers := expected(page, at)
	if got, want := slices.Sorted(maps.Keys(questions)), slices.Sorted(maps.Keys(answers)); !slices.Equal(got, want) {
		t.Fatalf("README.md has the questions %q, want %q", got, want)
	}
	for title, expression := range questions {
		t.Run(title, func(t *testing.T) {
			want := answers[title]
			if len(want) == 0 {
				t.Fatal("the page has no answer, so that nothing is compared")
			}
			if diff := diffSamples(without(prometheus.query(t, expression, at), "job", "instance"), want); diff != "" {
				t.Error(diff)
			}
		})
	}

	t.Run("every series", func(t *testing.T) {
		got := without(prometheus.query(t, `{__name__=~"`+prefix+`.+"}`, at), "job", "instance")
		if diff := diffSamples(stableSamples(got), stableSamples(page)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPrometheusScrapesProjectsSeparately does the same with the README's other
// configuration, which relabels.
func TestPrometheusScrapesProjectsSeparately(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	_, apart := prometheusConfigs(t)
	prometheus := startPrometheus(t, withShortInterval(t, apart, x))
	up := prometheus.await(t, waitTimeout, "up == 1", func(all []sample) bool { return len(all) == 2 })
	var instances []string
	for _, s := range up {
		instances = append(instances, s.labels.Get("instance"))
	}
	slices.Sort(instances)
	if want := []string{"office-mexico", "office-singapore"}; !slices.Equal(instances, want) {
		t.Errorf("instances %v, want %v", instances, want)
	}
	got := prometheus.query(t, `count by (instance, region) (huaweicloud_workspace_desktop_info)`, time.Now())
	desktops := x.metrics(t, "/metrics")
	for _, s := range got {
		if want := value(t, desktops, prefix+"desktops", "region", s.labels.Get("region")); s.value < want-1 || s.value > want+1 { // one may have come or gone
			t.Errorf("%s: %g desktops, want %g", s.labels, s.value, want)
		}
	}
	if len(got) != 2 {
		t.Errorf("%v, want one region for each instance", texts(got))
	}
	if own := prometheus.query(t, "huaweicloud_workspace_exporter_build_info", time.Now()); len(own) > 0 {
		t.Errorf("probes export metrics of the exporter itself: %v", texts(own))
	}
}

// stableScrape waits for a scrape around which the demo did not change, and returns
// the page as it was, and the time of a scrape.
func stableScrape(t testing.TB, x, prometheus *process) ([]sample, time.Time) {
	t.Helper()
	for range 20 {
		before := stableSamples(x.metrics(t, "/metrics"))
		begun := float64(time.Now().UnixMilli()) / 1000
		scrapes := prometheus.await(t, waitTimeout, "timestamp(up == 1)", func(all []sample) bool {
			return len(all) == 1 && all[0].value > begun
		})
		after := x.metrics(t, "/metrics")
		if diffSamples(before, stableSamples(after)) == "" {
			at := time.UnixMilli(int64(scrapes[0].value * 1000))
			// Volatile values are compared with those that Prometheus scraped at that time.
			oldest := without(prometheus.query(t, prefix+"oldest_data_timestamp_seconds", at), "job", "instance")
			after = slices.DeleteFunc(after, func(s sample) bool {
				return s.labels.Get(nameLabel) == prefix+"oldest_data_timestamp_seconds"
			})
			return append(after, oldest...), at
		}
	}
	t.Fatal("the demo never stands still")
	return nil, time.Time{}
}

// without drops labels that Prometheus adds.
func without(all []sample, names ...string) []sample {
	out := make([]sample, 0, len(all))
	for _, s := range all {
		out = append(out, sample{labels.NewBuilder(s.labels).Del(names...).Labels(), s.value})
	}
	return out
}

// selectLabels returns the labels of a sample that have one of the names.
func selectLabels(s sample, names ...string) labels.Labels {
	return labels.NewBuilder(s.labels).Keep(names...).Labels()
}

// expected answers the README's questions from a page, without PromQL.
func expected(page []sample, at time.Time) map[string][]sample {
	object := func(s sample, id string) string {
		return s.labels.Get("region") + " " + s.labels.Get("project_id") + " " + s.labels.Get(id)
	}
	lookup := func(metric, id string) map[string]sample {
		found := map[string]sample{}
		for _, s := range samplesNamed(page, metric) {
			found[object(s, id)] = s
		}
		return found
	}
	info := lookup(prefix+"desktop_info", "desktop_id")
	subnets := lookup(prefix+"subnet_info", "subnet_id")
	sizes := lookup(prefix+"subnet_addresses", "subnet_id")
	projects := lookup(prefix+"project_info", "")

	answers := map[string][]sample{}
	add := func(title string, l labels.Labels, value float64) {
		answers[title] = append(answers[title], sample{l, value})
	}
	builders := map[string]bool{}
	for _, s := range samplesNamed(page, prefix+"desktop_security_group_info") {
		if s.labels.Get("security_group_name") == "build-farm" {
			builders[object(s, "desktop_id")] = true
		}
	}
	for _, s := range samplesNamed(page, prefix+"desktop_eips") {
		desktop := object(s, "desktop_id")
		if s.value == 0 {
			add("Desktops without an EIP, by name", selectLabels(info[desktop], "region", "project_id", "desktop_id", "desktop_name"), 0)
		} else if builders[desktop] {
			add("Desktops with an EIP in a security group", s.labels, s.value)
		}
	}
	inSubnet := map[string]labels.Labels{}
	members := map[string]map[string]bool{}
	for _, s := range samplesNamed(page, prefix+"desktop_network_info") {
		subnet := object(s, "subnet_id")
		if members[subnet] == nil {
			members[subnet] = map[string]bool{}
		}
		inSubnet[subnet] = selectLabels(s, "region", "project_id", "subnet_id", "subnet_name")
		members[subnet][s.labels.Get("desktop_id")] = true
	}
	for subnet, l := range inSubnet {
		add("Desktops in each subnet", l, float64(len(members[subnet])))
	}
	for _, s := range samplesNamed(page, prefix+"subnet_network_interfaces") {
		subnet := object(s, "subnet_id")
		add("Share of the addresses of each subnet that desktops use",
			selectLabels(subnets[subnet], "region", "project_id", "subnet_id", "subnet_name"), s.value/sizes[subnet].value)
	}
	for _, s := range samplesNamed(page, prefix+"oldest_data_timestamp_seconds") {
		add("Age of the oldest data of each project in seconds",
			selectLabels(projects[object(s, "")], "region", "project_id", "project"), float64(at.UnixMilli())/1000-s.value)
	}
	return answers
}

// TestPromtoolChecksMetrics has promtool lint all metrics of the exporter,
// the opt-in families included.
func TestPromtoolChecksMetrics(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	f := finish(t, x.get(t, "/metrics").body, "promtool", "check", "metrics")
	if f.code != 0 || f.stdout+f.stderr != "" {
		t.Errorf("promtool check metrics ends with %d: %s%s", f.code, f.stdout, f.stderr)
	}
}
