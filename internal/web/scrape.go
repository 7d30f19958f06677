// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// ReadFunc returns the newest snapshots, after a refresh if it finishes before ctx
// is done.
type ReadFunc func(ctx context.Context) []*inventory.Snapshot

// scrapeTimeoutHeader is the header with Prometheus' scrape timeout in seconds.
const scrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

const (
	defaultScrapeTimeout = 10 * time.Second // Prometheus' default, for requests without the header
	maxScrapeTimeout     = 2 * time.Minute  // the client must not choose how long it keeps a slot
)

func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	s.scrape(w, r, !s.DisableExporterMetrics)
}

func (s *server) serveProbe(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("target")
	if target == "" {
		writeError(w, http.StatusBadRequest, "parameter \"target\" is missing: the name of a project in the configuration")
		return
	}
	if !s.Fleet.Has(target) {
		writeError(w, http.StatusNotFound, "unknown target %q: no project in the configuration has this name", target)
		return
	}
	s.scrape(w, r, false, target)
}

// probeLinks returns a link to the metrics of each project.
func (s *server) probeLinks() []landingLink {
	var links []landingLink
	for _, name := range s.Fleet.Names() {
		links = append(links, landingLink{pathProbe + "?target=" + template.URLQueryEscaper(name), "Metrics of " + name, "this project only"})
	}
	return links
}

// scrape refreshes the named projects, or all if there are no names, and responds
// with their metrics before the scrape timeout.
func (s *server) scrape(w http.ResponseWriter, r *http.Request, exporterMetrics bool, names ...string) {
	release, ok := s.acquireSlot(w)
	if !ok {
		return
	}
	defer release()
	wait, total := scrapeTimeouts(r.Header.Get(scrapeTimeoutHeader), s.TimeoutOffset)
	limitResponse(w, total+s.TimeoutOffset)
	s.Metrics(func(ctx context.Context) []*inventory.Snapshot {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return s.Fleet.Refresh(ctx, names...)
	}, exporterMetrics).ServeHTTP(w, r)
}

// acquireSlot acquires a slot for an expensive response, to be released with
// release. If all slots are in use, it responds with 503 and ok is false.
func (s *server) acquireSlot(w http.ResponseWriter) (release func(), ok bool) {
	if s.slots == nil {
		return func() {}, true
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, true
	default:
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusServiceUnavailable, "too many requests: %d scrapes and exports in progress, the limit of --web.max-requests", cap(s.slots))
		return nil, false
	}
}

// scrapeTimeouts returns how long a scrape may wait for the refresh, and how long it
// may take in total, from the header's value. A value that is not a positive number
// counts as absent. At least half of the total is for waiting.
func scrapeTimeouts(header string, offset time.Duration) (wait, total time.Duration) {
	total = defaultScrapeTimeout
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 && !math.IsNaN(seconds) {
		total = time.Duration(min(seconds, maxScrapeTimeout.Seconds()) * float64(time.Second))
	}
	return max(total-offset, total/2), total
}
