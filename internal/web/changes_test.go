// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// recentChanges returns changes of the last hours, newest first.
func recentChanges(now time.Time) []inventory.Change {
	bogota := inventory.Project{Name: "bogota", Region: "la-north-2", ID: "p1"}
	lima := inventory.Project{Name: "lima", Region: "la-south-2", ID: "p2"}
	return []inventory.Change{
		{Time: now.Add(-time.Minute), Project: bogota, DesktopID: "a1", DesktopName: "pc-10", Kind: inventory.EIPSwapped, Before: "192.0.2.1", After: "192.0.2.10"},
		{Time: now.Add(-2 * time.Hour), Project: lima, DesktopID: "gone", DesktopName: "old", Kind: inventory.Vanished},
		{Time: now.Add(-3 * time.Hour), Project: bogota, DesktopID: "a1", DesktopName: "pc-10", Kind: inventory.Renamed, Before: "pc-1 <b>", After: "pc-10"},
		{Time: now.Add(-30 * time.Hour), Project: lima, DesktopID: "gone", DesktopName: "old", Kind: inventory.EIPBound, After: "192.0.2.7"},
	}
}

func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := handler(t, func(o *Options) {
			twoProjects(t)(o)
			o.Changes = func() []inventory.Change { return recentChanges(now) }
		})
		const swapped, vanished, renamed, bound = "a1 eip_swapped 192.0.2.1>192.0.2.10", "gone vanished >", "a1 renamed pc-1 <b>>pc-10", "gone eip_bound >192.0.2.7"
		for query, want := range map[string][]string{
			"":                                {swapped, vanished, renamed, bound},
			"?project=bogota":                 {swapped, renamed},
			"?project=p2&project=nobody":      {vanished, bound},
			"?kind=renamed&kind=eip_bound":    {renamed, bound},
			"?desktop=gone":                   {vanished, bound},
			"?desktop=pc-10&kind=eip_swapped": {swapped},
			"?since=150m":                     {swapped, vanished},
			"?since=1d":                       {swapped, vanished, renamed},
			"?since=" + now.Add(-2*time.Hour).UTC().Format(time.RFC3339): {swapped, vanished},
			"?since=2999-01-01T00:00:00%2B01:00":                         nil,
			"?size=100":                                                  {swapped, vanished, renamed, bound},
		} {
			w := request(h, http.MethodGet, "/changes.json"+query)
			var document changesDocument
			if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("%s: %v in %s", query, err, w.Body)
			}
			var got []string
			for _, c := range document.Changes {
				got = append(got, fmt.Sprintf("%s %s %s>%s", c.DesktopID, c.Kind, c.Before, c.After))
			}
			if diff := cmp.Diff(want, got); diff != "" || document.Total != len(want) || document.Version != 1 {
				t.Errorf("%s: total %d (-want +got)\n%s", query, document.Total, diff)
			}
			page := request(h, http.MethodGet, "/changes"+query).Body.String()
			wellFormed(t, page)
			if got := len(firstGroups(`<tr><th scope="row">(<a)`, page)); got != len(want) {
				t.Errorf("%s: the page has %d changes, want %d", query, got, len(want))
			}
		}

		page := request(h, http.MethodGet, "/changes?project=bogota&project=lima&since=150m").Body.String()
		for what, check := range map[string]struct{ got, want string }{
			"count":    {count(page), "Changes 1 to 2 of 2, newest first"},
			"first":    {texts(`(?s)<tbody>\s*<tr>(.*?)</tr>`, strings.ReplaceAll(page, "</", " </")), "pc-10 bogota EIP swapped 192.0.2.1 192.0.2.10 1999-12-31 23:59:00 UTC"},
			"link":     {texts(`<tr><th scope="row"><a href="([^"]*)"`, page), "/desktop?id=a1&project=bogota\n/desktop?id=gone&project=lima"},
			"JSON":     {texts(`<a href="([^"]*)">JSON`, page), "/changes.json?project=bogota&project=lima&since=150m"},
			"hidden":   {texts(`type="hidden" name="project" value="([^"]*)"`, page), "bogota\nlima"},
			"selected": {texts(`<option value="([^"]*)" selected>`, page), "150m\n"},
		} {
			if check.got != check.want {
				t.Errorf("%s: got\n%s\nwant\n%s", what, check.got, check.want)
			}
		}

		golden := `{"version":1,"total":4,"page":1,"pages":1,"changes":[{"time":"1999-12-31T23:59:00Z","kind":"eip_swapped","project":"bogota","region":"la-north-2","project_id":"p1","desktop_id":"a1","desktop_name":"pc-10","before":"192.0.2.1","after":"192.0.2.10"},`
		if got := request(h, http.MethodGet, "/changes.json").Body.String(); !strings.HasPrefix(got, golden) {
			t.Errorf("got\n%s\nwant it to begin with\n%s", got, golden)
		}
	})
}

