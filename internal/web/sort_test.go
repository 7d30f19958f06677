// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestNaturalKey(t *testing.T) {
	ascending := []string{
		"", "-", "0", "1", "2", "10", "A-2", "a-10", "a-10-b", "a-10b2", "a-10b11", "a-1000000000000000000000", "ab", "b", "Ä", "ö", "桌面-2", "桌面-11", "\xff",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := naturalKey(a) < naturalKey(b), i < j; got != want {
				t.Errorf("%q before %q: %t, want %t", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"pc-7", "PC-007"}, {"ÄRGER", "ärger"}} {
		if naturalKey(same[0]) != naturalKey(same[1]) {
			t.Errorf("%q and %q have different keys", same[0], same[1])
		}
	}
}

func TestAddressKey(t *testing.T) {
	ascending := []string{"", "9.255.0.1", "10.0.0.2", "10.0.0.10", "192.0.2.1", "2001:db8::2", "2001:db8::10", "no address"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := addressKey(a) < addressKey(b), i < j; got != want {
				t.Errorf("%q before %q: %t, want %t", a, b, got, want)
			}
		}
	}
}

func TestSortPositions(t *testing.T) {
	keys := []string{"b", "", "a", "b", "", "c"}
	if got, want := sortPositions(keys, false), []int32{2, 0, 3, 5, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("ascending: %v, want %v", got, want)
	}
	if got, want := sortPositions(keys, true), []int32{5, 0, 3, 2, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("descending: %v, want %v", got, want)
	}
}

func TestSortIndexIsReused(t *testing.T) {
	snapshot := func(names ...string) *inventory.Snapshot {
		s := &inventory.Snapshot{Project: inventory.Project{Name: "bogota"}}
		for _, n := range names {
			s.Records = append(s.Records, &inventory.Record{Desktop: inventory.Desktop{ID: n, Name: n}})
		}
		return s
	}
	var c sortIndexCache
	made := 0
	order := func(s *inventory.Snapshot) string {
		positions := c.get([]*inventory.Snapshot{s}).positions(sortOrder{"name", false}, func(e entry) string {
			made++
			return naturalKey(e.record.Name())
		})
		var names []string
		for _, p := range positions {
			names = append(names, s.Records[p].Name())
		}
		return strings.Join(names, " ")
	}
	first := snapshot("c", "a", "b")
	again := *first // a later snapshot of unchanged desktops
	again.Health.Up = true
	for _, s := range []*inventory.Snapshot{first, &again, first} {
		if got := order(s); got != "a b c" || made != 3 {
			t.Errorf("order %q after %d keys, want a b c after 3", got, made)
		}
	}
	if got := order(snapshot("d", "c")); got != "c d" || made != 5 {
		t.Errorf("order %q after %d keys, want c d after 5", got, made)
	}
	if got := order(snapshot()); got != "" {
		t.Errorf("order %q of no desktop", got)
	}
}

