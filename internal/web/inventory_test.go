// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
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

// twoProjects returns an option with a fleet of two projects, whose desktops differ in
// everything that can be sorted and filtered by.
func twoProjects(t *testing.T) func(*Options) {
	a1 := desktop("a1", "pc-10", "ACTIVE", "10.0.0.9", "192.0.2.10")
	a2 := desktop("a2", "pc-9", "SHUTOFF", "10.0.0.10", "")
	a3 := desktop("a3", "PC-9", "ACTIVE", "9.9.9.9", "192.0.2.9")
	b1 := desktop("b1", "lab", "", "10.0.0.11", "2001:db8::1")
	b1.Networks.Interfaces[0].VPC = inventory.VPC{ID: "v2", Name: "lab"}
	b1.Networks.Interfaces[0].Subnet = inventory.Subnet{ID: "s2", Name: "bench"}
	second := desktop("b1", "", "", "172.16.0.1", "").Networks.Interfaces[0]
	b1.Networks.Interfaces = append(b1.Networks.Interfaces, second)
	b2 := desktop("b2", "", "ACTIVE", "", "")
	bogota, lima := newTestProject("bogota", a1, a2, a3), newTestProject("lima", b1, b2)
	lima.project.Region = "la-south-2"
	lima.refused["b2"] = true
	f := refreshedFleet(t, bogota, lima)
	return func(o *Options) { o.Fleet = f }
}

// tableNames returns the names of the desktops in a page's table, in its order.
func tableNames(page string) string {
	names := firstGroups(`<tr><th scope="row"><a href="[^"]*"><bdi>([^<]*)</bdi>`, page)
	return html.UnescapeString(strings.Join(names, " "))
}

// texts returns the text, without markup, of all matches of a pattern's first group.
func texts(pattern, page string) string {
	var all []string
	for _, m := range firstGroups(pattern, page) {
		m = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(strings.ReplaceAll(m, "<br>", " "), "")
		all = append(all, strings.Join(strings.Fields(html.UnescapeString(m)), " "))
	}
	return strings.Join(all, "\n")
}

// count returns the line above the table.
func count(page string) string { return texts(`(?s)<p class="count" id="count">(.*?)</p>`, page) }

func TestInventory(t *testing.T) {
	h := handler(t, twoProjects(t))
	for query, want := range map[string]string{
		"":                         "lab pc-9 PC-9 pc-10 b2",
		"?sort=name":               "lab pc-9 PC-9 pc-10 b2",
		"?sort=-name":              "pc-10 pc-9 PC-9 lab b2",
		"?sort=project":            "pc-10 pc-9 PC-9 lab b2",
		"?sort=-project":           "lab b2 pc-10 pc-9 PC-9",
		"?sort=status":             "pc-10 PC-9 b2 pc-9 lab",
		"?sort=-status":            "pc-9 pc-10 PC-9 b2 lab",
		"?sort=ip":                 "PC-9 pc-10 pc-9 lab b2",
		"?sort=-ip":                "lab pc-9 pc-10 PC-9 b2",
		"?sort=eip":                "PC-9 pc-10 lab pc-9 b2",
		"?sort=-eip":               "lab pc-10 PC-9 pc-9 b2",
		"?sort=vpc":                "lab pc-10 pc-9 PC-9 b2",
		"?sort=-subnet":            "pc-10 pc-9 PC-9 lab b2",
		"?project=lima":            "lab b2",
		"?project=id-of-bogota":    "pc-9 PC-9 pc-10",
		"?region=la-south-2":       "lab b2",
		"?vpc=main":                "lab pc-9 PC-9 pc-10",
		"?vpc=v2&vpc=main":         "lab pc-9 PC-9 pc-10",
		"?subnet=bench":            "lab",
		"?security_group=g1":       "lab pc-9 PC-9 pc-10",
		"?status=active":           "PC-9 pc-10 b2",
		"?eip=none":                "pc-9",
		"?eip=unknown":             "b2",
		"?eip=any&sort=-name":      "pc-10 PC-9 lab",
		"?eip=192.0.2.9":           "PC-9",
		"?search=pc+10.0.0.1":      "pc-9",
		"?search=nothing-is-so":    "",
		"?project=nobody":          "",
		"?size=100&page=1":         "lab pc-9 PC-9 pc-10 b2",
		"?search=pc&status=ACTIVE": "PC-9 pc-10",
	} {
		t.Run(query, func(t *testing.T) {
			w := request(h, http.MethodGet, "/inventory"+query)
			page := w.Body.String()
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, page)
			}
			if got := tableNames(page); got != want {
				t.Errorf("shows %q, want %q", got, want)
			}
			if n := len(strings.Fields(want)); n == 0 && query != "?project=nobody" && count(page) != "No matching desktops (5 in total)." {
				t.Errorf("counts %q", count(page))
			}
			wellFormed(t, page)
		})
	}
}

