// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/test/grafana"
)

// TestDashboardsShowDuplicateAddress runs the queries that have no result in the demo: which
// desktops have one address, as the exporter finds it.
func TestDashboardsShowDuplicateAddress(t *testing.T) {
	cloud, yaml := startCloud(t, 4)
	desktops := cloud.Desktops(projectID)
	twice := desktops[0].Interfaces[0].PrivateIP
	cloud.UpdateDesktop(projectID, desktops[1].ID, func(d *simulator.Desktop) {
		d.IP, d.Interfaces[0].PrivateIP = twice, twice
		d.Interfaces[0].VPC, d.Interfaces[0].Subnet = desktops[0].Interfaces[0].VPC, desktops[0].Interfaces[0].Subnet
	})
	x := exporterWithConfig(t, yaml)
	prometheus := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ['%s']}]}]
`, strings.TrimPrefix(x.url, "http://")))
	prometheus.await(t, waitTimeout, prefix+`finding_info`, func(all []sample) bool { return len(all) == 1 })
	for _, d := range dashboards(t) {
		scope := grafana.DefaultScope(d, recentScope(time.Minute, time.Second).Span)
		for _, p := range d.Panels {
			var got []string
			for _, q := range p.Targets {
				if strings.Contains(q.Expr, "address_used_twice") {
					r, err := grafana.Run(t.Context(), grafana.Prometheus(prometheus.url), q, scope)
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range r.Result {
						got = append(got, fmt.Sprint(s.Metric["desktop_name"], s.Metric["private_ip"], s.Value[1]))
					}
				}
			}
			var want []string
			switch p.Title {
			case "Duplicate private addresses":
				want = []string{"1"}
			case "Duplicate private addresses in a VPC":
				want = []string{desktops[0].Name + twice + "1", desktops[1].Name + twice + "1"}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", p.Title, got, want)
			}
		}
	}
}
