// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// newInterface returns an interface with a port ID, private IP, VPC, subnet, EIP
// ("": none) and security groups. An ID is the name with a prefix.
func newInterface(port, address, vpc, subnet, eip string, groups ...string) inventory.Interface {
	i := inventory.Interface{
		PortID: port, PrivateIP: address,
		VPC:    inventory.VPC{ID: "v-" + vpc, Name: vpc, CIDR: "10.0.0.0/8"},
		Subnet: inventory.Subnet{ID: "s-" + subnet, Name: subnet, CIDR: "10.0.0.0/24"},
	}
	if eip != "" {
		i.EIP = inventory.EIP{ID: "e-" + eip, Address: eip}
	}
	for _, g := range groups {
		i.SecurityGroups = append(i.SecurityGroups, inventory.SecurityGroup{ID: "g-" + g, Name: g})
	}
	return i
}

// fleet returns two projects whose desktops differ in everything that a filter
// selects by.
func fleet() []*inventory.Snapshot {
	record := func(id, name, ip, status string, interfaces ...inventory.Interface) *inventory.Record {
		return &inventory.Record{
			Desktop: inventory.Desktop{ID: id, Name: name, IP: ip, Status: status}, Listed: true,
			Networks: &inventory.Networks{Name: name, IP: ip, Interfaces: interfaces},
		}
	}
	unread := &inventory.Record{Desktop: inventory.Desktop{ID: "d4", Name: "unread", IP: "10.0.0.14", Status: "ACTIVE"}, Listed: true}
	return []*inventory.Snapshot{
		{
			Project: inventory.Project{Name: "bogota", Region: "la-north-2", ID: "0123"},
			Records: []*inventory.Record{
				record("d1", "Finance-1", "10.0.0.11", "ACTIVE", newInterface("p1", "10.0.0.11", "main", "floor", "192.0.2.1", "default", "web")),
				record("d2", "finance-2", "10.0.0.12", "SHUTOFF", newInterface("p2", "10.0.0.12", "main", "floor", "", "default")),
				record("d3", "两个", "10.0.0.13", "ACTIVE",
					newInterface("p3", "10.0.0.13", "main", "floor", "", "default"), newInterface("p4", "10.9.0.3", "lab", "bench", "192.0.2.3", "web")),
				unread,
			},
		},
		{
			Project: inventory.Project{Name: "singapore", Region: "ap-southeast-3", ID: "4567"},
			Records: []*inventory.Record{
				record("d5", "ÄGYPTEN", "10.0.0.11", "ACTIVE", newInterface("p5", "10.0.0.11", "main", "other", "2001:db8::5", "web")),
				record("d6", "bare", "", ""),
			},
		},
	}
}

