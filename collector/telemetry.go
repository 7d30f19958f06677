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

// Telemetry is the metrics of the exporter itself. There is one in a process, for
// all configurations. Its methods are safe for concurrent use.
type Telemetry struct {
	registry                *prometheus.Registry
	apiRequests             *prometheus.CounterVec
	apiDuration             *prometheus.HistogramVec
	apiRetries              *prometheus.CounterVec
	apiThrottleWait         *prometheus.CounterVec
	objectsDropped          *prometheus.CounterVec
	labelsSanitized         prometheus.Counter
	tlsVerificationDisabled *prometheus.GaugeVec
	webhookSent             prometheus.Counter
	webhookFailures         prometheus.Counter
	webhookDropped          *prometheus.CounterVec
	webhookQueue            prometheus.Gauge
	reloadSuccessful        prometheus.Gauge
	reloadTime              prometheus.Gauge
	saveSuccessful          *prometheus.GaugeVec // no series without a state file
	saveTime                *prometheus.GaugeVec
}

// NewTelemetry returns a Telemetry with its own registry, which also contains the
// metrics of the Go runtime and of the process. The counter of dropped webhook
// events starts at zero for the given reasons.
func NewTelemetry(webhookDropReasons ...string) *Telemetry {
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
		registry:    prometheus.NewRegistry(),
		apiRequests: counters(apiRequests),
		apiDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: rows[apiDuration].Name,
			Help: rows[apiDuration].Help,
			// A refresh may wait two minutes; a response usually takes 50 ms to 2 s.
			Buckets:                         []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, rows[apiDuration].Labels),
		apiRetries:              counters(apiRetries),
		apiThrottleWait:         counters(apiThrottleWait),
		objectsDropped:          counters(objectsDropped),
		labelsSanitized:         prometheus.NewCounter(prometheus.CounterOpts(opts(labelsSanitized))),
		tlsVerificationDisabled: gauges(tlsVerificationDisabled),
		webhookSent:             prometheus.NewCounter(prometheus.CounterOpts(opts(webhookSent))),
		webhookFailures:         prometheus.NewCounter(prometheus.CounterOpts(opts(webhookFailures))),
		webhookDropped:          counters(webhookDropped),
		webhookQueue:            prometheus.NewGauge(prometheus.GaugeOpts(opts(webhookQueue))),
		reloadSuccessful:        prometheus.NewGauge(prometheus.GaugeOpts(opts(reloadSuccessful))),
		reloadTime:              prometheus.NewGauge(prometheus.GaugeOpts(opts(reloadTime))),
		saveSuccessful:          gauges(saveSuccessful),
		saveTime:                gauges(saveTime),
	}
	for _, reason := range webhookDropReasons {
		t.webhookDropped.WithLabelValues(reason)
	}
	build := gauges(buildInfo)
	build.WithLabelValues(version.Version, version.GetRevision(), version.Branch,
		version.GoVersion, version.GoOS, version.GoArch, version.GetTags()).Set(1)
	t.registry.MustRegister(
		build, t.apiRequests, t.apiDuration, t.apiRetries, t.apiThrottleWait, t.objectsDropped, t.labelsSanitized,
		t.tlsVerificationDisabled, t.webhookSent, t.webhookFailures, t.webhookDropped, t.webhookQueue, t.reloadSuccessful, t.reloadTime, t.saveSuccessful, t.saveTime,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return t
}

// Gatherer returns the gatherer of all metrics of the exporter.
func (t *Telemetry) Gatherer() prometheus.Gatherer { return t.registry }

// Request counts a request of the cloud API. The code is the HTTP status code, or
// "error" without a response.
func (t *Telemetry) Request(region, operation, code string, took time.Duration) {
	t.apiRequests.WithLabelValues(region, operation, code).Inc()
	t.apiDuration.WithLabelValues(region, operation).Observe(took.Seconds())
}

// Retry counts a retry of a request.
func (t *Telemetry) Retry(region, operation string) {
	t.apiRetries.WithLabelValues(region, operation).Inc()
}

// ThrottleWait adds the time that a request waited for quota.
func (t *Telemetry) ThrottleWait(region, operation string, waited time.Duration) {
	t.apiThrottleWait.WithLabelValues(region, operation).Add(max(waited, 0).Seconds())
}

// Dropped counts objects that were dropped.
func (t *Telemetry) Dropped(reason string, n int) {
	t.objectsDropped.WithLabelValues(reason).Add(float64(max(n, 0)))
}

// Sanitized counts strings that were not valid UTF-8.
func (t *Telemetry) Sanitized(n int) { t.labelsSanitized.Add(float64(max(n, 0))) }

// EventSent counts a change that was delivered to the webhook receiver.
func (t *Telemetry) EventSent() { t.webhookSent.Inc() }

// EventFailed counts a failed attempt to deliver a change.
func (t *Telemetry) EventFailed() { t.webhookFailures.Inc() }

// EventsDropped counts changes that were dropped without delivery.
func (t *Telemetry) EventsDropped(reason string, n int) {
	t.webhookDropped.WithLabelValues(reason).Add(float64(max(n, 0)))
}

// EventsWaiting sets the number of changes that wait for delivery.
func (t *Telemetry) EventsWaiting(n int) { t.webhookQueue.Set(float64(n)) }

// TLSVerificationDisabled sets the names of the projects, accounts and webhook
// without verification of TLS certificates.
func (t *Telemetry) TLSVerificationDisabled(names []string) {
	t.tlsVerificationDisabled.Reset()
	for _, name := range names {
		t.tlsVerificationDisabled.WithLabelValues(name).Set(1)
	}
}

// StateSaved records whether the state file was written.
func (t *Telemetry) StateSaved(ok bool, at time.Time) {
	if !ok {
		t.saveSuccessful.WithLabelValues().Set(0)
		return
	}
	t.saveSuccessful.WithLabelValues().Set(1)
	t.saveTime.WithLabelValues().Set(float64(at.UnixMilli()) / 1e3)
}

// ConfigReloaded records whether the configuration was loaded.
func (t *Telemetry) ConfigReloaded(ok bool, at time.Time) {
	if !ok {
		t.reloadSuccessful.Set(0)
		return
	}
	t.reloadSuccessful.Set(1)
	t.reloadTime.Set(float64(at.UnixMilli()) / 1e3)
}