func TestChangesPages(t *testing.T) {
	h := handler(t, func(o *Options) {
		o.Changes = func() []inventory.Change {
			all := make([]inventory.Change, 120)
			for i := range all {
				all[i] = inventory.Change{Project: inventory.Project{Name: "bogota"}, DesktopID: fmt.Sprint(i), Kind: inventory.Appeared}
			}
			return all
		}
	})
	for query, want := range map[string]string{
		"": "1/3 of 120: 0 to 49", "?page=3": "3/3 of 120: 100 to 119", "?page=2&size=100": "2/2 of 120: 100 to 119",
		"?page=4": "4/3 of 120: none", "?page=9223372036854775807": "9223372036854775807/3 of 120: none",
	} {
		var d changesDocument
		if err := json.Unmarshal(request(h, http.MethodGet, "/changes.json"+query).Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d/%d of %d: none", d.Page, d.Pages, d.Total)
		if n := len(d.Changes); n > 0 {
			got = fmt.Sprintf("%d/%d of %d: %s to %s", d.Page, d.Pages, d.Total, d.Changes[0].DesktopID, d.Changes[n-1].DesktopID)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	page := request(h, http.MethodGet, "/changes?page=3").Body.String()
	if got, want := count(page), "Changes 101 to 120 of 120, newest first"; got != want {
		t.Errorf("the last page: %q, want %q", got, want)
	}
	if w := request(h, http.MethodGet, "/changes?page=4&kind=appeared"); w.Code != 303 || w.Header().Get("Location") != "/changes?kind=appeared&page=3" {
		t.Errorf("a page after the last: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestChangesInvalidRequests(t *testing.T) {
	h := handler(t, func(o *Options) { o.RoutePrefix, o.LinkPrefix = "/x", "/x" })
	for _, tc := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/x/changes", 200, "No changes since the first refresh."},
		{"GET", "/x/changes.json", 200, `{"version":1,"total":0,"page":1,"pages":1,"changes":[]}` + "\n"},
		{"GET", "/x/changes?kind=exploded", 400, `parameter "kind" must be one of appeared vanished renamed eip_bound eip_unbound eip_swapped subnet_changed address_changed security_groups_changed, not "exploded"`},
		{"GET", "/x/changes.json?kind=exploded", 400, `not "exploded"`},
		{"GET", "/x/changes?since=yesterday", 400, `parameter "since" must be a duration such as 6h or a time such as 2026-01-31T08:00:00Z, not "yesterday"`},
		{"GET", "/x/changes.json?page=0", 400, `parameter "page" must be a page number from 1, not "0"`},
		{"GET", "/x/changes.json?status=ACTIVE", 400, "unknown parameter \"status\": /x/changes.json accepts desktop, kind, page, project, since, size\n"},
		{"GET", "/x/changes?desktop=a&desktop=b", 400, "parameter \"desktop\" has 2 values: /x/changes accepts one\n"},
		{"GET", "/x/changes?desktop=&kind=renamed&since=", 303, ""},
		{"POST", "/x/changes.json", 405, "/x/changes.json accepts GET and HEAD\n"},
		{"HEAD", "/x/changes", 200, ""},
	} {
		w := request(h, tc.method, tc.target)
		body := w.Body.String()
		if w.Code != tc.status || !strings.Contains(html.UnescapeString(body), tc.body) {
			t.Errorf("%s %s: %d %s\nwant %d %s", tc.method, tc.target, w.Code, body, tc.status, tc.body)
		}
		if strings.HasPrefix(body, "<!DOCTYPE") {
			wellFormed(t, body)
		}
	}
}

func TestDesktop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := handler(t, func(o *Options) {
			twoProjects(t)(o)
			o.Changes = func() []inventory.Change { return recentChanges(now) }
		})
		page := func(query string) string {
			w := request(h, http.MethodGet, "/desktop?"+query)
			if w.Code != 200 {
				t.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			wellFormed(t, w.Body.String())
			return w.Body.String()
		}
		text := func(page string) string {
			_, body, _ := strings.Cut(page, "<main")
			_, body, _ = strings.Cut(body, ">")
			body, _, _ = strings.Cut(body, "</main>")
			for _, end := range []string{"</dd>", "</p>", "</h1>", "</h2>", "</tr>"} {
				body = strings.ReplaceAll(body, end, "\n")
			}
			return texts(`(.+)`, strings.ReplaceAll(body, "</", " </"))
		}
		squeeze := func(s string) string { return strings.Trim(strings.Join(strings.Fields(s), " "), " ") }
		for query, want := range map[string]string{
			"project=lima&id=b1": `lab Network data was read 0 s ago. Inconsistencies lab has the address 172.16.0.1 , which is not in its subnet floor-1
				Desktop ID b1 Project lima Region la-south-2 Project ID id-of-lima Private IP 10.0.0.11
				Network interface 1 Port port-b1 Private IP 10.0.0.11 EIP 2001:db8::1 e-b1 VPC lab v2 Subnet bench s2 Security groups default g1
				Network interface 2 Port port-b1 Private IP 172.16.0.1 EIP none VPC main v1 10.0.0.0/16 Subnet floor-1 s1 10.0.0.0/24 Security groups default g1
				Changes No recorded changes.`,
			"project=lima&id=b2": `b2 The API refuses to return the networks of this desktop. Next attempt in 5 min. Desktop ID b2 Project lima Region la-south-2 Project ID id-of-lima Status ACTIVE
				Changes No recorded changes.`,
			"project=lima&id=gone": `old This desktop no longer exists. Its recorded changes are below. Desktop ID gone Project lima Region la-south-2 Project ID p2
				Changes Time Change Before After 1999-12-31 22:00:00 UTC vanished none none 1999-12-30 18:00:00 UTC EIP bound none 192.0.2.7`,
			"project=bogota&id=a1": `pc-10 Network data was read 0 s ago. Desktop ID a1 Project bogota Region la-north-2 Project ID id-of-bogota Status ACTIVE Private IP 10.0.0.9
				Network interface Port port-a1 Private IP 10.0.0.9 EIP 192.0.2.10 e-a1 VPC main v1 10.0.0.0/16 Subnet floor-1 s1 10.0.0.0/24 Security groups default g1
				Changes Time Change Before After 1999-12-31 23:59:00 UTC EIP swapped 192.0.2.1 192.0.2.10 1999-12-31 21:00:00 UTC renamed pc-1 <b> pc-10`,
		} {
			if got, want := squeeze(text(page(query))), squeeze(want); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", query, got, want)
			}
		}
		links := strings.Join(firstGroups(`<a class="line" href="([^"]*)"`, page("project=bogota&id=a1")), " ")
		if want := "/inventory?vpc=v1 /inventory?subnet=s1 /inventory?security_group=g1"; links != want {
			t.Errorf("links %s, want %s", links, want)
		}
	})
}
