// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var pictures = flag.String("pictures", "", "a directory to put pictures of the pages into")

const firstName = `tbody tr:first-child th a`

// column returns the texts of a column of the table.
func (b *browser) column(label string) []string {
	b.Helper()
	if label == "Desktop" {
		return b.texts(`tbody th bdi`)
	}
	return b.texts(fmt.Sprintf(`td[data-label=%q]`, label))
}

// count returns the sentence above the table.
func (b *browser) count() string { return strings.Join(b.texts("#count"), "") }

// TestInventoryInBrowser searches, sorts, pages and looks at a desktop as
// people do with a mouse.
func TestInventoryInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	const desktops = 180
	_, yaml := startCloud(t, desktops)
	x := exporterWithConfig(t, yaml)
	x.get(t, "/metrics")
	b := browse(t, x)
	b.setViewport(1280, 900, "light")

	b.open("/")
	b.click(`main a[href="/inventory"]`)
	if got, want := b.count(), "Desktops 1 to 50 of 180"; got != want {
		t.Errorf("all: %q, want %q", got, want)
	}

	// Another page, and back to the first by its number.
	before := b.column("Desktop")
	b.click(`a[rel=next]`)
	if got := b.column("Desktop"); b.path() != "/inventory?page=2" || len(got) != 50 || slices.Contains(before, got[0]) {
		t.Errorf("the next page is %s with %d desktops from %s", b.path(), len(got), got[0])
	}
	b.click(`.pager li:last-child a`)
	b.click(`a[rel=next]`)
	if got, want := b.count(), "Desktops 151 to 180 of 180"; got != want || len(b.texts("a[rel=next]")) != 0 {
		t.Errorf("the last page: %q, want %q and no next one", got, want)
	}

	// Sorted by address, either way, from the first page on.
	ascending := func(a, b string) int { return netip.MustParseAddr(a).Compare(netip.MustParseAddr(b)) }
	for _, direction := range []string{"ascending", "descending"} {
		for len(b.texts(`th[aria-sort=`+direction+`] a[href*="ip"]`)) == 0 {
			b.click(`thead th:nth-child(3) a`)
		}
		addresses := b.texts(`td[data-label="Private IP"] bdi:first-child`)
		if direction == "descending" {
			slices.Reverse(addresses)
		}
		if len(addresses) != 50 || !slices.IsSortedFunc(addresses, ascending) {
			t.Errorf("%s: %v", direction, addresses)
		}
	}

	// A search keeps the order.
	wanted, _, _ := strings.Cut(b.column("Desktop")[7], "-")
	b.do("type", chromedp.SendKeys(chromedp.CSS("#search"), strings.ToUpper(wanted)))
	b.click("form button")
	if want := "/inventory?search=" + strings.ToUpper(wanted) + "&sort=-ip"; b.path() != want {
		t.Errorf("the search leads to %s, want %s", b.path(), want)
	}
	for _, name := range b.column("Desktop") {
		if !strings.Contains(name, wanted) {
			t.Errorf("%s is found by %s", name, wanted)
		}
	}

	// A filter, which a click takes away.
	b.do("choose", chromedp.SetValue(chromedp.CSS("#eip"), "none"))
	b.click("form button")
	for _, eip := range b.column("EIP") {
		if eip != "none" {
			t.Errorf("a desktop without an EIP has %s", eip)
		}
	}
	if got := b.texts(".chips li"); len(got) != 3 {
		t.Errorf("the filters in force are %v, want two and what removes them", got)
	}
	b.click(`.chips li:first-child a`)
	b.click(`.chips li:last-child a`)
	if b.path() != "/inventory" {
		t.Errorf("without its filters the page is %s", b.path())
	}

	// A desktop, and from it those that share its VPC.
	name := b.column("Desktop")[0]
	b.click(firstName)
	if got := b.texts("h1"); len(got) != 1 || got[0] != name || !strings.HasPrefix(b.path(), "/desktop?") {
		t.Errorf("the page of %s is %s, headed %v", name, b.path(), got)
	}
	if got := strings.Join(b.texts("main > .lead"), ""); !strings.HasPrefix(got, "Network data was read ") {
		t.Errorf("its data: %q", got)
	}
	b.click(`dd a[href^="/inventory?vpc="]`)
	if !slices.Contains(b.column("Desktop"), name) {
		t.Errorf("%s is not in its own VPC: %s", name, b.path())
	}
}

