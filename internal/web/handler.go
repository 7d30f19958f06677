// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package web answers HTTP: metrics, probes, health, reload and the pages for
// people. What it serves comes in as functions; it knows paths and manners.
package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/pprof"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// Options is what the handler serves and how.
type Options struct {
	Fleet *refresh.Fleet
	Ready func() bool // the first refresh of every project has been tried
	// Metrics makes the handler that says what read returns. The exporter's own
	// metrics are said beside it where own is true.
	Metrics  func(read Read, own bool) http.Handler
	Config   func() string // the configuration in force, secrets masked
	Reload   func() error
	Quotas   func() []Quota
	Accounts func() []Account
	Notices  func() []string // what an operator should know beside the failures of projects
	// Changes gives what happened to desktops, the newest first. Unset: nothing
	// is remembered.
	Changes func() []inventory.Change
	// Show gives which details of desktops the configuration asks for. Unset: none.
	Show    func() export.Fields
	Version string

	TelemetryPath string        // such as /metrics
	RoutePrefix   string        // of all paths: "" or such as /exporter
	LinkPrefix    string        // of all links, which another prefix is put before where a proxy takes it away
	TimeoutOffset time.Duration // kept back from the scrape's timeout for the answer itself
	MaxRequests   int           // scrapes and exports answered at once; 0: any number
	NoOwnMetrics  bool          // leave the exporter's own metrics out
	Pprof         bool
	Logger        log.Logger
}

// server holds what the handlers share.
type server struct {
	Options
	slots    chan struct{} // one for each scrape or export under way; nil: any number
	style    string        // the mark of the style sheet
	pages    *template.Template
	catalogs catalogs
}

// New makes the handler of all paths.
func New(o Options) http.Handler {
	s := &server{Options: o, style: styleMark(), pages: newPages(o.LinkPrefix)}
	if s.Changes == nil {
		s.Changes = func() []inventory.Change { return nil }
	}
	if s.Show == nil {
		s.Show = func() export.Fields { return export.Fields{} }
	}
	if o.MaxRequests > 0 {
		s.slots = make(chan struct{}, o.MaxRequests)
	}
	mux := http.NewServeMux()
	page := func(path string, h http.HandlerFunc) { mux.Handle(o.RoutePrefix+path, readOnly(h)) }
	page("/{$}", s.landing)
	page(o.TelemetryPath, s.metrics)
	page("/probe", s.probe)
	page("/status", s.status)
	page("/inventory", s.inventory)
	page("/inventory.json", s.inventoryJSON)
	page("/inventory.csv", s.inventoryCSV)
	page("/inventory.schema.json", schema)
	page("/sd", s.discovery)
	page("/desktop", s.desktop)
	page("/changes", s.changes)
	page("/changes.json", s.changesDocument)
	page("/config", s.config)
	page("/-/healthy", s.healthy)
	page("/-/ready", s.ready)
	page("/-/style.css", style)
	mux.HandleFunc(o.RoutePrefix+"/-/reload", s.reload)
	if o.Pprof {
		// The index finds a profile by the whole path.
		page("/debug/pprof/", http.StripPrefix(o.RoutePrefix, http.HandlerFunc(pprof.Index)).ServeHTTP)
		page("/debug/pprof/cmdline", pprof.Cmdline)
		page("/debug/pprof/profile", pprof.Profile)
		page("/debug/pprof/symbol", pprof.Symbol)
		page("/debug/pprof/trace", pprof.Trace)
	}
	if o.RoutePrefix != "" {
		home := http.RedirectHandler(o.LinkPrefix+"/", http.StatusFound)
		mux.Handle("/{$}", home)
		mux.Handle(o.RoutePrefix, home)
	}
	return careful(mux)
}

// careful adds the headers that keep a browser from doing more with an answer
// than showing it.
func careful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// readOnly refuses all methods but GET and HEAD.
func readOnly(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "%s takes GET and HEAD", r.URL.Path)
			return
		}
		next(w, r)
	})
}

// refuse answers one line that says what is wrong.
func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	http.Error(w, fmt.Sprintf(format, args...), status)
}

// known refuses a request with parameters other than the named ones, or with
// one of them given twice; ok tells whether it did not.
func known(w http.ResponseWriter, r *http.Request, names ...string) (ok bool) {
	return allowed(w, r, r.URL.Query(), names, nil)
}

// allowed refuses parameters that are not named, or several values for one of
// the single ones; ok tells whether it did not.
func allowed(w http.ResponseWriter, r *http.Request, query url.Values, single, several []string) (ok bool) {
	for _, name := range sortedKeys(query) {
		if !slices.Contains(single, name) && !slices.Contains(several, name) {
			takes := "takes no parameters"
			if all := slices.Sorted(slices.Values(slices.Concat(single, several))); len(all) > 0 {
				takes = "takes " + strings.Join(all, ", ")
			}
			refuse(w, http.StatusBadRequest, "unknown parameter %q: %s %s", name, r.URL.Path, takes)
			return false
		}
		if n := len(query[name]); n > 1 && !slices.Contains(several, name) {
			refuse(w, http.StatusBadRequest, "%d values for %q: %s takes one", n, name, r.URL.Path)
			return false
		}
	}
	return true
}

func (s *server) healthy(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, "healthy")
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.Ready() {
		refuse(w, http.StatusServiceUnavailable, "not ready: the first refresh of some projects has not ended; scrape %s%s", s.RoutePrefix, s.TelemetryPath)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

func (s *server) config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8") // a browser shows it
	_, _ = fmt.Fprint(w, s.Config())
}

func (s *server) reload(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "%s takes POST", r.URL.Path)
		return
	}
	if err := s.Reload(); err != nil {
		refuse(w, http.StatusInternalServerError, "reload failed, the old configuration stays in force:\n%s", err)
		return
	}
	_, _ = fmt.Fprintln(w, "reloaded")
}
