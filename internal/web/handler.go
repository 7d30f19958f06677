// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package web answers the question which page answers a path. It has one table of
// routes, and the handlers of metrics, probes, exports, health, reload and HTML
// pages. What it serves comes in as functions of Options.
//
// The pages are plain HTML of html/template with a style sheet and without scripts,
// so that the Content-Security-Policy can forbid scripts altogether: names of
// desktops are chosen by their users.
package web

import (
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// Options are the data that the handler serves, and its settings.
type Options struct {
	Fleet *refresh.Fleet
	Ready func() bool // whether the first refresh of every project has finished
	// Metrics returns a handler that serves the metrics of the snapshots that read
	// returns, and the exporter's own metrics if exporterMetrics is true.
	Metrics  func(read ReadFunc, exporterMetrics bool) http.Handler
	Config   func() string // the current configuration, secrets masked
	Reload   func() error
	Quotas   func() []Quota
	Accounts func() []Account
	Warnings func() []string // for the status page, in addition to projects' failures
	// Changes returns the recent changes, newest first. nil: none are recorded.
	Changes func() []inventory.Change
	// Fields returns the optional fields of desktops that are enabled. nil: none.
	Fields  func() export.Fields
	Version string

	TelemetryPath          string        // for example /metrics
	RoutePrefix            string        // of all paths: "", or for example /exporter
	LinkPrefix             string        // of all links; differs from RoutePrefix behind a proxy that removes a prefix
	TimeoutOffset          time.Duration // part of the scrape timeout that is reserved for sending the response
	MaxRequests            int           // maximum number of concurrent scrapes and exports; 0: unlimited
	DisableExporterMetrics bool          // serve no metrics of the exporter itself
	Pprof                  bool
	Logger                 log.Logger
}

// server is the state that the handlers share.
type server struct {
	Options
	slots       chan struct{} // a semaphore of MaxRequests; nil: unlimited
	styleHash   string        // changes with the style sheet
	templates   *template.Template
	sortIndexes sortIndexCache
}

// New returns the handler of all paths.
func New(o Options) http.Handler {
	s := &server{Options: o, styleHash: styleHash(), templates: parseTemplates(o.LinkPrefix)}
	if s.Changes == nil {
		s.Changes = func() []inventory.Change { return nil }
	}
	if s.Fields == nil {
		s.Fields = func() export.Fields { return export.Fields{} }
	}
	if o.MaxRequests > 0 {
		s.slots = make(chan struct{}, o.MaxRequests)
	}
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		if !rt.disabled {
			mux.Handle(o.RoutePrefix+rt.path, &rt)
		}
	}
	if o.RoutePrefix != "" {
		home := http.RedirectHandler(o.LinkPrefix+"/", http.StatusFound)
		mux.Handle("/{$}", home)
		mux.Handle(o.RoutePrefix, home)
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusForbidden, "%s refuses requests from web pages of another origin", r.URL.Path)
	}))
	return securityHeaders(protection.Handler(mux))
}

// securityHeaders is middleware that adds the headers which restrict what a browser
// does with a response.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// writeError responds with one line of text.
func writeError(w http.ResponseWriter, status int, format string, args ...any) {
	http.Error(w, fmt.Sprintf(format, args...), status)
}

func serveHealthy(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, "healthy")
}

func (s *server) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !s.Ready() {
		writeError(w, http.StatusServiceUnavailable, "not ready: the first refresh of some projects has not finished; scrape %s%s", s.RoutePrefix, s.TelemetryPath)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

func (s *server) serveConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8") // browsers display it
	_, _ = fmt.Fprint(w, s.Config())
}

func (s *server) serveReload(w http.ResponseWriter, _ *http.Request) {
	if err := s.Reload(); err != nil {
		writeError(w, http.StatusInternalServerError, "reload failed, the old configuration stays in force:\n%s", err)
		return
	}
	_, _ = fmt.Fprintln(w, "reloaded")
}
