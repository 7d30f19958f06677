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

func TestNaturalOrder(t *testing.T) {
	ascending := []string{
		"", "-", "0", "1", "2", "10", "A-2", "a-10", "a-10-b", "a-10b2", "a-10b11", "a-1000000000000000000000", "ab", "b", "Ä", "ö", "桌面-2", "桌面-11", "\xff",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := natural(a) < natural(b), i < j; got != want {
				t.Errorf("%q before %q: %t, want %t", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"pc-7", "PC-007"}, {"ÄRGER", "ärger"}} {
		if natural(same[0]) != natural(same[1]) {
			t.Errorf("%q and %q are not alike", same[0], same[1])
		}
	}
}

func TestAddressOrder(t *testing.T) {
	ascending := []string{"", "9.255.0.1", "10.0.0.2", "10.0.0.10", "192.0.2.1", "2001:db8::2", "2001:db8::10", "no address"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := numeric(a) < numeric(b), i < j; got != want {
				t.Errorf("%q before %q: %t, want %t", a, b, got, want)
			}
		}
	}
}

func TestWhatLacksAKeyGoesLast(t *testing.T) {
	keys := []string{"b", "", "a", "b", "", "c"}
	if got, want := sorted(keys, false), []int32{2, 0, 3, 5, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("ascending: %v, want %v", got, want)
	}
	if got, want := sorted(keys, true), []int32{5, 0, 3, 2, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("descending: %v, want %v", got, want)
	}
}

