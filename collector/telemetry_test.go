// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
)

func TestTelemetry(t *testing.T) {
	t.Parallel()
	tel := NewTelemetry("no_receiver", "queue_full", "refused")
	tel.Request("la-north-2", "ListDesktops", "200", 300*time.Millisecond)
	tel.Request("la-north-2", "ListDesktops", "error", 3*time.Minute)
	tel.Retry("la-north-2", "ListDesktops")
	tel.ThrottleWait("la-north-2", "ShowDesktopNetworks", 1500*time.Millisecond)
	tel.ThrottleWait("la-north-2", "ShowDesktopNetworks", -time.Second)
	tel.Dropped("duplicate_desktop", 2)
	tel.Dropped("duplicate_desktop", -1)
	tel.Sanitized(3)
	tel.Sanitized(-3)
	tel.EventSent()
	tel.EventFailed()
	tel.EventsDropped("refused", 2)
	tel.EventsDropped("refused", -2)
	tel.EventsWaiting(7)
	tel.TLSVerificationDisabled([]string{"gone", "lab"})
	tel.TLSVerificationDisabled([]string{"lab"})
	tel.ConfigReloaded(true, time.UnixMilli(1_700_000_000_500))
	tel.ConfigReloaded(false, time.UnixMilli(1_800_000_000_000))
	tel.StateSaved(true, time.UnixMilli(1_600_000_000_500))
	tel.StateSaved(false, time.UnixMilli(1_800_000_000_000))

	body := encode(t, tel.Gatherer())
	var got []string
	for line := range strings.Lines(body) {
		sample, ours := strings.CutPrefix(line, exporterPrefix)
		if ours && !strings.HasPrefix(sample, buildInfo) && !strings.Contains(sample, "_bucket") {
			got = append(got, strings.TrimSpace(sample))
		}
	}
	want := []string{
		`api_request_duration_seconds_sum{operation="ListDesktops",region="la-north-2"} 180.3`,
		`api_request_duration_seconds_count{operation="ListDesktops",region="la-north-2"} 2`,
		`api_requests_total{code="200",operation="ListDesktops",region="la-north-2"} 1`,
		`api_requests_total{code="error",operation="ListDesktops",region="la-north-2"} 1`,
		`api_retries_total{operation="ListDesktops",region="la-north-2"} 1`,
		`api_throttle_wait_seconds_total{operation="ShowDesktopNetworks",region="la-north-2"} 1.5`,
		`changes_webhook_dropped_total{reason="no_receiver"} 0`,
		`changes_webhook_dropped_total{reason="queue_full"} 0`,
		`changes_webhook_dropped_total{reason="refused"} 2`,
		`changes_webhook_failures_total 1`,
		`changes_webhook_queue_length 7`,
		`changes_webhook_sent_total 1`,
		`config_last_reload_success_timestamp_seconds 1.7000000005e+09`,
		`config_last_reload_successful 0`,
		`labels_sanitized_total 3`,
		`objects_dropped_total{reason="duplicate_desktop"} 2`,
		`state_last_save_success_timestamp_seconds 1.6000000005e+09`,
		`state_last_save_successful 0`,
		`tls_verification_disabled{project="lab"} 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, name := range []string{exporterPrefix + buildInfo + "{", "go_goroutines ", "process_cpu_seconds_total "} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestDurationHistogramHasClassicAndNativeBuckets(t *testing.T) {
	t.Parallel()
	tel := NewTelemetry("no_receiver", "queue_full", "refused")
	tel.Request("la-north-2", "ListDesktops", "200", 300*time.Millisecond)
	families, err := tel.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(mf *dto.MetricFamily) bool { return mf.GetName() == exporterPrefix+apiDuration })
	if i < 0 {
		t.Fatal("no histogram")
	}
	h := families[i].Metric[0].Histogram
	if len(h.Bucket) != 12 || len(h.PositiveSpan) != 1 || h.GetSchema() < 3 {
		t.Errorf("%d classic buckets, %d native spans of schema %d", len(h.Bucket), len(h.PositiveSpan), h.GetSchema())
	}
}
