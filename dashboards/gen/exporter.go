// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// exporter answers: does the exporter work, is its data fresh, does the cloud
// answer, is the quota enough, and what does it take?
func exporter() (dashboard.Dashboard, error) {
	return dashboardSpec{
		uid: uidExporter, title: "Huawei Cloud Workspace / Exporter", from: "now-6h",
		description: "How the exporter reads the cloud: refreshes, age of the data, API calls, latency, quota, what was dropped, and what the exporter takes itself.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasources(), regions(), projects(),
			queryVariable{
				name: "instance", label: "Exporter", description: "Exporters, by their instance label.",
				query: `query_result(group by (instance) (huaweicloud_workspace_exporter_build_info))`,
				regex: `/instance="(?<value>[^"]+)"/`,
			}.build(),
		},
		rows: []row{
			{"Health", exporterHealth()},
			{"Refreshes", exporterRefreshes()},
			{"The cloud's API", exporterAPI()},
			{"What came in", exporterObjects()},
			{"Changes to the webhook", exporterWebhook()},
			{"The exporter itself", exporterSelf()},
		},
	}.build()
}

const (
	selectInstances = `instance=~"$instance"`
	selectAPI       = `region=~"$region", ` + selectInstances
	exporterPrefix  = "huaweicloud_workspace_exporter_"
	projectLegend   = "{{project}} ({{region}})"
	failedCall      = `code!~"2.."`

	// isExporter keeps what Go and the process say of exporters alone.
	isExporter = ` and on (job, instance) ` + exporterPrefix + `build_info`
)

