// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestReservedPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/metrics": false, "/metrics/all": false, "/inventories": false, "/sdx": false, "/inventory.xml": false,
		"/inventory": true, "/inventory/all": true, "/inventory.json": true, "/sd": true, "/probe": true, "/desktop": true,
		"/-/metrics": true, "/-": true, "/debug": true, "/debug/metrics": true,
	} {
		if got := ReservedPath(path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}

func TestCheckParams(t *testing.T) {
	accepted := single("port").withRepeatable("vpc")
	for query, want := range map[string]string{
		"":                "",
		"port=1":          "",
		"vpc=a&vpc=b":     "",
		"port=1&port=1":   `parameter "port" has 2 values: /sd accepts one`,
		"color=red":       `unknown parameter "color": /sd accepts port, vpc`,
		"port=%zz":        `malformed parameters: invalid URL escape "%zz"`,
		"port=1;vpc=main": "malformed parameters: invalid semicolon separator in query",
	} {
		got := ""
		if err := checkParams(&url.URL{Path: "/sd", RawQuery: query}, accepted); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	if err := checkParams(&url.URL{Path: "/metrics", RawQuery: "a=1"}, params{}); err == nil || err.Error() != `unknown parameter "a": /metrics accepts no parameters` {
		t.Errorf("no parameters accepted: %v", err)
	}
}

// TestLinksLeadToRoutes requests every link of the landing page, and checks that every
// route that has a title is linked there.
func TestLinksLeadToRoutes(t *testing.T) {
	h := exportHandler(t, func(o *Options) { o.Pprof = true })
	var paths []string
	for _, link := range firstGroups(`<li><a href="([^"]*)"`, request(h, http.MethodGet, "/").Body.String()) {
		link = html.UnescapeString(link)
		path, _, _ := strings.Cut(link, "?")
		paths = append(paths, path)
		if w := request(h, http.MethodGet, link); w.Code == http.StatusNotFound || w.Code == http.StatusBadRequest {
			t.Errorf("%s: %d %s", link, w.Code, w.Body)
		}
	}
	for _, rt := range (&server{Options: Options{TelemetryPath: "/metrics"}}).routes() {
		if (rt.title != "" || rt.links != nil) && !slices.Contains(paths, rt.path) {
			t.Errorf("%s is not on the landing page", rt.path)
		}
	}
}