func TestAnOrderIsMadeOnceForTheSameDesktops(t *testing.T) {
	snapshot := func(names ...string) *inventory.Snapshot {
		s := &inventory.Snapshot{Project: inventory.Project{Name: "bogota"}}
		for _, n := range names {
			s.Records = append(s.Records, &inventory.Record{Desktop: inventory.Desktop{ID: n, Name: n}})
		}
		return s
	}
	var c catalogs
	made := 0
	order := func(s *inventory.Snapshot) string {
		places := c.of([]*inventory.Snapshot{s}).in(order{"name", false}, func(e entry) string {
			made++
			return natural(e.record.Name())
		})
		var names []string
		for _, p := range places {
			names = append(names, s.Records[p].Name())
		}
		return strings.Join(names, " ")
	}
	first := snapshot("c", "a", "b")
	again := *first // the next snapshot of desktops that did not change
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

// BenchmarkInventory asks for pages of a hundred thousand desktops: while no
// desktop changes, and sorting anew for every page, as a page after a change
// does and one without the catalog always would.
func BenchmarkInventory(b *testing.B) {
	s := &server{
		Options: Options{Fleet: estates(b, newEstate("office", crowd(100_000)...)), TelemetryPath: "/metrics", Logger: log.NewNopLogger()},
		pages:   newPages(""),
	}
	for _, query := range []string{"", "sort=-ip&page=1000", "sort=data", "eip=none", "search=desktop-99", "search=desktop-99+10.0.", "search=nowhere", "size=500"} {
		for _, from := range []string{"catalog", "baseline=sort-every-time"} {
			b.Run(query+"/"+from, func(b *testing.B) {
				if query == "sort=data" && from != "catalog" {
					b.Skip("this order changes with every reading, and is always made anew")
				}
				b.ReportAllocs()
				before := cpu(b)
				defer func() { b.ReportMetric((cpu(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op") }()
				for b.Loop() {
					if from != "catalog" {
						s.catalogs.latest = nil
					}
					if w := ask(http.HandlerFunc(s.inventory), http.MethodGet, "/inventory?"+query); w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}

// cpu is the processor time that the process has taken: unlike the time that
// passes, it says the same on a busy machine.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestALargeFleetIsNotSortedForEveryPage holds a page to what it may cost.
func TestALargeFleetIsNotSortedForEveryPage(t *testing.T) {
	e := newEstate("office", crowd(5000)...)
	s := &server{Options: Options{Fleet: estates(t, e), Logger: log.NewNopLogger()}}
	snapshots := s.Fleet.Snapshots()
	query, err := url.ParseQuery("sort=-ip&page=3")
	if err != nil {
		t.Fatal(err)
	}
	v, err := readView(query)
	if err != nil {
		t.Fatal(err)
	}
	var shown []entry
	look := func() { shown, _ = s.choose(s.catalogs.of(snapshots), snapshots, v) }
	look()
	if allocs := testing.AllocsPerRun(10, look); allocs > 100 {
		t.Errorf("%g allocations for a page of %d, want less than 100", allocs, len(shown))
	}
	if len(shown) != 50 || shown[0].record.Name() != "desktop-100" {
		t.Errorf("the third page shows %d desktops from %s, want 50 from desktop-100", len(shown), shown[0].record.Name())
	}
}

func TestAge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for d, want := range map[time.Duration]string{
		-time.Minute: "0 s", 0: "0 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d",
	} {
		if got := age(now.Add(-d), now); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := age(time.Time{}, now); got != "never" {
		t.Errorf("no time: %q, want never", got)
	}
}

func TestAFindingIsASentence(t *testing.T) {
	a, b := desktop("d1", "pc-1", "", "10.9.9.9", ""), desktop("d2", "", "", "", "")
	s := &inventory.Snapshot{
		Project: inventory.Project{Name: "bogota"}, Records: []*inventory.Record{&a, &b},
		VPCs: []inventory.VPC{{ID: "v1", Name: "main"}, {ID: "v2"}}, Subnets: []inventory.SubnetUsage{{Subnet: inventory.Subnet{ID: "s1", Name: "floor"}}},
	}
	h := &server{pages: newPages("/x")}
	for _, tc := range []struct {
		finding inventory.Finding
		want    string
	}{
		{inventory.Finding{Reason: inventory.AddressOutsideSubnet, Subject: "d1", Other: "s1", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, which is not in its subnet floor"},
		{inventory.Finding{Reason: inventory.SubnetOutsideVPC, Subject: "s1", Other: "v1", Value: "10.0.0.0/8"}, "floor has the CIDR 10.0.0.0/8, which is not in its VPC main"},
		{inventory.Finding{Reason: inventory.VPCsOverlap, Subject: "v1", Other: "v2", Value: "10.0.0.0/8"}, "main has the CIDR 10.0.0.0/8, which shares addresses with the VPC v2"},
		{inventory.Finding{Reason: inventory.AddressUsedTwice, Subject: "d1", Other: "d2", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, and in the same VPC so has d2"},
		{inventory.Finding{Reason: inventory.AddressUsedTwice, Subject: "d1", Other: "d1", Value: "10.9.9.9"}, "pc-1 has the address 10.9.9.9, on two of its interfaces in the same VPC"},
		{inventory.Finding{Reason: inventory.EIPUsedTwice, Subject: "d1", Other: "gone", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, and so has gone"},
		{inventory.Finding{Reason: inventory.EIPNotShown, Subject: "d1", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, as the EIP list says, but not its networks"},
		{inventory.Finding{Reason: inventory.EIPNotListed, Subject: "d1", Value: "192.0.2.1"}, "pc-1 has the EIP 192.0.2.1, as its networks say, but not the EIP list"},
		{inventory.Finding{Reason: "something_new", Subject: "d1", Value: "<b>"}, "pc-1 something new: <b>"},
	} {
		var out strings.Builder
		if err := h.pages.ExecuteTemplate(&out, "finding", describeFinding(s, tc.finding)); err != nil {
			t.Fatal(err)
		}
		if got := words(`(?s)^(.*)$`, out.String()); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
		for _, link := range first(`href="([^"]*)"`, out.String()) {
			if !strings.HasPrefix(link, "/x/desktop?id=d") && !strings.HasPrefix(link, "/x/inventory?subnet=s1") && !strings.HasPrefix(link, "/x/inventory?vpc=v") {
				t.Errorf("it links %s", link)
			}
		}
	}
}

func TestAFieldTakesAnyValueThatALinkMayHave(t *testing.T) {
	f := choice("status", "Status", []string{"GONE"}, options("any", []string{"ACTIVE"})...)
	if got := f.Options; len(got) != 3 || got[2] != (option{"GONE", "GONE", true}) || got[0].Selected || got[1].Selected {
		t.Errorf("options %v, want GONE as the last and chosen", got)
	}
	var many []string
	for i := range 1000 {
		many = append(many, strings.Repeat("x", 999-i))
	}
	many = distinct(append(many, "x", ""))
	if got := proposed("vpc", "VPC", nil, many).Options; len(got) != mostProposals || got[0].Value != "x" || got[1].Value != "xx" {
		t.Errorf("%d proposals from %q, want %d from x", len(got), got[0].Value, mostProposals)
	}
	if got, _ := export.ParseFilter(url.Values{"status": {"GONE"}}); len(got.Values()["status"]) != 1 {
		t.Error("the filter does not take it")
	}
}
