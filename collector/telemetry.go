// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/version"
)

// Names of the exporter's own metrics, without prefix.
const (
	buildInfo               = "build_info"
	apiRequests             = "api_requests_total"
	apiDuration             = "api_request_duration_seconds"
	apiRetries              = "api_retries_total"
	apiThrottleWait         = "api_throttle_wait_seconds_total"
	objectsDropped          = "objects_dropped_total"
	labelsSanitized         = "labels_sanitized_total"
	tlsVerificationDisabled = "tls_verification_disabled"
	webhookSent             = "changes_webhook_sent_total"
	webhookFailures         = "changes_webhook_failures_total"
	webhookDropped          = "changes_webhook_dropped_total"
	webhookQueue            = "changes_webhook_queue_length"
	reloadSuccessful        = "config_last_reload_successful"
	reloadTime              = "config_last_reload_success_timestamp_seconds"
	saveSuccessful          = "state_last_save_successful"
	saveTime                = "state_last_save_success_timestamp_seconds"
)

// Telemetry holds the exporter's own metrics. It is made once and survives
// reloads. Its methods may be called from many goroutines.
type Telemetry struct {
	registry     *prometheus.Registry
	requests     *prometheus.CounterVec
	durations    *prometheus.HistogramVec
	retries      *prometheus.CounterVec
	waits        *prometheus.CounterVec
	dropped      *prometheus.CounterVec
	sanitized    prometheus.Counter
	unverified   *prometheus.GaugeVec
	sent         prometheus.Counter
	failed       prometheus.Counter
	lost         *prometheus.CounterVec
	waiting      prometheus.Gauge
	reloaded     prometheus.Gauge
	lastReloaded prometheus.Gauge
	saved        *prometheus.GaugeVec // no series without a state file
	lastSaved    *prometheus.GaugeVec
}

// NewTelemetry gives a Telemetry with a registry of its own, in which are also
// the metrics of the Go runtime and of the process.
func NewTelemetry() *Telemetry {
	rows := make(map[string]Metric)
	for _, m := range exporterMetrics() {
		rows[strings.TrimPrefix(m.Name, exporterPrefix)] = m
	}
	opts := func(name string) prometheus.Opts {
		return prometheus.Opts{Name: rows[name].Name, Help: rows[name].Help}
	}
	counters := func(name string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name)), rows[name].Labels)
	}
	gauges := func(name string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(name)), rows[name].Labels)
	}
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		requests: counters(apiRequests),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: rows[apiDuration].Name,
			Help: rows[apiDuration].Help,
			// A refresh may wait two minutes; a good answer takes 50 ms to 2 s.
			Buckets:                         []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, rows[apiDuration].Labels),
		retries:      counters(apiRetries),
		waits:        counters(apiThrottleWait),
		dropped:      counters(objectsDropped),
		sanitized:    prometheus.NewCounter(prometheus.CounterOpts(opts(labelsSanitized))),
		unverified:   gauges(tlsVerificationDisabled),
		sent:         prometheus.NewCounter(prometheus.CounterOpts(opts(webhookSent))),
		failed:       prometheus.NewCounter(prometheus.CounterOpts(opts(webhookFailures))),
		lost:         counters(webhookDropped),
		waiting:      prometheus.NewGauge(prometheus.GaugeOpts(opts(webhookQueue))),
		reloaded:     prometheus.NewGauge(prometheus.GaugeOpts(opts(reloadSuccessful))),
		lastReloaded: prometheus.NewGauge(prometheus.GaugeOpts(opts(reloadTime))),
		saved:        gauges(saveSuccessful),
		lastSaved:    gauges(saveTime),
	}
	for _, reason := range []string{"no_receiver", "queue_full", "refused"} {
		t.lost.WithLabelValues(reason)
	}
	build := gauges(buildInfo)
	build.WithLabelValues(version.Version, version.GetRevision(), version.Branch,
		version.GoVersion, version.GoOS, version.GoArch, version.GetTags()).Set(1)
	t.registry.MustRegister(
		build, t.requests, t.durations, t.retries, t.waits, t.dropped, t.sanitized,
		t.unverified, t.sent, t.failed, t.lost, t.waiting, t.reloaded, t.lastReloaded, t.saved, t.lastSaved,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return t
}

// Gatherer gives what Telemetry says.
func (t *Telemetry) Gatherer() prometheus.Gatherer { return t.registry }

// Request counts a call of the cloud API. The code is the HTTP status, or
// "error" where no answer came.
func (t *Telemetry) Request(region, operation, code string, took time.Duration) {
	t.requests.WithLabelValues(region, operation, code).Inc()
	t.durations.WithLabelValues(region, operation).Observe(took.Seconds())
}

// Retry counts a call that is made again.
func (t *Telemetry) Retry(region, operation string) {
	t.retries.WithLabelValues(region, operation).Inc()
}

// ThrottleWait adds up how long calls waited for quota.
func (t *Telemetry) ThrottleWait(region, operation string, waited time.Duration) {
	t.waits.WithLabelValues(region, operation).Add(max(waited, 0).Seconds())
}

// Dropped counts objects that were left out.
func (t *Telemetry) Dropped(reason string, n int) {
	t.dropped.WithLabelValues(reason).Add(float64(max(n, 0)))
}

// Sanitized counts texts that had to be made valid UTF-8.
func (t *Telemetry) Sanitized(n int) { t.sanitized.Add(float64(max(n, 0))) }

// EventSent counts a change that the webhook's receiver has taken.
func (t *Telemetry) EventSent() { t.sent.Inc() }

// EventFailed counts a try to send a change that failed.
func (t *Telemetry) EventFailed() { t.failed.Inc() }

// EventsDropped counts changes that the webhook's receiver will never get.
func (t *Telemetry) EventsDropped(reason string, n int) {
	t.lost.WithLabelValues(reason).Add(float64(max(n, 0)))
}

// EventsWaiting says how many changes wait for the webhook's receiver.
func (t *Telemetry) EventsWaiting(n int) { t.waiting.Set(float64(n)) }

// Unverified names who does without the verification of TLS certificates, in
// place of those named before.
func (t *Telemetry) Unverified(names []string) {
	t.unverified.Reset()
	for _, p := range names {
		t.unverified.WithLabelValues(p).Set(1)
	}
}

// StateSaved notes how writing the state file went.
func (t *Telemetry) StateSaved(ok bool, at time.Time) {
	if !ok {
		t.saved.WithLabelValues().Set(0)
		return
	}
	t.saved.WithLabelValues().Set(1)
	t.lastSaved.WithLabelValues().Set(float64(at.UnixMilli()) / 1e3)
}

// Reloaded notes how loading the configuration went.
func (t *Telemetry) Reloaded(ok bool, at time.Time) {
	if !ok {
		t.reloaded.Set(0)
		return
	}
	t.reloaded.Set(1)
	t.lastReloaded.Set(float64(at.UnixMilli()) / 1e3)
}
