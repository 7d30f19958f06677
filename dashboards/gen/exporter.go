// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// exporter returns the dashboard of the exporter's health, API usage and
// resources.
func exporter() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidExporter, title: "Huawei Cloud Workspace / Exporter", from: "now-6h",
		description: "Operation of the exporter: refreshes, data age, API requests, latency, quota, dropped objects, webhook, and resource usage.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasources(), regions(), projects(),
			queryVariable{
				name: "instance", label: "Exporter", description: "Exporters by their instance label.",
				query: `query_result(group by (instance) (huaweicloud_workspace_exporter_build_info))`,
				regex: `/instance="(?<value>[^"]+)"/`,
			}.build(),
		},
		rows: []row{
			{"Health", exporterHealth()},
			{"Refreshes", exporterRefreshes()},
			{"Cloud API", exporterAPI()},
			{"API data", exporterObjects()},
			{"Webhook", exporterWebhook()},
			{"Exporter process", exporterSelf()},
		},
	}.build()
}

const (
	selectInstances = `instance=~"$instance"`
	selectAPI       = `region=~"$region", ` + selectInstances
	exporterPrefix  = "huaweicloud_workspace_exporter_"
	projectLegend   = "{{project}} ({{region}})"
	failedCall      = `code!~"2.."`

	// isExporter restricts metrics of Go and the process to exporters.
	isExporter = ` and on (job, instance) ` + exporterPrefix + `build_info`
)