// TestKeyboardNavigation walks from the top of the page to a desktop without a mouse.
func TestKeyboardNavigation(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	_, yaml := startCloud(t, 60)
	x := exporterWithConfig(t, yaml)
	x.get(t, "/metrics")
	b := browse(t, x)
	b.setViewport(1280, 900, "light")
	b.open("/inventory")

	// focus returns the focused element, and fails the test if its focus is not visible.
	focus := func() string {
		t.Helper()
		got := eval[[]string](b, `(() => {
			const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
			const seen = r.width > 0 && r.bottom > 0 && r.right > 0 && r.top < innerHeight && s.outlineStyle != "none";
			return [e.id || e.getAttribute("href") || e.tagName, e.tagName == "MAIN" || seen ? "" : "unseen"];
		})()`)
		if got[1] != "" {
			t.Errorf("%s has the focus, which is not visible", got[0])
		}
		return got[0]
	}
	// walk presses Tab until something has the focus, and returns what had it.
	walk := func(to string) (way []string) {
		t.Helper()
		for range 40 {
			b.press(kb.Tab)
			way = append(way, focus())
			if way[len(way)-1] == to {
				return way
			}
		}
		t.Fatalf("Tab does not lead to %s: %v", to, way)
		return nil
	}
	want := "#main / /inventory /changes /status /metrics /config search"
	if got := strings.Join(walk("search"), " "); got != want {
		t.Errorf("Tab leads over %s, want %s", got, want)
	}
	b.open("/inventory")
	walk("#main")
	b.press(kb.Enter)
	if got := focus(); got != "main" {
		t.Errorf("the skip link leads to %s", got)
	}
	want = "search status eip BUTTON SUMMARY"
	if got := walk("search"); len(got) != 1 {
		t.Errorf("behind the skip link comes %v, want the search", got)
	}
	if got := strings.Join(append([]string{"search"}, walk("SUMMARY")...), " "); got != want {
		t.Errorf("Tab leads over %s, want %s", got, want)
	}
	b.press(kb.Enter) // opens what is folded
	walk("vpc")
	walk("size")

	b.open("/inventory")
	walk("search")
	name := b.column("Desktop")[20]
	b.press(name)
	b.pressEnter()
	if got := b.column("Desktop"); len(got) == 0 || got[0] != name {
		t.Fatalf("the search for %s finds %v", name, got)
	}
	link := eval[string](b, `document.querySelector("tbody th a").getAttribute("href")`)
	walk(link)
	b.pressEnter()
	if got := b.texts("h1"); len(got) != 1 || got[0] != name {
		t.Errorf("the page of %s is headed %v", name, got)
	}
}

// TestHostileNamesInBrowser shows names that want to be more than text.
func TestHostileNamesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	names := []string{
		`<script>alert(document.title="script")</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`,
		`</td></tr></table><h1>Owned</h1>`, `<a href="javascript:alert(1)">click</a>`, `{{.}} ${alert(1)}`,
		"\u202eexe.tseuqer\u202c", "\u2066open isolate", "two\nlines\tand a tab", "🖥️ escritorio 桌面", strings.Repeat("long", 60),
	}
	cloud, yaml := startCloud(t, 1)
	var desktops []simulator.Desktop
	for i, d := range simulator.GenerateDesktops(len(names), 7) {
		d.Name = names[i]
		d.Tags = []simulator.Tag{{Key: names[i], Value: names[i]}}
		n := &d.Interfaces[0]
		n.VPC.Name, n.Subnet.Name = names[i], names[i]
		n.Groups = []simulator.Group{{ID: "g" + fmt.Sprint(i), Name: names[i]}}
		desktops = append(desktops, d)
	}
	cloud.SetDesktops(projectID, desktops)
	x := exporterWithConfig(t, yaml)
	x.get(t, "/metrics")
	b := browse(t, x)
	b.setViewport(360, 800, "dark")
	b.open("/inventory")
	shown := b.column("Desktop")
	for _, name := range names {
		want := name
		if len(name) > 120 {
			want = name[:120] + "…"
		}
		if !slices.Contains(shown, want) {
			t.Errorf("%q is not shown as it is, but %q", want, shown)
		}
	}
	b.checkWidth(t, "/inventory")
	links := eval[[]string](b, `[...document.querySelectorAll("tbody th a")].map(a => a.getAttribute("href"))`)
	if len(links) != len(names) {
		t.Fatalf("%d desktops, want %d", len(links), len(names))
	}
	for _, link := range links {
		b.open(link)
		b.checkWidth(t, link)
		if got := b.texts("h1"); len(got) != 1 || !slices.Contains(names, got[0]) {
			t.Errorf("%s is headed %q", link, got)
		}
	}
	if got := eval[string](b, `document.title`); strings.HasPrefix(got, "script") {
		t.Error("a script has run")
	}
}

