// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestPages(t *testing.T) {
	failing := source{project: inventory.Project{Name: hostile, Region: "la-north-2"}, failure: &inventory.Failure{
		Kind: inventory.Denied, Operation: "ListDesktops", Status: 403, Code: "APIGW.0302",
		RequestID: "req-1", Detail: "no permission", Hint: "allow workspace:desktops:list",
	}}
	h := handler(t, func(o *Options) {
		o.Fleet = newFleet(t, office("bogota"), failing)
		o.Quotas = func() []Quota {
			return []Quota{{Operation: "ListDesktops", Endpoint: "https://e", Key: "1a2b", Left: 90, PerMinute: 90, Limit: 180}}
		}
		o.RoutePrefix, o.LinkPrefix = "/x", "/outside"
	})
	for _, tc := range []struct {
		name, path string
		want       []string
	}{
		{"landing", "/x/", []string{
			`href="/outside/metrics"`, `href="/outside/probe?target=bogota"`, `href="/outside/probe?target=%3Cscript%3E`,
			`href="/outside/status"`, `href="/outside/config"`, `href="/outside/-/style.css?v=`, "POST to /-/reload", "1.2.3",
		}},
		{"scrape", "/x/metrics", nil},
		{"after", "/x/status", []string{
			"The last refresh succeeded", "1 (networks unknown: 0, stale: 0)",
			"none has succeeded since the start", "HTTP 403", "APIGW.0302", "no permission", "(request req-1)",
			"What to do: allow workspace:desktops:list", "90 (configured: 180; reduced after HTTP 429)", "unknown",
		}},
	} {
		w := request(h, http.MethodGet, tc.path)
		body := w.Body.String()
		if w.Code != 200 {
			t.Fatalf("%s: status %d", tc.name, w.Code)
		}
		for _, text := range tc.want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %q is missing in\n%s", tc.name, text, body)
			}
		}
		if tc.want != nil && (strings.Contains(body, "<script") || !strings.HasPrefix(body, "<!DOCTYPE html>")) {
			t.Errorf("%s: a hostile name is not escaped, or the page has no doctype:\n%s", tc.name, body)
		}
	}
	if w := request(h, http.MethodGet, "/x/-/style.css"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

// statusPage returns the text of the status page, with a line for each block element.
func statusPage(t *testing.T, change func(*Options)) string {
	t.Helper()
	h := handler(t, change)
	request(h, http.MethodGet, "/metrics")
	body := request(h, http.MethodGet, "/status").Body.String()
	_, body, _ = strings.Cut(body, "<main")
	_, body, _ = strings.Cut(body, ">")
	body, _, _ = strings.Cut(body, "</main>")
	var lines []string
	for line := range strings.SplitSeq(regexp.MustCompile(`<br>|</(p|h\d|li|tr|dd)>`).ReplaceAllString(body, "\n"), "\n") {
		if line = strings.TrimSpace(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(line, " "))); line != "" {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(lines, "\n")
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := &inventory.Failure{Kind: inventory.Denied, Operation: "KeystoneListAuthProjects", Status: 403, RequestID: "req-2", Hint: "allow it"}
		waiting := office("wait")
		waiting.wait = time.Minute
		off := office("off")
		off.failure = &inventory.Failure{Kind: inventory.Disabled, Operation: "ListDesktops"}
		off.optional = true
		slow := office("slow")
		slow.latency = time.Hour
		got := statusPage(t, func(o *Options) {
			o.Fleet = newFleet(t, office("bogota"), waiting, off, slow)
			o.Warnings = func() []string { return []string{"TLS is off for <b>"} }
			o.Accounts = func() []Account {
				return []Account{
					{Name: "fine", ListedAt: time.Now(), Projects: 3},
					{Name: "late", ListedAt: time.Now().Add(-time.Hour), Projects: 2, Failure: denied},
					{Name: "lost", Failure: denied},
					{Name: "new"},
				}
			}
		})
		want := `Status
Warning: TLS is off for <b>
bogota OK
The last refresh succeeded.
Region la-north-2
Project ID 0123
Last refresh 10s ago, took 0s
Desktops 1 (networks unknown: 0, stale: 0)
Oldest data 10s old
slow starting
No refresh has finished yet. A scrape starts one.
Region la-north-2
Project ID 0123
Desktops unknown
wait waiting for quota
No failures. The API quota is used up; reading continues in 51s, oldest data first.
Region la-north-2
Project ID 0123
Last refresh 10s ago, took 0s
Desktops 1 (networks unknown: 1, stale: 0)
Accounts
fine OK
Its projects were listed 0s ago. Projects exported: 3.
late failing
Listing its projects failed. The projects listed 1h0m0s ago are still exported. Projects exported: 2.
KeystoneListAuthProjects : denied, HTTP 403 (request req-2)
What to do: allow it
lost failing
Listing its projects has failed since the start of the exporter. Projects exported: 0.
KeystoneListAuthProjects : denied, HTTP 403 (request req-2)
What to do: allow it
new starting
Its projects are being listed. Projects exported: 0.
Projects skipped because Workspace is not enabled in them: off.`
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		empty := statusPage(t, func(o *Options) { o.Fleet = newFleet(t) })
		if diff := cmp.Diff("Status\nNo projects known yet.", empty); diff != "" {
			t.Errorf("nothing known (-want +got)\n%s", diff)
		}
	})
}