func TestInventoryPage(t *testing.T) {
	h := handler(t, twoProjects(t))
	page := request(h, http.MethodGet, "/inventory?sort=-ip&eip=any&vpc=v1&vpc=v2&search=%3Cb%3E+10").Body.String()
	for what, check := range map[string]struct{ got, want string }{
		"count":    {count(page), "No matching desktops (5 in total)."},
		"chips":    {texts(`(?s)<ul class="chips"[^>]*>(.*?)</ul>`, page), "EIP: any × Search: <b> 10 × VPC: v1 × VPC: v2 × Remove all"},
		"no VPC":   {texts(`<a href="([^"]*)" aria-label="Remove the filter VPC: v1"`, page), "/inventory?eip=any&search=%3Cb%3E+10&sort=-ip&vpc=v2"},
		"JSON":     {texts(`<a href="([^"]*)">JSON`, page), "/inventory.json?eip=any&search=%3Cb%3E+10&vpc=v1&vpc=v2"},
		"CSV":      {texts(`<a href="([^"]*)">CSV`, page), "/inventory.csv?eip=any&search=%3Cb%3E+10&vpc=v1&vpc=v2"},
		"search":   {texts(`name="search" id="search" value="([^"]*)"`, page), "<b> 10"},
		"hidden":   {texts(`type="hidden" name="vpc" value="([^"]*)"`, page), "v1\nv2"},
		"selected": {texts(`<option value="([^"]*)" selected>`, page), "any\n-ip\n"},
		"fields":   {texts(`<label for="[^"]*">([^<]*)`, page), "Search\nStatus\nEIP\nProject\nVPC\nSubnet\nSecurity group\nRegion\nSort by\nRows per page"},
		"findings": {texts(`(?s)<details class="findings">(.*?)</details>`, page), "Inconsistencies: 2 PC-9 has the address 9.9.9.9, which is not in its subnet floor-1 lab has the address 172.16.0.1, which is not in its subnet floor-1"},
		"states":   {texts(`(?s)<ul class="projects">(.*?)</ul>`, page), "lima OK 2 desktops, data up to 0s old, 1 with unknown networks\nbogota OK 3 desktops, data up to 0s old"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got\n%s\nwant\n%s", what, check.got, check.want)
		}
	}

	page = request(h, http.MethodGet, "/inventory?sort=-ip&project=lima&vpc=v1").Body.String()
	for what, check := range map[string]struct{ got, want string }{
		"count":  {count(page), "Desktops 1 to 1 of 1 (5 in total)"},
		"row":    {texts(`(?s)<tbody>\s*<tr>(.*?)</tr>`, strings.ReplaceAll(page, "</", " </")), "lab lima 10.0.0.11 172.16.0.1 2001:db8::1 lab main bench floor-1 default 0 s"},
		"sorted": {texts(`<th scope="col" aria-sort="descending"><a href="([^"]*)">Private IP`, page), "/inventory?project=lima&sort=ip&vpc=v1"},
		"heads":  {texts(`<th scope="col"[^>]*>(.*?)</th>`, page), "Desktop\nProject\nStatus\nPrivate IP\nEIP\nVPC\nSubnet\nSecurity groups\nData age"},
		"link":   {texts(`<tr><th scope="row"><a href="([^"]*)"`, page), "/desktop?id=b1&project=lima"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got\n%s\nwant\n%s", what, check.got, check.want)
		}
	}
	page = request(h, http.MethodGet, "/inventory?search=b2").Body.String()
	if got, want := texts(`(?s)<tbody>\s*<tr>(.*?)</tr>`, strings.ReplaceAll(page, "</", " </")), "b2 lima ACTIVE unknown unknown unknown unknown unknown refused"; got != want {
		t.Errorf("the desktop that the API refuses: got\n%s\nwant\n%s", got, want)
	}
}

