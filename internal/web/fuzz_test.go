// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// FuzzPages requests lists with any parameters: each response is a well-formed page,
// an error, or a redirect to a page.
func FuzzPages(f *testing.F) {
	for _, query := range []string{
		"", "sort=-ip&page=2&size=100", "search=pc+10.0&eip=none", "vpc=v1&vpc=v2&status=", "page=99999999&size=500", "sort=--name", "eip=2001:DB8:0::5",
		"kind=renamed&since=6h&desktop=a1", "since=2026-01-31T08:00:00Z&project=bogota", "search=%00%ff%3Cscript%3E", "a;b=c", "%zz", "search=\u202e", "page=%20", "sort=%20",
	} {
		f.Add(query)
	}
	e := newTestProject("bogota", desktop("a1", "pc-10", "ACTIVE", "10.0.0.9", "192.0.2.10"), desktop("a2", hostile, "", "", ""))
	o := Options{
		Fleet: refreshedFleet(f, e), TelemetryPath: "/metrics", Logger: log.NewNopLogger(),
		Changes: func() []inventory.Change { return recentChanges(time.Now()) },
	}
	h := New(o)
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
			t.Skip("no client can send this")
		}
		for _, path := range []string{"/inventory", "/changes"} {
			w := request(h, http.MethodGet, path+"?"+query)
			if w.Code == http.StatusSeeOther {
				w = request(h, http.MethodGet, w.Header().Get("Location"))
				if w.Code != http.StatusOK {
					t.Errorf("%s?%s redirects to status %d", path, query, w.Code)
				}
			}
			if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
				t.Errorf("%s?%s: status %d", path, query, w.Code)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				wellFormed(t, w.Body.String())
			} else if w.Code == http.StatusOK {
				t.Errorf("%s?%s is not a page: %s", path, query, w.Header())
			}
		}
	})
}