// BenchmarkInventory measures pages of 100,000 desktops: with the sort index of
// unchanged desktops, and with a new one for every page, as after a change.
func BenchmarkInventory(b *testing.B) {
	s := &server{
		Options:   Options{Fleet: refreshedFleet(b, newTestProject("office", manyDesktops(100_000)...)), TelemetryPath: "/metrics", Logger: log.NewNopLogger()},
		templates: parseTemplates(""),
	}
	for _, query := range []string{"", "sort=-ip&page=1000", "sort=data", "eip=none", "search=desktop-99", "search=desktop-99+10.0.", "search=nowhere", "size=500"} {
		for _, source := range []string{"index", "baseline=sort-every-time"} {
			b.Run(query+"/"+source, func(b *testing.B) {
				if query == "sort=data" && source != "index" {
					b.Skip("this order changes with every read and is never cached")
				}
				b.ReportAllocs()
				before := cpu(b)
				defer func() { b.ReportMetric((cpu(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op") }()
				for b.Loop() {
					if source != "index" {
						s.sortIndexes.index = nil
					}
					if w := request(http.HandlerFunc(s.serveInventory), http.MethodGet, "/inventory?"+query); w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}

// cpu returns the processor time that the process has used, which unlike elapsed time
// does not depend on other load.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestPageReusesSortIndex bounds the cost of a page of unchanged desktops.
func TestPageReusesSortIndex(t *testing.T) {
	e := newTestProject("office", manyDesktops(5000)...)
	s := &server{Options: Options{Fleet: refreshedFleet(t, e), Logger: log.NewNopLogger()}}
	snapshots := s.Fleet.Snapshots()
	query, err := url.ParseQuery("sort=-ip&page=3")
	if err != nil {
		t.Fatal(err)
	}
	v, err := parseInventoryView(query)
	if err != nil {
		t.Fatal(err)
	}
	var shown []entry
	load := func() { shown, _ = s.selectPage(s.sortIndexes.get(snapshots), snapshots, v) }
	load()
	if allocs := testing.AllocsPerRun(10, load); allocs > 100 {
		t.Errorf("%g allocations for a page of %d, want less than 100", allocs, len(shown))
	}
	if len(shown) != 50 || shown[0].record.Name() != "desktop-100" {
		t.Errorf("the third page has %d desktops from %s, want 50 from desktop-100", len(shown), shown[0].record.Name())
	}
}

func TestFormatAge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for d, want := range map[time.Duration]string{
		-time.Minute: "0 s", 0: "0 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d",
	} {
		if got := formatAge(now.Add(-d), now); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := formatAge(time.Time{}, now); got != "never" {
		t.Errorf("no time: %q, want never", got)
	}
}

func TestFindingSentence(t *testing.T) {
	a, b := desktop("d1", "pc-1", "", "10.9.9.9", ""), desktop("d2", "", "", "", "")
	s := &inventory.Snapshot{
		Project: inventory.Project{Name: "bogota"}, Records: []*inventory.Record{&a, &b},
		VPCs: []inventory.VPC{{ID: "v1", Name: "main"}, {ID: "v2"}}, Subnets: []inventory.SubnetUsage{{Subnet: inventory.Subnet{ID: "s1", Name: "floor"}}},
	}
	h := &server{templates: parseTemplates("/x")}
	for _, tc := range []struct {
		finding inventory.Finding
		want    string
	}{
		{inventory.Finding{Reason: inventory.AddressOutsideSubnet, Subject: "d1", Other: "s1", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, which is not in its subnet floor"},
		{inventory.Finding{Reason: inventory.SubnetOutsideVPC, Subject: "s1", Other: "v1", Value: "10.0.0.0/8"}, "floor has the CIDR 10.0.0.0/8, which is not in its VPC main"},
		{inventory.Finding{Reason: inventory.VPCsOverlap, Subject: "v1", Other: "v2", Value: "10.0.0.0/8"}, "main has the CIDR 10.0.0.0/8, which overlaps with the VPC v2"},
		{inventory.Finding{Reason: inventory.AddressUsedTwice, Subject: "d1", Other: "d2", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, the same address in the same VPC as d2"},
		{inventory.Finding{Reason: inventory.AddressUsedTwice, Subject: "d1", Other: "d1", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, on two of its interfaces in the same VPC"},
		{inventory.Finding{Reason: inventory.EIPUsedTwice, Subject: "d1", Other: "gone", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, the same EIP as gone"},
		{inventory.Finding{Reason: inventory.EIPNotShown, Subject: "d1", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, according to the EIP list, but not to its networks"},
		{inventory.Finding{Reason: inventory.EIPNotListed, Subject: "d1", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, according to its networks, but not to the EIP list"},
		{inventory.Finding{Reason: "something_new", Subject: "d1", Value: "<b>"}, "pc-1 something new: <b>"},
	} {
		var out strings.Builder
		if err := h.templates.ExecuteTemplate(&out, "finding", newFindingSentence(s, tc.finding)); err != nil {
			t.Fatal(err)
		}
		if got := texts(`(?s)^(.*)$`, out.String()); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
		for _, link := range firstGroups(`href="([^"]*)"`, out.String()) {
			if !strings.HasPrefix(link, "/x/desktop?id=d") && !strings.HasPrefix(link, "/x/inventory?subnet=s1") && !strings.HasPrefix(link, "/x/inventory?vpc=v") {
				t.Errorf("unexpected link %s", link)
			}
		}
	}
}

func TestFormFields(t *testing.T) {
	f := selectField("status", "Status", []string{"GONE"}, formOptions([]string{"ACTIVE"})...)
	if got := f.Options; len(got) != 3 || got[2] != (formOption{"GONE", "GONE", true}) || got[0].Selected || got[1].Selected {
		t.Errorf("options %v, want GONE as the last and selected", got)
	}
	var many []string
	for i := range 1000 {
		many = append(many, strings.Repeat("x", 999-i))
	}
	many = distinctSorted(append(many, "x", ""))
	if got := textField("vpc", "VPC", nil, many).Options; len(got) != maxSuggestions || got[0].Value != "x" || got[1].Value != "xx" {
		t.Errorf("%d suggestions from %q, want %d from x", len(got), got[0].Value, maxSuggestions)
	}
	if got, _ := export.ParseFilter(url.Values{"status": {"GONE"}}); len(got.Values()["status"]) != 1 {
		t.Error("the filter does not accept it")
	}
}
