// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"context"
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

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Exposition says snapshots over HTTP, and keeps what it said to say it again.
type Exposition struct {
	families *familySet
	logger   log.Logger
	now      func() time.Time
	scopes   scopeCache

	mu       sync.Mutex
	editions map[editionKey]*edition
}

type editionKey struct {
	dialect  dialect
	encoding string
}

// ExpositionOptions is what an Exposition needs. All but Choice may be absent.
type ExpositionOptions struct {
	Choice  Choice
	Dropped func(reason string, n int) // counts objects left out
	Logger  log.Logger
	Now     func() time.Time
}

// idle is after how long an edition that nobody asks for is given up.
const idle = 5 * time.Minute

// NewExposition gives an Exposition. Its handlers share what they keep.
func NewExposition(o ExpositionOptions) *Exposition {
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Exposition{
		families: newFamilySet(o.Choice),
		logger:   o.Logger,
		now:      o.Now,
		scopes:   scopeCache{dropped: o.Dropped, merged: make(map[string]*remembered)},
		editions: make(map[editionKey]*edition),
	}
}

// Handler answers scrapes with what read returns for the request, followed by
// what own gathers; own may be nil. It honours what promhttp honours.
func (e *Exposition) Handler(read func(context.Context) []*inventory.Snapshot, own prometheus.Gatherer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scopes := e.scopes.get(read(r.Context()), e.now())
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
		d := dialectOf(format)
		if d == nil {
			e.plain(scopes, own).ServeHTTP(w, r)
			return
		}
		enc := negotiateEncoding(r.Header)
		names := r.URL.Query()["name[]"]
		ed := e.edition(d, enc)
		p := ed.page(scopes, names, e.now())
		if own != nil {
			p.append(e.gather(own, format, names))
		}
		if t, ok := d.(text); ok && t.openMetrics {
			p.append([]byte("# EOF\n"))
		}
		ed.release(p.press)
		h := w.Header()
		h.Add("Vary", "Accept")
		h.Add("Vary", "Accept-Encoding")
		h.Set("Content-Type", string(format))
		if enc != identityName {
			h.Set("Content-Encoding", enc)
		}
		h.Set("Content-Length", strconv.Itoa(p.size()))
		if r.Method == http.MethodHead {
			return
		}
		if err := p.writeTo(w); err != nil {
			level.Debug(e.logger).Log("msg", "Scrape ended early", "err", err)
		}
	})
}

// edition finds or makes the edition in a dialect and encoding, and gives up
// those that nobody has asked for lately.
func (e *Exposition) edition(d dialect, encoding string) *edition {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for key, ed := range e.editions {
		if now.Sub(ed.asked) > idle {
			delete(e.editions, key)
		}
	}
	key := editionKey{d, encoding}
	ed := e.editions[key]
	if ed == nil {
		ed = newEdition(e.families, d, newEncoding(encoding))
		e.editions[key] = ed
	}
	ed.asked = now
	return ed
}

// gather says what a gatherer has, in the stock way. Families that come beside
// an error are said all the same.
func (e *Exposition) gather(g prometheus.Gatherer, format expfmt.Format, names []string) []byte {
	families, err := g.Gather()
	if err != nil {
		level.Warn(e.logger).Log("msg", "Gathering the exporter's own metrics failed", "err", err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, mf := range families {
		if !wanted(names, mf.GetName()) {
			continue
		}
		if err := encoder.Encode(mf); err != nil {
			level.Warn(e.logger).Log("msg", "Encoding a metric failed", "metric", mf.GetName(), "err", err)
		}
	}
	return b.Bytes()
}

// wanted tells whether a family is asked for. No names: all are.
func wanted(names []string, name string) bool {
	return len(names) == 0 || slices.Contains(names, name)
}

// plain answers in the formats for people, which need not be fast.
func (e *Exposition) plain(scopes []*scope, own prometheus.Gatherer) http.Handler {
	all := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families := gatherScopes(e.families.all, scopes)
		if own == nil {
			return families, nil
		}
		more, err := own.Gather()
		return append(families, more...), err
	})
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorHandling:     promhttp.ContinueOnError,
	})
}