func TestInventoryPages(t *testing.T) {
	h := handler(t, func(o *Options) { o.Fleet = refreshedFleet(t, newTestProject("bogota", manyDesktops(251)...)) })
	for query, want := range map[string]string{
		"":                  "Desktops 1 to 50 of 251 | [1] 2 … 6 Next>2",
		"?page=3":           "Desktops 101 to 150 of 251 | 2<Previous 1 2 [3] 4 … 6 Next>4",
		"?page=6":           "Desktops 251 to 251 of 251 | 5<Previous 1 … 5 [6]",
		"?size=100&page=2":  "Desktops 101 to 200 of 251 | 1<Previous 1 [2] 3 Next>3",
		"?size=500":         "Desktops 1 to 251 of 251 | ",
		"?eip=any&page=2":   "Desktops 51 to 84 of 84 (251 in total) | 1<Previous 1 [2]",
		"?search=desktop-1": "Desktops 1 to 50 of 111 (251 in total) | [1] 2 3 Next>2",
	} {
		page := request(h, http.MethodGet, "/inventory"+query).Body.String()
		pager := texts(`(?s)<nav class="pager"[^>]*>(.*?)</nav>`, page)
		pager = regexp.MustCompile(`Page (\d+)`).ReplaceAllString(pager, "$1")
		for _, current := range firstGroups(`aria-current="page"><span class="visually-hidden">Page </span>(\d+)`, page) {
			pager = regexp.MustCompile(`\b`+current+`\b`).ReplaceAllString(pager, "["+current+"]")
		}
		for _, n := range firstGroups(`rel="prev" href="[^"]*?(?:page=(\d+)[^"]*)?"`, page) {
			if n == "" {
				n = "1" // the URL of the first page has no parameter
			}
			pager = strings.Replace(pager, "Previous", n+"<Previous", 1)
		}
		for _, n := range firstGroups(`rel="next" href="[^"]*page=(\d+)`, page) {
			pager = strings.Replace(pager, "Next", "Next>"+n, 1)
		}
		if got := count(page) + " | " + pager; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", query, got, want)
		}
		wellFormed(t, page)
	}
	// All pages together have each desktop once.
	seen := map[string]bool{}
	for _, number := range []string{"1", "2", "3", "4", "5", "6"} {
		for name := range strings.FieldsSeq(tableNames(request(h, http.MethodGet, "/inventory?sort=-ip&page="+number).Body.String())) {
			seen[name] = true
		}
	}
	if len(seen) != 251 {
		t.Errorf("the pages have %d desktops, want 251", len(seen))
	}
}

func TestInventoryInvalidRequests(t *testing.T) {
	h := handler(t, func(o *Options) { twoProjects(t)(o); o.RoutePrefix, o.LinkPrefix = "/x", "/outside/x" })
	for _, tc := range []struct {
		method, target string
		status         int
		location, body string
	}{
		{"GET", "/x/inventory?color=red", 400, "", "unknown parameter \"color\": /x/inventory accepts eip, page, project, region, search, security_group, size, sort, status, subnet, vpc\n"},
		{"GET", "/x/inventory?page=1&page=2", 400, "", "parameter \"page\" has 2 values: /x/inventory accepts one\n"},
		{"GET", "/x/inventory?search=%zz", 400, "", "malformed parameters: invalid URL escape \"%zz\"\n"},
		{"GET", "/x/inventory?page=0", 400, "", `parameter "page" must be a page number from 1, not "0"`},
		{"GET", "/x/inventory?page=-1", 400, "", `not "-1"`},
		{"GET", "/x/inventory?page=many", 400, "", `not "many"`},
		{"GET", "/x/inventory?page=99999999999999999999", 400, "", `not "99999999999999999999"`},
		{"GET", "/x/inventory?size=7", 400, "", `parameter "size" must be one of 50 100 500, not "7"`},
		{"GET", "/x/inventory?sort=shoes", 400, "", `parameter "sort" must be the name of a column, with a leading - for descending order, not "shoes"`},
		{"GET", "/x/inventory?sort=--ip", 400, "", `not "--ip"`},
		{"GET", "/x/inventory?eip=nnoe", 400, "", `parameter "eip" must be none, any, unknown or an IP address, not "nnoe"`},
		{"GET", "/x/inventory?page=2", 303, "/outside/x/inventory", ""},
		{"GET", "/x/inventory?page=9223372036854775807&size=500&sort=-ip", 303, "/outside/x/inventory?size=500&sort=-ip", ""},
		{"GET", "/x/inventory?search=&status=ACTIVE&eip=&sort=&size=", 303, "/outside/x/inventory?status=ACTIVE", ""},
		{"GET", "/x/inventory?project=nobody", 200, "", `no project has the name or ID "nobody"`},
		{"POST", "/x/inventory", 405, "", "/x/inventory accepts GET and HEAD\n"},
		{"HEAD", "/x/inventory", 200, "", ""},
		{"GET", "/inventory", 404, "", "404 page not found\n"},
		{"GET", "/x/desktop?project=lima&id=b1&x=1", 400, "", "unknown parameter \"x\": /x/desktop accepts id, project\n"},
		{"GET", "/x/desktop?project=lima", 400, "", "parameter \"id\" is missing: /x/desktop needs the name of a project and the ID of one of its desktops\n"},
		{"GET", "/x/desktop?id=b1", 400, "", "parameter \"project\" is missing"},
		{"GET", "/x/desktop?project=lima&id=nobody", 404, "", "This project has no desktop with this ID, and no recorded changes of one."},
		{"GET", "/x/desktop?project=nobody&id=b1", 404, "", "No project in the configuration has this name."},
		{"HEAD", "/x/desktop?project=lima&id=b1", 200, "", ""},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			w := request(h, tc.method, tc.target)
			if w.Code != tc.status || w.Header().Get("Location") != tc.location {
				t.Errorf("status %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), tc.status, tc.location)
			}
			body := w.Body.String()
			if !strings.Contains(html.UnescapeString(body), tc.body) {
				t.Errorf("%q is missing in\n%s", tc.body, body)
			}
			if strings.HasPrefix(body, "<!DOCTYPE") {
				wellFormed(t, body)
				for _, link := range firstGroups(`(?:href|action)="(/[^"]*)"`, body) {
					if !strings.HasPrefix(link, "/outside/x/") {
						t.Errorf("a link without the prefix: %s", link)
					}
				}
			}
		})
	}
}

