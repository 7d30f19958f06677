// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Read returns the newest snapshots, waiting for fresh ones while ctx lives.
type Read func(ctx context.Context) []*inventory.Snapshot

// scrapeTimeoutHeader is how Prometheus says how long it will wait.
const scrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// Who does not say how long he waits is answered within Prometheus' default;
// nobody is kept waiting for longer than the longest.
const (
	defaultScrapeTimeout = 10 * time.Second
	longestScrapeTimeout = 10 * time.Minute
)

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if known(w, r) {
		s.scrape(w, r, !s.NoOwnMetrics)
	}
}

func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	if !known(w, r, "target") {
		return
	}
	target := r.URL.Query().Get("target")
	if target == "" {
		refuse(w, http.StatusBadRequest, "parameter \"target\" is missing: the name of a project in the configuration")
		return
	}
	if !s.Fleet.Has(target) {
		refuse(w, http.StatusNotFound, "unknown target %q: no project of the configuration has this name", target)
		return
	}
	s.scrape(w, r, false, target)
}

// scrape answers with the named targets, or with all and the exporter's own.
func (s *server) scrape(w http.ResponseWriter, r *http.Request, own bool, names ...string) {
	leave, ok := s.enter(w)
	if !ok {
		return
	}
	defer leave()
	wait, whole := scrapeTimeouts(r.Header.Get(scrapeTimeoutHeader), s.TimeoutOffset)
	// A scraper that stopped reading must not hold its slot.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(whole + s.TimeoutOffset))
	s.Metrics(func(ctx context.Context) []*inventory.Snapshot {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return s.Fleet.Refresh(ctx, names...)
	}, own).ServeHTTP(w, r)
}

// enter takes a slot for an answer that is dear; leave gives it back. Where
// there is none, the request is refused.
func (s *server) enter(w http.ResponseWriter) (leave func(), ok bool) {
	if s.slots == nil {
		return func() {}, true
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, true
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "%d scrapes and exports are under way, and --web.max-requests allows no more", cap(s.slots))
		return nil, false
	}
}

// scrapeTimeouts gives how long a scrape may wait for the cloud, and how long
// it may take as a whole, from the header's value. What no scraper can mean
// counts as absent. At least half of a short timeout is left for waiting.
func scrapeTimeouts(header string, offset time.Duration) (wait, whole time.Duration) {
	whole = defaultScrapeTimeout
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 && !math.IsNaN(seconds) {
		whole = time.Duration(min(seconds, longestScrapeTimeout.Seconds()) * float64(time.Second))
	}
	return max(whole-offset, whole/2), whole
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