func exporterHealth() []panel {
	return []panel{
		statPanel(panel{
			title: "Exporters", unit: "none", width: 3, height: 4,
			description: "Exporters that Prometheus scrapes with success.",
			queries:     []query{{expr: `count(` + exporterPrefix + `build_info{` + selectInstances + `}) or vector(0)`}},
			thresholds:  []dashboard.Threshold{baseThreshold("red"), threshold(1, "green")},
		}),
		failingProjects(),
		oldestData(),
		statPanel(panel{
			title: "Last success", unit: "s", width: 3, height: 4,
			description: "How long ago the last refresh without a failure ended, in the project where that is longest ago.",
			queries:     []query{{expr: `time() - min(` + latestOfProject("refresh_last_success_timestamp_seconds") + `)`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(900, "orange"), threshold(3600, "red")},
			noValue:     "never",
		}),
		statPanel(panel{
			title: "Failed calls", unit: "percentunit", width: 3, height: 4,
			description: "Share of the calls of the cloud API that failed, over the time shown.",
			queries:     []query{{expr: `(sum(rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `, ` + failedCall + `}[$__range])) or vector(0)) / sum(rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__range]))`}},
			thresholds:  []dashboard.Threshold{baseThreshold("green"), threshold(0.01, "orange"), threshold(0.1, "red")},
			noValue:     "no calls",
		}),
		statPanel(panel{
			title: "Configuration", unit: "none", width: 3, height: 4,
			description: "Whether the last attempt to load the configuration succeeded everywhere. If not, the one before stays in force.",
			queries:     []query{{expr: `min(` + exporterPrefix + `config_last_reload_successful{` + selectInstances + `})`}},
			mappings:    []dashboard.ValueMapping{valueMapping("0", "refused", "red"), valueMapping("1", "loaded", "green")},
			thresholds:  []dashboard.Threshold{baseThreshold("red"), threshold(1, "green")},
			noValue:     "unknown",
		}),
		statPanel(panel{
			title: "TLS not verified", unit: "none", width: 3, height: 4,
			description: "Projects whose configuration switches the verification of TLS certificates off.",
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
			title: "How long refreshes take", unit: "s", width: 8, height: 7,
			description: "Duration of the last refresh of each project. It grows when the cloud is slow or the quota is short.",
			queries:     []query{{expr: withProject(latestOfProject("refresh_duration_seconds")), legend: projectLegend, overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Age of the data", unit: "s", width: 8, height: 7,
			description: "How old the oldest data of each project was. A line that climbs for good: the quota does not suffice, or the cloud does not answer.",
			queries:     []query{{expr: withProject("time() - " + latestOfProject("oldest_data_timestamp_seconds")), legend: projectLegend, overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Unresolved and stale desktops", unit: "none", width: 8, height: 7,
			description: "Desktops whose networks are not known, and those whose networks are held since reading them failed.",
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
			title: "Calls a second, by operation", unit: "reqps", width: 12, height: 8,
			description: "Calls of the cloud API by the SDK's name of the call.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		stackedPanel(panel{
			title: "Calls a second, by answer", unit: "reqps", width: 12, height: 8,
			description: "Calls of the cloud API by HTTP status; error means that no answer came. 429: throttled by the cloud. 401 and 403: the key or its permissions.",
			queries:     []query{{expr: `sum by (code) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{code}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Latency", unit: "s", width: 12, height: 8,
			description: "How long calls took, retries apart: the median, and what 99 of 100 calls stayed below.",
			queries:     []query{quantile("0.99", "p99"), quantile("0.5", "p50")},
		}),
		timeSeriesPanel(panel{
			title: "Calls a minute against the quota", unit: "none", width: 12, height: 8,
			description: "Calls of each operation in a minute. The exporter keeps to limits.requests_per_minute, 180 unless configured; the documented quota is 200 a user and API.",
			thresholds:  []dashboard.Threshold{baseThreshold("transparent"), threshold(180, "orange"), threshold(200, "red")},
			queries:     []query{{expr: `60 * sum by (region, operation) (rate(` + exporterPrefix + `api_requests_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Waiting for quota", unit: "s", width: 12, height: 7,
			description: "Seconds that calls waited for quota, in each second. Above 1, more calls wait than one at a time: the data gets older.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_throttle_wait_seconds_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Retries a second", unit: "reqps", width: 12, height: 7, noValue: "none",
			description: "Calls that were made again after a failure.",
			queries:     []query{{expr: `sum by (region, operation) (rate(` + exporterPrefix + `api_retries_total{` + selectAPI + `}[$__rate_interval]))`, legend: "{{operation}} ({{region}})", overTime: true}},
		}),
	}
}

func exporterObjects() []panel {
	return []panel{
		timeSeriesPanel(panel{
			title: "Objects dropped", unit: "none", width: 12, height: 7, noValue: "none",
			description: "Objects of the cloud's answers that were left out, by reason, in each step of the graph.",
			queries:     []query{{expr: `sum by (reason) (increase(` + exporterPrefix + `objects_dropped_total{` + selectInstances + `}[$__rate_interval]))`, legend: "{{reason}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Texts cleaned", unit: "none", width: 12, height: 7,
			description: "Texts of the cloud's answers that were no valid UTF-8, in each step of the graph.",
			queries:     []query{{expr: `sum(increase(` + exporterPrefix + `labels_sanitized_total{` + selectInstances + `}[$__rate_interval]))`, legend: "cleaned", overTime: true}},
		}),
	}
}

func exporterWebhook() []panel {
	told := func(metric string) string {
		return `(increase(` + exporterPrefix + `changes_webhook_` + metric + `{` + selectInstances + `}[$__rate_interval]))`
	}
	return []panel{
		timeSeriesPanel(panel{
			title: "Changes sent", unit: "none", width: 12, height: 7,
			description: "Changes that the receiver of the webhook has taken, tries that failed, and changes that it will never get, by reason, in each step of the graph.",
			queries: []query{
				{expr: `sum` + told("sent_total"), legend: "sent", overTime: true},
				{expr: `sum` + told("failures_total"), legend: "failed tries", overTime: true},
				{expr: `sum by (reason) ` + told("dropped_total"), legend: "dropped: {{reason}}", overTime: true},
			},
		}),
		timeSeriesPanel(panel{
			title: "Changes that wait", unit: "none", width: 12, height: 7,
			description: "Changes that wait for the receiver of the webhook. When too many wait, the oldest are dropped.",
			queries:     []query{{expr: exporterPrefix + `changes_webhook_queue_length{` + selectInstances + `}`, legend: "{{instance}}", overTime: true}},
		}),
	}
}

func exporterSelf() []panel {
	return []panel{
		timeSeriesPanel(panel{
			title: "CPU", unit: "percentunit", width: 6, height: 7,
			description: "CPU time in each second; 100 % is one core.",
			queries:     []query{{expr: `rate(process_cpu_seconds_total{` + selectInstances + `}[$__rate_interval])` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Memory", unit: "bytes", width: 6, height: 7,
			description: "Resident memory, and the part of it that is the Go heap in use.",
			queries: []query{
				{expr: `process_resident_memory_bytes{` + selectInstances + `}` + isExporter, legend: "resident: {{instance}}", overTime: true},
				{expr: `go_memstats_heap_inuse_bytes{` + selectInstances + `}` + isExporter, legend: "heap: {{instance}}", overTime: true},
			},
		}),
		timeSeriesPanel(panel{
			title: "Scrape duration", unit: "s", width: 6, height: 7,
			description: "How long Prometheus' scrapes of the exporter took. A scrape waits for the cloud, up to its timeout.",
			queries:     []query{{expr: `scrape_duration_seconds{` + selectInstances + `}` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
		timeSeriesPanel(panel{
			title: "Series a scrape", unit: "none", width: 6, height: 7,
			description: "Samples in each scrape of the exporter.",
			queries:     []query{{expr: `scrape_samples_scraped{` + selectInstances + `}` + isExporter, legend: "{{instance}}", overTime: true}},
		}),
	}
}