func TestInventoryOfUnknownData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &inventory.Failure{Kind: inventory.Transient, Operation: "ShowDesktopNetworks", Status: 503}
		bogota, lima := newTestProject("bogota", desktop("a1", "pc-1", "ACTIVE", "10.0.0.1", "192.0.2.1")), newTestProject("lima")
		lima.lists.Store(broken)
		f := refreshedFleet(t, bogota, lima)
		h := handler(t, func(o *Options) { o.Fleet = f })
		check := func(what, states, counted, shown, age string) {
			t.Helper()
			page := request(h, http.MethodGet, "/inventory").Body.String()
			got := strings.Join([]string{texts(`(?s)<ul class="projects">(.*?)</ul>`, page), count(page), tableNames(page), texts(`data-label="Data age">(.*?)</td>`, page)}, "\n")
			if diff := cmp.Diff(strings.Join([]string{states, counted, shown, age}, "\n"), got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", what, diff)
			}
			wellFormed(t, page)
		}
		const never = "lima failing desktops unknown The last refresh failed, and none has succeeded since the start of the exporter. Status"
		check("one of two fails", never+"\nbogota OK 1 desktops, data up to 0s old", "Desktops 1 to 1 of 1", "pc-1", "0 s")

		bogota.networks.Store(broken)
		time.Sleep(10 * time.Minute)
		f.Refresh(t.Context())
		time.Sleep(time.Minute)
		const failing = "The last refresh failed. The last success was 11m0s ago. Data that could not be read is kept as stale for a limited time (max_staleness). Status"
		check("an outage", "bogota failing 1 desktops, data up to 11m0s old, 1 stale "+failing+" "+never, "Desktops 1 to 1 of 1", "pc-1", "stale, 11 min")
		page := request(h, http.MethodGet, "/desktop?project=bogota&id=a1").Body.String()
		if want := "The network data is stale: it was read 11 min ago, and reading it has failed for 60 s."; !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}

		bogota.lists.Store(broken)
		time.Sleep(16 * time.Minute)
		f.Refresh(t.Context())
		page = request(h, http.MethodGet, "/desktop?project=bogota&id=a1").Body.String()
		if want := "The network data of this desktop is unknown: reading it has failed for 17 min."; !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}

		time.Sleep(16 * time.Minute)
		f.Refresh(t.Context())
		check("for too long", "bogota failing desktops unknown The last refresh failed. The last success was 43m0s ago. Data that could not be read is kept as stale for a limited time (max_staleness). Status "+never,
			"No desktops known yet; see the state of the projects above.", "", "")
		if w := request(h, http.MethodGet, "/desktop?project=bogota&id=a1"); w.Code != 404 || !strings.Contains(w.Body.String(), "The desktops of this project are currently not known") {
			t.Errorf("its desktop: %d %s", w.Code, w.Body)
		}
	})
	empty := request(handler(t, func(o *Options) { o.Fleet = refreshedFleet(t, newTestProject("bogota")) }), http.MethodGet, "/inventory").Body.String()
	if got, want := count(empty), "No desktops."; got != want {
		t.Errorf("an empty project: %q, want %q", got, want)
	}
	none := request(handler(t, func(o *Options) { o.Fleet = refreshedFleet(t) }), http.MethodGet, "/inventory").Body.String()
	if !strings.Contains(none, "No projects known yet.") {
		t.Errorf("without a project:\n%s", none)
	}
	wellFormed(t, none)
}