// checkWidth fails the test if the page is wider than the window.
func (b *browser) checkWidth(t *testing.T, what string) {
	t.Helper()
	if got := eval[[]int](b, `[document.documentElement.scrollWidth, innerWidth]`); got[0] > got[1] {
		t.Errorf("%s is %d pixels wide, and the window %d", what, got[0], got[1])
	}
}

// contrasts returns the texts whose contrast with what is behind them is below
// the minimum of WCAG for small text, 4.5.
const contrasts = `(() => {
	const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
	const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const behind = e => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length == 3 || c[3] == 1) return c;
		}
		return [255, 255, 255];
	};
	const bad = [];
	let n = 0;
	const look = (e, color, text) => {
		const [a, b] = [light(parse(color)), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
		n++;
		if (!(ratio >= 4.5)) bad.push(text.trim().slice(0, 40) + " " + ratio.toFixed(2));
	};
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter(c => c.nodeType == 3 && c.data.trim()).map(c => c.data).join(" ");
		if (text && e.getClientRects().length) look(e, getComputedStyle(e).color, text);
		if (e.placeholder) look(e, getComputedStyle(e, "::placeholder").color, e.placeholder);
	}
	return n > 5 ? bad : ["only " + n + " texts"];
})()`

// TestPageLayout looks at all pages of the demo in both colour schemes, on a wide
// screen and on phones.
func TestPageLayout(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	x := exporter(t, "--demo")
	x.eventually(t, waitTimeout, "the demo is read", func() bool { return x.get(t, "/-/ready").status == 200 })
	b := browse(t, x)
	b.open("/inventory?eip=any")
	desktop := eval[string](b, `document.querySelector("tbody th a").getAttribute("href")`)
	backgrounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		for name, path := range map[string]string{
			"inventory": "/inventory", "filtered": "/inventory?vpc=vpc-office&status=ACTIVE&sort=-ip&size=100&page=2", "desktop": desktop,
			"changes": "/changes", "status": "/status", "landing": "/", "mistake": "/inventory?eip=nnoe", "nobody": "/desktop?project=office-mexico&id=nobody",
		} {
			for _, width := range []int64{1280, 390, 360, 320} {
				b.setViewport(width, 900, scheme)
				b.open(path)
				what := fmt.Sprintf("%s, %s, %d pixels", path, scheme, width)
				b.checkWidth(t, what)
				if bad := eval[[]string](b, contrasts); len(bad) > 0 {
					t.Errorf("%s: too little contrast: %v", what, bad)
				}
				b.screenshot(t, fmt.Sprintf("pages-%s-%s-%d.png", name, scheme, width))
			}
		}
		backgrounds[eval[string](b, `getComputedStyle(document.body).backgroundColor`)] = true
	}
	if len(backgrounds) != 2 {
		t.Errorf("both colour schemes have the background %v", backgrounds)
	}
}

// screenshot takes a picture of what the browser shows, if pictures are wanted.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name), png, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFirstPaint measures how long a user waits for the pages of 100,000 desktops,
// from the request to the first paint.
func TestFirstPaint(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and some gigabytes")
	}
	_, yaml := startCloud(t, 100_000, "limits: {requests_per_minute: 10000}")
	x := exporterWithConfig(t, yaml)
	x.eventually(t, 3*time.Minute, "all desktops read", func() bool {
		page := x.get(t, "/probe?target=office", "X-Prometheus-Scrape-Timeout-Seconds", "60")
		return unresolved.FindStringSubmatch(page.body)[1] == "0"
	})
	b := browse(t, x)
	b.setViewport(1280, 900, "light")
	b.open("/") // so that the browser itself and the style sheet are warm
	for _, path := range []string{
		"/inventory", "/inventory", "/inventory?page=1999", "/inventory?sort=-ip", "/inventory?sort=-ip&page=2", "/inventory?sort=data",
		"/inventory?search=fin", "/inventory?search=nowhere", "/inventory?eip=none&sort=subnet", "/inventory?size=500",
	} {
		b.open(path)
		times := eval[[]float64](b, `new Promise(done => new PerformanceObserver(list => {
			const n = performance.getEntriesByType("navigation")[0];
			for (const paint of list.getEntriesByName("first-contentful-paint")) done([n.responseStart, paint.startTime, n.encodedBodySize]);
		}).observe({type: "paint", buffered: true}))`)
		t.Logf("%-40s first byte %4.0f ms, first paint %4.0f ms, %3.0f kB; %s", path, times[0], times[1], times[2]/1000, b.count())
		if times[1] > 5000 {
			t.Errorf("%s: first paint after %.0f ms", path, times[1])
		}
	}
}
