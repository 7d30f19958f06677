// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"math"
	"testing"

	"github.com/klauspost/compress/gzip"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

// FuzzSample compares the formats with expfmt, for any text and value.
func FuzzSample(f *testing.F) {
	f.Add("", "", "", "", 0.0)
	f.Add("Counts.", "la-north-2", "0123456789abcdef", "desktop", 1.0)
	f.Add(`A "help" with \ and`+"\nmore", inventorytest.Hostile, `\`, "\n\"\\", -1.0)
	f.Add("x", "\xb9\xfa", "\x00", "\u2028", math.Inf(1))
	f.Add("x", "r", "p", "v", math.Inf(-1))
	f.Add("x", "r", "p", "v", math.NaN())
	f.Add("x", "r", "p", "v", 1e21)
	f.Add("x", "r", "p", "v", 1_700_000_000.25)
	f.Add("x", "r", "p", "v", 1e-7)
	f.Fuzz(func(t *testing.T, help, region, project, text string, value float64) {
		for _, m := range []collector.Metric{{Name: "a_metric", Type: collector.Gauge}, {Name: "a_count_total", Type: collector.Counter}} {
			m.Help, m.Labels = help, []string{collector.LabelRegion, collector.LabelProjectID, "desktop_id", "zone"}
			family := &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: dto.MetricType_GAUGE.Enum()}
			if m.Type == collector.Counter {
				family.Type = dto.MetricType_COUNTER.Enum()
			}
			for range 2 {
				sample := &dto.Metric{Label: []*dto.LabelPair{
					{Name: new("desktop_id"), Value: &text},
					{Name: new(collector.LabelProjectID), Value: &project},
					{Name: new(collector.LabelRegion), Value: &region},
					{Name: new("zone"), Value: &help},
				}}
				if m.Type == collector.Counter {
					sample.Counter = &dto.Counter{Value: &value}
				} else {
					sample.Gauge = &dto.Gauge{Value: &value}
				}
				family.Metric = append(family.Metric, sample)
			}
			for _, format := range []expfmt.Format{expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtProtoDelim} {
				var want bytes.Buffer
				if err := expfmt.NewEncoder(&want, format).Encode(family); err != nil {
					t.Skip(err)
				}
				fast := fastFormat(format)
				writer := fast.newSampleWriter(&m, inventory.Project{Region: region, ID: project})
				var samples []byte
				for range 2 {
					samples = writer.append(samples, []string{region, project, text, help}, value)
				}
				if got := append(fast.header(&m, len(samples)), samples...); !bytes.Equal(got, want.Bytes()) {
					t.Errorf("%s %s\ngot  %q\nwant %q", format, m.Type, got, want.Bytes())
				}
			}
		}
	})
}

// The gzip reader of klauspost checks a member in another way than compress/gzip.
func TestGzipWithOtherReader(t *testing.T) {
	t.Parallel()
	c := newCompression(gzipName)
	r := &response{compression: c, compressor: c.newCompressor()}
	for range 3 {
		r.append(bytes.Repeat([]byte("a line\n"), 1000))
	}
	var body, got bytes.Buffer
	if err := r.writeTo(&body); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&body)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := got.ReadFrom(z); err != nil || n != 21_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
