// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"net/url"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
)

// The paths that the pages link to.
const (
	pathInventory     = "/inventory"
	pathInventoryJSON = "/inventory.json"
	pathInventoryCSV  = "/inventory.csv"
	pathDesktop       = "/desktop"
	pathChanges       = "/changes"
	pathChangesJSON   = "/changes.json"
	pathProbe         = "/probe"
)

// route is a row of the routing table. The mux, the checks of methods and
// parameters, the navigation, the links of the landing page and the reserved paths
// are all made from the table.
type route struct {
	path     string // without the route prefix, as a pattern of http.ServeMux
	handler  http.HandlerFunc
	methods  []string // nil: GET and HEAD
	params   params   // nil: any parameters, unchecked
	disabled bool     // not served, but the path is reserved

	title         string // text of the links to the route
	inNavigation  bool   // linked on every page
	description   string // on the landing page; "": not linked there
	exampleParams string // parameters of the link on the landing page
	links         func() []landingLink
}

// params are the parameters that a route accepts, by name, and whether each may
// have several values.
type params map[string]bool

// single returns parameters that have one value each.
func single(names ...string) params {
	p := params{}
	for _, name := range names {
		p[name] = false
	}
	return p
}

// withFilter returns p and the parameters of a filter. All of these may have
// several values; export.ParseFilter rejects several values of search.
func (p params) withFilter() params { return p.withRepeatable(export.Parameters()...) }

// withRepeatable returns p and parameters that may have several values.
func (p params) withRepeatable(names ...string) params {
	for _, name := range names {
		p[name] = true
	}
	return p
}

// routes returns the routing table. The order is that of the links.
func (s *server) routes() []route {
	return []route{
		{path: "/{$}", handler: s.serveLanding},
		{
			path: pathInventory, handler: s.serveInventory, params: single(paramSort, paramPage, paramSize).withFilter(),
			title: "Inventory", inNavigation: true, description: "all desktops: search, filter, sort",
		},
		{
			path: pathInventoryJSON, handler: s.serveInventoryJSON, params: params{}.withFilter(),
			title: "Inventory as JSON", description: "for programs; accepts the filters of the inventory page",
		},
		{
			path: "/inventory.schema.json", handler: serveSchema, params: params{},
			title: "JSON Schema", description: "the schema of the inventory as JSON",
		},
		{
			path: pathInventoryCSV, handler: s.serveInventoryCSV, params: params{}.withFilter(),
			title: "Inventory as CSV", description: "for spreadsheets, one line per network interface",
		},
		{
			path: "/sd", handler: s.serveDiscovery, params: single(export.DiscoveryParameters()...).withFilter(),
			title: "Service discovery", description: "desktops as targets for Prometheus' http_sd_configs; set port to the port to scrape",
			exampleParams: "?port=9182",
		},
		{path: pathDesktop, handler: s.serveDesktop, params: single("project", "id")},
		{
			path: pathChanges, handler: s.serveChanges, params: changesParams(),
			title: "Changes", inNavigation: true, description: "recent changes of desktops, newest first",
		},
		{path: pathChangesJSON, handler: s.serveChangesJSON, params: changesParams()},
		{
			path: "/status", handler: s.serveStatus,
			title: "Status", inNavigation: true, description: "refresh state of each project, failures and what to do about them, API quota",
		},
		{
			path: s.TelemetryPath, handler: s.serveMetrics, params: params{},
			title: "Metrics", inNavigation: true, description: "metrics of all projects and of the exporter itself, for Prometheus to scrape",
		},
		{path: pathProbe, handler: s.serveProbe, params: single("target"), links: s.probeLinks},
		{
			path: "/config", handler: s.serveConfig,
			title: "Configuration", inNavigation: true, description: "the current configuration, secrets masked; reload it with SIGHUP or a POST to /-/reload",
		},
		{path: "/-/healthy", handler: serveHealthy, title: "Health", description: "200 while the exporter is running"},
		{path: "/-/ready", handler: s.serveReady, title: "Readiness", description: "200 when the first refresh of every project has finished"},
		{path: "/-/style.css", handler: serveStyle},
		{path: "/-/reload", handler: s.serveReload, methods: []string{http.MethodPost}},
		{
			path: "/debug/pprof/", disabled: !s.Pprof,
			// pprof.Index derives the name of a profile from the whole path.
			handler: http.StripPrefix(s.RoutePrefix, http.HandlerFunc(pprof.Index)).ServeHTTP,
			title:   "Profiles", description: "CPU, heap and goroutine profiles of the exporter",
		},
		{path: "/debug/pprof/cmdline", handler: pprof.Cmdline, disabled: !s.Pprof},
		{path: "/debug/pprof/profile", handler: pprof.Profile, disabled: !s.Pprof},
		{path: "/debug/pprof/symbol", handler: pprof.Symbol, disabled: !s.Pprof},
		{path: "/debug/pprof/trace", handler: pprof.Trace, disabled: !s.Pprof},
	}
}

// ReservedPath reports whether the telemetry path must not be path, because path
// has the first segment of another route's path.
func ReservedPath(path string) bool {
	return slices.ContainsFunc((&server{}).routes(), func(rt route) bool {
		return rt.path != "" && firstSegment(rt.path) == firstSegment(path)
	})
}

func firstSegment(path string) string {
	segment, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return segment
}

// ServeHTTP calls the handler if the request has a method and parameters that the
// route accepts, and responds with 405 or 400 otherwise.
func (rt *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods := rt.methods
	if methods == nil {
		methods = []string{http.MethodGet, http.MethodHead}
	}
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		writeError(w, http.StatusMethodNotAllowed, "%s accepts %s", r.URL.Path, strings.Join(methods, " and "))
		return
	}
	if rt.params != nil {
		if err := checkParams(r.URL, rt.params); err != nil {
			writeError(w, http.StatusBadRequest, "%s", err)
			return
		}
	}
	// Profiles pause for long between writes. To a POST with a slow body the server
	// sends its short answer only when the body has ended.
	if r.Method != http.MethodPost && !strings.HasPrefix(rt.path, "/debug/") {
		w = newDeadlineWriter(w)
	}
	rt.handler(w, r)
}

// checkParams returns an error if the query of u is malformed, has a parameter that
// is not accepted, or has several values for one that may have one only.
func checkParams(u *url.URL, accepted params) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fmt.Errorf("malformed parameters: %w", err)
	}
	for _, name := range sortedKeys(query) {
		repeatable, known := accepted[name]
		switch n := len(query[name]); {
		case !known && len(accepted) == 0:
			return fmt.Errorf("unknown parameter %q: %s accepts no parameters", name, u.Path)
		case !known:
			return fmt.Errorf("unknown parameter %q: %s accepts %s", name, u.Path, strings.Join(sortedKeys(accepted), ", "))
		case n > 1 && !repeatable:
			return fmt.Errorf("parameter %q has %d values: %s accepts one", name, n, u.Path)
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