func mustParseFilter(t testing.TB, query string) Filter {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFilter(values)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilter(t *testing.T) {
	for query, want := range map[string]string{
		"":                            "d1 d2 d3 d4 d5 d6",
		"vpc=&search=+&eip=":          "d1 d2 d3 d4 d5 d6", // an empty form
		"other=1":                     "d1 d2 d3 d4 d5 d6",
		"project=bogota":              "d1 d2 d3 d4",
		"project=4567":                "d5 d6",
		"project=bogota&project=4567": "d1 d2 d3 d4 d5 d6",
		"project=bogota&project=4567&region=ap-southeast-3": "d5 d6",
		"project=Bogota":                  "",
		"region=la-north-2":               "d1 d2 d3 d4",
		"vpc=main":                        "d1 d2 d3 d5",
		"vpc=v-lab":                       "d3",
		"vpc=lab&vpc=v-lab":               "d3",
		"subnet=other&subnet=s-bench":     "d3 d5",
		"security_group=web":              "d1 d3 d5",
		"security_group=g-default":        "d1 d2 d3",
		"vpc=main&security_group=web":     "d1 d5", // of one interface
		"status=active":                   "d1 d3 d4 d5",
		"status=ACTIVE&status=SHUTOFF":    "d1 d2 d3 d4 d5",
		"status=GONE":                     "",
		"eip=none":                        "d2 d6", // not d4, whose networks are unknown
		"eip=any":                         "d1 d3 d5",
		"eip=unknown":                     "d4",
		"eip=none&eip=unknown":            "d2 d4 d6",
		"eip=none&eip=any":                "d1 d2 d3 d5 d6",
		"eip=192.0.2.3":                   "d3",
		"eip=2001:DB8:0::5":               "d5",
		"eip=192.0.2.3&eip=none":          "d2 d3 d6",
		"eip=192.0.2.99":                  "",
		"eip=any&vpc=main":                "d1 d5", // of one interface
		"eip=none&vpc=main":               "d2",
		"eip=none&eip=any&vpc=main":       "d1 d2 d5",
		"eip=unknown&vpc=main":            "",
		"search=FINANCE":                  "d1 d2",
		"search=finance+192.0.2.1":        "d1",
		"search=two+ACTIVE":               "",
		"search=两":                        "d3",
		"search=ägypten":                  "d5",
		"search=D6":                       "d6",
		"search=p4":                       "d3",
		"search=10.0.0.14":                "d4",
		"search=e-192.0.2.3":              "d3",
		"search=V-LAB":                    "d3",
		"search=s-bench":                  "d3",
		"search=g-default+floor":          "d1 d2 d3",
		"search=finance-2&status=shutoff": "d2",
	} {
		t.Run(query, func(t *testing.T) {
			f := mustParseFilter(t, query)
			var got []string
			for _, r := range f.Desktops(fleet()) {
				got = append(got, r.Desktop.ID)
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			var matched []string
			for _, s := range fleet() {
				for _, r := range s.Records {
					if f.Matches(s, r) {
						matched = append(matched, r.Desktop.ID)
					}
				}
			}
			if !slices.Equal(got, matched) {
				t.Errorf("Desktops returns %v, Matches %v", got, matched)
			}
		})
	}
}

func TestFilterErrors(t *testing.T) {
	many := func(name string, n int) string {
		values := url.Values{}
		for i := range n {
			values.Add(name, fmt.Sprint(i))
		}
		return values.Encode()
	}
	for query, want := range map[string]string{
		"eip=nnoe":                           `parameter "eip" must be none, any, unknown or an IP address, not "nnoe"`,
		"search=a&search=b":                  `parameter "search" has 2 values; give all search terms in one, separated by spaces`,
		many("vpc", 101):                     `parameter "vpc" has 101 values; the maximum is 100`,
		"vpc=" + strings.Repeat("x", 257):    `parameter "vpc" has a value of 257 bytes; the maximum is 256`,
		"search=" + strings.Repeat("x+", 21): `parameter "search" has 21 search terms; the maximum is 20`,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseFilter(values); err == nil || err.Error() != want {
			t.Errorf("%.40s: got %v, want %s", query, err, want)
		}
	}
}

func TestFilterValues(t *testing.T) {
	f := mustParseFilter(t, "vpc=b&vpc=a&vpc=b&search=++two+words+&eip=none&page=3&region=")
	if got, want := f.Values().Encode(), "eip=none&search=two+words&vpc=a&vpc=b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	values := f.Values()
	values["vpc"][0] = "other"
	values.Del("eip")
	if got, want := f.Values().Encode(), "eip=none&search=two+words&vpc=a&vpc=b"; got != want {
		t.Errorf("after the caller changed its copy: %s, want %s", got, want)
	}
}

func TestSelect(t *testing.T) {
	for query, want := range map[string]string{
		"":                                 "bogota singapore",
		"project=bogota":                   "bogota",
		"project=4567&project=bogota":      "bogota singapore",
		"project=bogota&project=lima":      `no project has the name or ID "lima"`,
		"region=la-north-2":                "bogota",
		"region=la-north-9":                `no project is in the region "la-north-9"`,
		"project=bogota&region=la-north-2": "bogota",
		"project=4567&region=la-north-2":   "",
	} {
		f := mustParseFilter(t, query)
		selected, err := f.Select(fleet())
		var names []string
		for _, s := range selected {
			names = append(names, s.Project.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

// largeProject returns a project of n realistic desktops.
func largeProject(n int) *inventory.Snapshot {
	s := &inventory.Snapshot{Project: inventory.Project{Name: "office", Region: "la-north-2", ID: "0123456789abcdef0123456789abcdef"}}
	id := func(kind string, i int) string { return fmt.Sprintf("%08x-%s-4a66-9b0d-%012x", i*2654435761, kind, i) }
	for i := range n {
		ip := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		name := fmt.Sprintf("desktop-%06d", i)
		nic := inventory.Interface{
			PortID: id("0001", i), PrivateIP: ip,
			VPC:            inventory.VPC{ID: id("0002", i/10000), Name: "vpc-main", CIDR: "10.0.0.0/8"},
			Subnet:         inventory.Subnet{ID: id("0003", i/250), Name: fmt.Sprintf("subnet-%d", i/250), CIDR: "10.0.0.0/24"},
			SecurityGroups: []inventory.SecurityGroup{{ID: id("0004", i%7), Name: "default"}, {ID: id("0005", i%3), Name: "web"}},
		}
		if i%3 == 0 {
			nic.EIP = inventory.EIP{ID: id("0006", i), Address: fmt.Sprintf("198.%d.%d.%d", 18+i>>16, i>>8&255, i&255)}
		}
		s.Records = append(s.Records, &inventory.Record{
			Desktop: inventory.Desktop{ID: id("0000", i), Name: name, IP: ip, Status: "ACTIVE"}, Listed: true,
			Networks: &inventory.Networks{Name: name, IP: ip, Interfaces: []inventory.Interface{nic}},
		})
	}
	return s
}

func BenchmarkFilter(b *testing.B) {
	snapshots := []*inventory.Snapshot{largeProject(100_000)}
	for _, query := range []string{"", "eip=none", "vpc=vpc-main&security_group=web", "search=nowhere", "search=desktop-0999", "search=la-norte+10.1"} {
		b.Run(query, func(b *testing.B) {
			f := mustParseFilter(b, query)
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for range f.Desktops(snapshots) {
					n++
				}
			}
		})
	}
}

func TestMatchesDoesNotAllocate(t *testing.T) {
	snapshots := []*inventory.Snapshot{largeProject(1000)}
	f := mustParseFilter(t, "vpc=vpc-main&eip=none&status=active&search=DESKTOP+10.0")
	n := 0
	allocs := testing.AllocsPerRun(10, func() {
		for range f.Desktops(snapshots) {
			n++
		}
	})
	if n == 0 || allocs > 5 {
		t.Errorf("%g allocations for %d desktops of 1000", allocs, n/11)
	}
}

func TestApply(t *testing.T) {
	all := fleet()
	for _, s := range all {
		s.VPCs, s.Subnets, s.SecurityGroups = inventory.Resources(s.Records)
		s.Health = inventory.Health{Unresolved: 1, Unread: 1, Stale: 3}
		s.CheckedReasons, s.Findings = inventory.FindingReasons(), []inventory.Finding{{Reason: inventory.EIPNotShown}}
	}
	whole := mustParseFilter(t, "project=singapore")
	if got := whole.Apply(all); len(got) != 1 || got[0] != all[1] {
		t.Error("a snapshot whose desktops all match is not returned as it is")
	}
	some := mustParseFilter(t, "vpc=lab")
	got := some.Apply(all)
	if len(got) != 2 || len(got[1].Records) != 0 {
		t.Fatalf("%d projects; want two, the second empty", len(got))
	}
	s := got[0]
	if len(s.Records) != 1 || s.Records[0].Desktop.ID != "d3" || len(s.VPCs) != 2 || len(s.Subnets) != 2 || s.CheckedReasons != nil || s.Findings != nil {
		t.Errorf("%d records, %v, %v, %v of %v; want d3, its VPCs, subnets and groups, and no findings, checked or found", len(s.Records), s.VPCs, s.Subnets, s.Findings, s.CheckedReasons)
	}
	if h := s.Health; h.Unresolved != 0 || h.Unread != 0 || h.Stale != 1 {
		t.Errorf("%+v; want 0 unresolved and at most the 1 stale", h)
	}
	if len(all[0].Records) != 4 || all[0].Health.Stale != 3 {
		t.Error("the snapshot itself was changed")
	}
}

func BenchmarkOutputs(b *testing.B) {
	s := largeProject(100_000)
	f, d := mustParseFilter(b, ""), mustParseDiscovery(b, "port=9182")
	v := Inventory{Snapshots: []*inventory.Snapshot{s}, Filter: &f}
	for name, write := range map[string]func(io.Writer) error{
		"json": v.WriteJSON, "csv": v.WriteCSV, "table": v.WriteTable,
		"targets": func(w io.Writer) error { return d.WriteTargets(w, v.Snapshots, &f, Fields{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := byteCounter(0)
				if err := write(&n); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(n))
			}
		})
	}
}

// byteCounter is a writer that counts bytes.
type byteCounter int

func (c *byteCounter) Write(p []byte) (int, error) {
	*c += byteCounter(len(p))
	return len(p), nil
}