func TestManyProjectsAreCollapsed(t *testing.T) {
	for _, tc := range []struct {
		healthy, failing int
		want             string
	}{
		{6, 12, ""},
		{7, 13, "1 more unhealthy projects\n7 healthy projects"},
	} {
		var all []testSource
		for i := range tc.healthy + tc.failing {
			e := newTestProject(fmt.Sprintf("p%02d", i))
			if i >= tc.healthy {
				e.lists.Store(&inventory.Failure{Kind: inventory.Denied, Operation: "ListDesktops"})
			}
			all = append(all, e)
		}
		page := request(handler(t, func(o *Options) { o.Fleet = refreshedFleet(t, all...) }), http.MethodGet, "/inventory").Body.String()
		if got := texts(`<details class="muted"><summary>(.*?)</summary>`, page); got != tc.want {
			t.Errorf("%d healthy and %d failing: collapsed %q, want %q", tc.healthy, tc.failing, got, tc.want)
		}
		if n := len(firstGroups(`<li>(<strong>)`, page)); n != len(all) {
			t.Errorf("%d projects on the page, want %d", n, len(all))
		}
		wellFormed(t, page)
	}
}

func TestHostileNamesAreEscaped(t *testing.T) {
	names := []string{
		hostile, `"><img src=x onerror=alert(1)>`, "{{.}}", "javascript:alert(1)", "'; drop", "\u202egnp.exe", "line\nbreak\ttab",
		"🖥️ escritorio 桌面", strings.Repeat("ü", 5000), "&lt;b&gt;", "-->", "\u0000\u0007",
	}
	e := newTestProject(hostile)
	for _, name := range names {
		d := desktop(name, name, name, name, name)
		nic := &d.Networks.Interfaces[0]
		nic.PortID = name
		nic.VPC, nic.Subnet = inventory.VPC{ID: name, Name: name, CIDR: name}, inventory.Subnet{ID: name, Name: name, CIDR: name}
		nic.SecurityGroups = []inventory.SecurityGroup{{ID: name, Name: name}}
		d.Desktop.Tags = []inventory.Tag{{Key: name, Value: name}}
		d.Desktop.Users = []string{name}
		e.records, e.byID[name] = append(e.records, d), d.Networks
	}
	e = newTestProject(hostile, e.records...)
	h := handler(t, func(o *Options) {
		o.Fleet = refreshedFleet(t, e)
		o.Changes = func() []inventory.Change {
			var all []inventory.Change
			for _, name := range names {
				all = append(all, inventory.Change{Project: e.project, DesktopID: name, DesktopName: name, Kind: inventory.Renamed, Before: name, After: name})
			}
			return all
		}
	})
	pages := []string{"/inventory", "/changes", "/"}
	list := request(h, http.MethodGet, "/inventory").Body.String()
	for _, link := range firstGroups(`<tr><th scope="row"><a href="([^"]*)"`, list) {
		pages = append(pages, html.UnescapeString(link))
	}
	if len(pages) != 3+len(names) {
		t.Fatalf("%d pages, want %d", len(pages), 3+len(names))
	}
	for _, path := range pages {
		w := request(h, http.MethodGet, path)
		if w.Code != 200 {
			t.Errorf("%.100s: status %d", path, w.Code)
		}
		wellFormed(t, w.Body.String())
	}
	for _, name := range names {
		want := name
		if len([]rune(name)) > maxRunes {
			want = string([]rune(name)[:maxRunes]) + "…"
		}
		if want = strings.ReplaceAll(want, "\u0000", "\ufffd"); !strings.Contains(html.UnescapeString(list), "<bdi>"+want+"</bdi>") {
			t.Errorf("%.100q is not displayed unchanged", want)
		}
	}
}
