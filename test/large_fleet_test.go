// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestPrometheusScrapesLargeFleet has a real Prometheus scrape 100,000 desktops
// within its default timeout and counts what has arrived. Before, EIPs are
// unbound, which must show in the scrape after next.
func TestPrometheusScrapesLargeFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and some gigabytes")
	}
	const desktops = 100_000
	// The quota of the real cloud would make the first read take six minutes. This
	// one lets it run through, and then keeps the exporter as short as that one.
	cloud, yaml := startCloud(t, desktops, "limits: {requests_per_minute: 1400}")
	// Where the machine is busy, half a second is too little to send 30 MB.
	x := exporterWithConfig(t, yaml, "--web.scrape-timeout-offset=4s")
	start := time.Now()
	x.eventually(t, 2*time.Minute, "all desktops read", func() bool {
		page := x.get(t, "/probe?target=office", "X-Prometheus-Scrape-Timeout-Seconds", "60")
		return unresolved.FindStringSubmatch(page.body)[1] == "0"
	})
	filled := time.Since(start)

	unbound := 0
	for _, d := range simulator.GenerateDesktops(1000, 1) { // the fleet begins with these
		if d.Interfaces[0].EIP != nil {
			unbound++
			cloud.UpdateDesktop(projectID, d.ID, func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
		}
	}
	want := map[string]float64{
		`up`:                       1,
		`huaweicloud_workspace_up`: 1,
		`huaweicloud_workspace_desktops_unresolved`:               0,
		`count(huaweicloud_workspace_desktop_info)`:               desktops,
		`count(huaweicloud_workspace_desktop_eips)`:               desktops,
		`count(huaweicloud_workspace_desktop_network_interfaces)`: desktops,
		`count(huaweicloud_workspace_desktop_security_groups)`:    desktops,
		`count(huaweicloud_workspace_desktop_status)`:             desktops,
	}
	for _, d := range cloud.Desktops(projectID) {
		for _, n := range d.Interfaces {
			want[`count(huaweicloud_workspace_desktop_network_info)`]++
			want[`sum(huaweicloud_workspace_subnet_network_interfaces)`]++
			want[`count(huaweicloud_workspace_desktop_security_group_info)`] += float64(len(n.Groups))
			if n.EIP != nil {
				want[`sum(huaweicloud_workspace_desktop_eips)`]++
			}
		}
	}

	x.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "10")
	second := x.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "10")
	if got := len(hasEIP.FindAllStringIndex(second.body, -1)); float64(got) != want[`sum(huaweicloud_workspace_desktop_eips)`] {
		t.Errorf("%d desktops have an EIP in the scrape after next, want %g", got, want[`sum(huaweicloud_workspace_desktop_eips)`])
	}

	prometheus := startPrometheus(t, fmt.Sprintf(`
scrape_configs:
  - job_name: huaweicloud_workspace
    scrape_interval: 12s # a short one, for the test; the timeout is Prometheus' own
    scrape_timeout: 10s
    static_configs: [{targets: ["%s"]}]
`, x.url[len("http://"):]))
	// On a busy machine the first scrape, for which all is said and compressed for
	// the first time, may come too late; the next one must not.
	prometheus.await(t, 5*time.Minute, `sum_over_time(up[10m])`, func(all []sample) bool { return len(all) == 1 && all[0].value >= 1 })
	now := time.Now()
	ask := func(expression string) float64 {
		t.Helper()
		all := prometheus.query(t, expression, now)
		if len(all) != 1 {
			t.Fatalf("%s: %v, want one value", expression, texts(all))
		}
		return all[0].value
	}
	for expression, value := range want {
		if got := ask(expression); got != value {
			t.Errorf("%s is %g, want %g", expression, got, value)
		}
	}
	t.Logf("%d desktops: read for the first time in %s; %d EIPs unbound; %g samples a scrape, the slowest of %g took %.2f s, storing them included, and %g came too late; "+
		"the exporter took %.0f MB and %.1f s of CPU; %d API calls",
		desktops, filled.Round(100*time.Millisecond), unbound, ask("scrape_samples_scraped"), ask("count_over_time(up[10m])"),
		ask(`max_over_time(scrape_duration_seconds[10m])`), ask(`count_over_time(up[10m]) - sum_over_time(up[10m])`), ask(`max_over_time(process_resident_memory_bytes[10m])`)/1e6,
		ask("process_cpu_seconds_total"), cloud.CallCount(""))
}

var (
	unresolved = regexp.MustCompile(`(?m)^huaweicloud_workspace_desktops_unresolved\{.*\} (\d+)$`)
	hasEIP     = regexp.MustCompile(`(?m)^huaweicloud_workspace_desktop_eips\{.*\} 1$`)
)
