// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// formats are the Accept headers of current Prometheus servers.
var formats = []struct{ name, accept, contentType string }{
	{"text 0.0.4", "text/plain;version=0.0.4", "text/plain; version=0.0.4"},
	{"text 1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version="},
	{"OpenMetrics 0.0.1", "application/openmetrics-text;version=0.0.1", "application/openmetrics-text; version=0.0.1"},
	{"OpenMetrics 1.0.0", "application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"},
	{"protobuf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "application/vnd.google.protobuf"},
	{"Accept of Prometheus 3", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", "application/openmetrics-text; version=1.0.0"},
	{"Accept of Prometheus 3 with native histograms", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", "application/vnd.google.protobuf"},
}

// TestFormats lets Prometheus' own parsers read every format. All must say the
// same of the cloud, metadata included.
func TestFormats(t *testing.T) {
	t.Parallel()
	x := exporter(t, "--demo")
	const projects = 2
	for _, path := range []string{"/probe?target=office-mexico", "/metrics"} {
		reference := x.get(t, path, "Accept", formats[0].accept)
		want, wantMeta := stableSamples(parse(t, reference)), metadata(t, reference)
		if len(samplesNamed(want, prefix+"desktop_eips")) < 100 || len(wantMeta) < 20 {
			t.Fatalf("%s has too few metrics: %d samples, %d families", path, len(want), len(wantMeta))
		}
		for _, format := range formats {
			t.Run(path+" "+format.name, func(t *testing.T) {
				a := x.get(t, path, "Accept", format.accept)
				for _, encoding := range []string{"identity", "gzip", "zstd"} {
					b := x.get(t, path, "Accept", format.accept, "Accept-Encoding", encoding)
					if got := b.header.Get("Content-Encoding"); got != encoding && (got != "" || encoding != "identity") {
						t.Errorf("encoded as %q, want %s", got, encoding)
					}
					if diff := diffSamples(stableSamples(parse(t, b)), want); diff != "" {
						t.Errorf("%s: %s", encoding, diff)
					}
				}
				if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, format.contentType) {
					t.Errorf("content type %q, want %s", got, format.contentType)
				}
				meta := metadata(t, a)
				for family, m := range wantMeta {
					if strings.HasPrefix(family, "go_memstats_alloc_bytes") {
						continue // client_golang's gauge and counter, which OpenMetrics cannot distinguish
					}
					// OpenMetrics names a counter's family without _total.
					if got, alias := meta[family], meta[strings.TrimSuffix(family, "_total")]; got != m && alias != m {
						t.Errorf("%s is %q, want %q", family, got, m)
					}
				}
				for family := range meta {
					if _, ok := wantMeta[family]; !ok && wantMeta[family+"_total"] == "" {
						t.Errorf("unexpected family %s", family)
					}
				}
			})
		}
	}

	t.Run("native histograms", func(t *testing.T) {
		a := x.get(t, "/metrics", "Accept", formats[4].accept)
		counts := map[string]uint64{}
		each(t, a, func(p textparse.Parser, entry textparse.Entry) {
			if entry != textparse.EntryHistogram {
				return
			}
			var l labels.Labels
			var h *histogram.Histogram
			_, _, h, _ = p.Histogram()
			p.Labels(&l)
			if l.Get(nameLabel) == prefix+"exporter_api_request_duration_seconds" {
				counts[l.Get("operation")] += h.Count
			}
		})
		for _, operation := range []string{"ListDesktops", "ShowDesktopNetworks"} {
			if counts[operation] < projects {
				t.Errorf("%d calls of %s in the histograms, want at least one for each project", counts[operation], operation)
			}
		}
	})
}

// stableSamples leaves out what may change between two requests.
func stableSamples(all []sample) []sample {
	var kept []sample
	for _, s := range all {
		if !skipped(s.labels.Get(nameLabel)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// metadata returns type and help of each family.
func metadata(t *testing.T, a answer) map[string]string {
	t.Helper()
	all := map[string]string{}
	each(t, a, func(p textparse.Parser, entry textparse.Entry) {
		switch entry {
		case textparse.EntryHelp:
			name, help := p.Help()
			all[string(name)] = string(help) + all[string(name)]
		case textparse.EntryType:
			name, kind := p.Type()
			all[string(name)] += " (" + string(kind) + ")"
		}
	})
	return all
}