func exporterHealth() []panel {
	return []panel{
		statPanel(panel{
			title: "Exporters", unit: "none", width: 3, height: 4,
			description: "Exporters that Prometheus scrapes successfully.",
			queries:     []query{{expr: `count(` + exporterPrefix + `build_info{` + selectInstances + `}) or vector(0)`}},
			thresholds:  []dashboard.Threshold{baseThreshold("red"), threshold(1, "green")},
		}),
		failingProjects(),
		oldestData(),
		statPanel(panel{
			title: "Last success", unit: "s", width: 3, height: 4,
			description: "Time since the last successful refresh, of the project with the longest time.",
			queries:     []query{{expr: `time() - min(` + latestOfProject("refresh_last_success_timestamp_seconds") + `)`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(900, "orange"), threshold(3600, "red")},
			noValue:     "never",
		}),
		statPanel(panel{
			title: "Failed requests", unit: "percentunit", width: 3, height: 4,
			description: "Share of API requests that failed within the time range.",
			queries:     []query{{expr: `(sum(rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `, ` + failedCall + `}[$__range])) or vector(0)) / sum(rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__range]))`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(0.01, "orange"), threshold(0.1, "red")},
			noValue:     "no requests",
		}),
		statPanel(panel{
			title: "Configuration", unit: "none", width: 3, height: 4,
			description: "Whether the last configuration reload succeeded on all exporters. If it failed, the previous configuration is still in use.",
			queries:     []query{{expr: `min(` + exporterPrefix + `config_last_reload_successful{` + selectInstances + `})`}},
			mappings:    []dashboard.ValueMapping{valueMapping("0", "failed", "red"), valueMapping("1", "loaded", "green")},
			thresholds:  []dashboard.Threshold{baseThreshold("red"), threshold(1, "green")},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "TLS not verified", unit: "none", width: 3, height: 4,
			description: "Projects with TLS certificate verification disabled.",
			queries:     []query{{expr: `count(group by (project) (` + exporterPrefix + `tls_verification_disabled{` + selectInstances + `})) or vector(0)`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(1, "red")},
		}),
		labelStat("version", "none", panel{
			title: "Version", width: 3, height: 4,
			description: "Versions of the exporters.",
			queries:     []query{{expr: `count by (version) (` + exporterPrefix + `build_info{` + selectInstances + `})`}},
		}),
	}
}

func exporterRefreshes() []panel {
	return []panel{
		timeSeriesPanel(panel{
			title: "Refresh duration", unit: "s", width: 8, height: 7,
			description: "Duration of the last refresh of each project. It grows when the API is slow or the quota is short.",
			queries:     []query{{expr: withProject(latestOfProject("refresh_duration_seconds")), legend: projectLegend, overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Data age", unit: "s", width: 8, height: 7,
			description: "Age of the oldest data of each project. A line that keeps rising: the quota is too low, or the API does not respond.",
			queries:     []query{{expr: withProject("time() - " + latestOfProject("oldest_data_timestamp_seconds")), legend: projectLegend, overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Unresolved and stale desktops", unit: "none", width: 8, height: 7,
			description: "Desktops without network data, and desktops with stale network data because reading it failed.",
			queries: []query{
				{expr: withProject(latestOfProject("desktops_unresolved")), legend: "unresolved: " + projectLegend, overTime: true},
				{expr: withProject(latestOfProject("desktops_stale")), legend: "stale: " + projectLegend, overTime: true},
			},
		}),
	}
}

func exporterAPI() []panel {
	quantile := func(q, name string) query {
		const buckets = exporterPrefix + "api_request_duration_seconds"
		return query{
			// Native histograms where Prometheus keeps them, classic ones elsewhere. An
			// operation that was not called has no latency but NaN, which would leave the
			// graph without an axis.
			expr: `(histogram_quantile(` + q + `, sum by (region, operation) (rate(` + buckets + `{` + selectAPI + `}[$__rate_interval])))` +
				` or histogram_quantile(` + q + `, sum by (region, operation, le) (rate(` + buckets + `_bucket{` + selectAPI + `}[$__rate_interval])))) >= 0`,
			legend: name + " {{operation}} ({{region}})", overTime: true,
		}
	}
	return []panel{
		stackedPanel(panel{
			title: "Requests per second by operation", unit: "reqps", width: 12, height: 8,
			description: "API requests by operation, with the SDK's names.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		stackedPanel(panel{
			title: "Requests per second by status", unit: "reqps", width: 12, height: 8,
			description: "API requests by HTTP status; error: no response. 429: throttled. 401 and 403: the access key or its permissions.",
			queries:     []query{{expr: `sum by (code) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{code}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Request latency", unit: "s", width: 12, height: 8,
			description: "Duration of single API requests, without retries: median and 99th percentile.",
			queries:     []query{quantile("0.99", "p99"), quantile("0.5", "p50")},
		}),
		timeSeriesPanel(panel{
			title: "API quota usage", unit: "none", width: 12, height: 8,
			description: "Requests per minute of each operation. The exporter stays within limits.requests_per_minute, 180 by default; the documented quota is 200 for each user and API.",
			thresholds:  []dashboard.Threshold{baseThreshold("transparent"), threshold(180, "orange"), threshold(200, "red")},
			queries:     []query{{expr: `60 * sum by (region, operation) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Time waiting for quota", unit: "s", width: 12, height: 7,
			description: "Seconds per second that requests waited for quota. Above 1, more than one request waits at a time, and the data gets older.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_throttle_wait_seconds_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Retries per second", unit: "reqps", width: 12, height: 7, noValue: "none",
			description: "Requests repeated after a failure.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_retries_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
	}
}

func exporterObjects() []panel {
	return []panel{
		timeSeriesPanel(panel{
			title: "Dropped objects", unit: "none", width: 12, height: 7, noValue: "none",
			description: "Objects of API responses that were dropped, by reason, in each interval.",
			queries:     []query{{expr: `sum by (reason) (increase(` + exporterPrefix + `objects_dropped_total{` + selectInstances + `}[$__rate_interval]))`, legend: "{{reason}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Invalid UTF-8 replaced", unit: "none", width: 12, height: 7,
			description: "Strings of API responses with invalid UTF-8, in each interval.",
			queries:     []query{{expr: `sum(increase(` + exporterPrefix + `labels_sanitized_total{` + selectInstances + `}[$__rate_interval]))`, legend: "replaced", overTime: true}},
		}),
	}
}

func exporterWebhook() []panel {
	webhookIncrease := func(metric string) string {
		return `(increase(` + exporterPrefix + `changes_webhook_` + metric + `{` + selectInstances + `}[$__rate_interval]))`
	}
	return []panel{
		timeSeriesPanel(panel{
			title: "Delivered changes", unit: "none", width: 12, height: 7,
			description: "Delivered changes, failed delivery attempts, and dropped changes by reason, in each interval.",
			queries: []query{
				{expr: `sum` + webhookIncrease("sent_total"), legend: "sent", overTime: true},
				{expr: `sum` + webhookIncrease("failures_total"), legend: "failed attempts", overTime: true},
				{expr: `sum by (reason) ` + webhookIncrease("dropped_total"), legend: "dropped: {{reason}}", overTime: true},
			},
		}),
		timeSeriesPanel(panel{
			title: "Queued changes", unit: "none", width: 12, height: 7,
			description: "Changes waiting for delivery. If the queue is full, the oldest are dropped.",
			queries:     []query{{expr: exporterPrefix + `changes_webhook_queue_length{` + selectInstances + `}`, legend: "{{instance}}", overTime: true}},
		}),
	}
}

func exporterSelf() []panel {
	return []panel{
		timeSeriesPanel(panel{
			title: "CPU", unit: "percentunit", width: 6, height: 7,
			description: "CPU usage; 100 % is one core.",
			queries:     []query{{expr: `rate(process_cpu_seconds_total{` + selectInstances + `}[$__rate_interval])` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Memory", unit: "bytes", width: 6, height: 7,
			description: "Resident memory, and the Go heap in use.",
			queries: []query{
				{expr: `process_resident_memory_bytes{` + selectInstances + `}` + isExporter, legend: "resident: {{instance}}", overTime: true},
				{expr: `go_memstats_heap_inuse_bytes{` + selectInstances + `}` + isExporter, legend: "heap: {{instance}}", overTime: true},
			},
		}),
		timeSeriesPanel(panel{
			title: "Scrape duration", unit: "s", width: 6, height: 7,
			description: "Duration of Prometheus' scrapes. A scrape waits for the refresh, at most until its timeout.",
			queries:     []query{{expr: `scrape_duration_seconds{` + selectInstances + `}` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Samples per scrape", unit: "none", width: 6, height: 7,
			description: "Samples per scrape of the exporter.",
			queries:     []query{{expr: `scrape_samples_scraped{` + selectInstances + `}` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
	}
}
