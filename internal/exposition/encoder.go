// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Encoder encodes the metrics of snapshots. It has a cache for each format and
// encoding in use.
type Encoder struct {
	families []collector.Family
	logger   log.Logger
	now      func() time.Time
	scopes   collector.ScopeCache

	mu     sync.Mutex
	caches map[cacheKey]*formatCache
}

type cacheKey struct {
	format   format
	encoding string // as in Content-Encoding
}

// Options configure an Encoder. All but Metrics may be absent.
type Options struct {
	Metrics collector.Options
	Dropped func(reason string, n int) // counts objects that are left out
	Logger  log.Logger
	Now     func() time.Time
}

// cacheTTL is the time after which an unused cache, or an unused part of one, is
// deleted.
const cacheTTL = 5 * time.Minute

// NewEncoder returns an Encoder with empty caches.
func NewEncoder(o Options) *Encoder {
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Encoder{
		families: collector.Families(o.Metrics),
		logger:   o.Logger,
		now:      o.Now,
		scopes:   collector.ScopeCache{TTL: cacheTTL, Dropped: o.Dropped},
		caches:   make(map[cacheKey]*formatCache),
	}
}

// Handler returns a handler of scrapes. It responds with the metrics of the
// snapshots that read returns for the request, followed by those of exporter,
// which may be nil. It supports the same headers and parameters as promhttp.
// All handlers of an Encoder share its caches.
func (e *Encoder) Handler(read func(context.Context) []*inventory.Snapshot, exporter prometheus.Gatherer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scopes := e.scopes.Scopes(read(r.Context()), e.now())
		negotiated := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
		f := fastFormat(negotiated)
		if f == nil {
			e.slowPath(scopes, exporter).ServeHTTP(w, r)
			return
		}
		encoding := negotiateEncoding(r.Header)
		names := r.URL.Query()["name[]"]
		cache := e.cache(f, encoding)
		response := cache.response(scopes, names, e.now())
		if exporter != nil {
			response.append(e.gather(exporter, negotiated, names))
		}
		if t, ok := f.(textFormat); ok && t.openMetrics {
			response.append([]byte("# EOF\n"))
		}
		cache.release(response.compressor)
		h := w.Header()
		h.Add("Vary", "Accept")
		h.Add("Vary", "Accept-Encoding")
		h.Set("Content-Type", string(negotiated))
		if encoding != identityName {
			h.Set("Content-Encoding", encoding)
		}
		h.Set("Content-Length", strconv.Itoa(response.length()))
		if r.Method == http.MethodHead {
			return
		}
		if err := response.writeTo(w); err != nil {
			level.Debug(e.logger).Log("msg", "Writing the scrape response failed", "err", err)
		}
	})
}

// cache returns the cache of a format and encoding, and deletes unused ones.
func (e *Encoder) cache(f format, encoding string) *formatCache {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for key, c := range e.caches {
		if now.Sub(c.used) > cacheTTL {
			delete(e.caches, key)
		}
	}
	key := cacheKey{f, encoding}
	c := e.caches[key]
	if c == nil {
		c = newFormatCache(e.families, f, newCompression(encoding))
		e.caches[key] = c
	}
	c.used = now
	return c
}

// gather encodes the metrics of g by expfmt. Families that g returns beside an
// error are encoded, too.
func (e *Encoder) gather(g prometheus.Gatherer, format expfmt.Format, names []string) []byte {
	families, err := g.Gather()
	if err != nil {
		level.Warn(e.logger).Log("msg", "Gathering the exporter's own metrics failed", "err", err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, mf := range families {
		if !requested(names, mf.GetName()) {
			continue
		}
		if err := encoder.Encode(mf); err != nil {
			level.Warn(e.logger).Log("msg", "Encoding a metric failed", "metric", mf.GetName(), "err", err)
		}
	}
	return b.Bytes()
}

// requested reports whether a family is among the requested names. No names
// request all families.
func requested(names []string, name string) bool {
	return len(names) == 0 || slices.Contains(names, name)
}

// slowPath returns a handler for the formats that fastFormat does not support.
func (e *Encoder) slowPath(scopes []*collector.Scope, exporter prometheus.Gatherer) http.Handler {
	projects := collector.New(e.families, func() []*collector.Scope { return scopes })
	return promhttp.HandlerFor(inSequence(projects, exporter), promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorHandling:     promhttp.ContinueOnError,
	})
}

// inSequence returns the families of the first gatherer, then those of the
// second, which may be nil. prometheus.Gatherers would sort them.
func inSequence(first, second prometheus.Gatherer) prometheus.Gatherer {
	if second == nil {
		return first
	}
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := first.Gather()
		more, moreErr := second.Gather()
		return append(families, more...), errors.Join(err, moreErr)
	})
}
