// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// numberedDesktops returns n desktops with the IDs d0000, d0001 and so on.
func numberedDesktops(n int) []simulator.Desktop {
	desktops := make([]simulator.Desktop, n)
	for i := range desktops {
		desktops[i].ID = fmt.Sprintf("d%04d", i)
		desktops[i].Interfaces = []simulator.Interface{{EIP: &simulator.EIP{ID: fmt.Sprintf("e%04d", i)}}}
	}
	return desktops
}

func TestPaging(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1, 10, 1000} { // 0: the default
		sizes := []int{0, 1, limit - 1, limit, limit + 1, 3 * limit}
		if limit == 0 {
			sizes = []int{0, 1, 999, 1000, 1001, 3000}
		}
		for _, n := range sizes {
			t.Run(fmt.Sprintf("limit %d of %d", limit, n), func(t *testing.T) {
				t.Parallel()
				cloud, base := start(t, simulator.Options{})
				cloud.SetDesktops(project, numberedDesktops(n))
				var all []string
				pages := 0
				for {
					query := fmt.Sprintf("offset=%d", len(all))
					if limit > 0 {
						query += fmt.Sprintf("&limit=%d", limit)
					}
					page, total := responseIDs(t, get(t, base, listPath, query))
					if total != n {
						t.Fatalf("got total %d, want %d", total, n)
					}
					if len(page) == 0 {
						break
					}
					pages++
					all = append(all, page...)
				}
				size := limit
				if size == 0 {
					size = 1000
				}
				if want := (n + size - 1) / size; pages != want {
					t.Errorf("got %d pages, want %d", pages, want)
				}
				var want []string
				for _, d := range numberedDesktops(n) {
					want = append(want, d.ID)
				}
				if diff := cmp.Diff(want, all); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestListLimits(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, numberedDesktops(3))
	hundred := strings.Repeat("desktop_id=d0001&", 99)
	for query, want := range map[string]string{ // IDs, or the error
		"limit=0":                             "",
		"limit=1000":                          "d0000 d0001 d0002",
		"limit=1001":                          "limit is out of range",
		"limit=-1":                            "limit is out of range",
		"limit=many":                          "limit is out of range",
		"limit=":                              "limit is out of range",
		"limit=2&offset=2":                    "d0002",
		"offset=3":                            "",
		"offset=2147483647":                   "",
		"offset=2147483648":                   "offset is out of range",
		"offset=-1":                           "offset is out of range",
		"unknown=1":                           "d0000 d0001 d0002",
		hundred + "desktop_id=d0002":          "d0001 d0002",
		hundred + "desktop_id=a&desktop_id=b": "desktop_id takes at most 100 ids",
		"tag=team":                            "tag must be key1=value1,key2=value2",
		"tag=%3Dfinance":                      "tag must be key1=value1,key2=value2",
	} {
		r := get(t, base, listPath, query)
		if strings.Contains(want, " at ") || strings.Contains(want, "must") || strings.Contains(want, "range") {
			body := `{"error_code":"WKS.0001","error_msg":"The request parameters are invalid.","error_detail":"` + want +
				`","encoded_authorization_message":""}`
			if r.status != http.StatusBadRequest || r.body != body {
				t.Errorf("%s: got %d %s, want 400 %s", query, r.status, r.body, body)
			}
			continue
		}
		if got, _ := responseIDs(t, r); strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, []simulator.Desktop{
		{ID: "a", Name: "bog-fin-1", UserName: "ana.lopez", IP: "10.0.0.1", PoolID: "p1", EnterpriseProjectID: "0", Type: "DEDICATED", SubnetID: "s1", Status: "ACTIVE", Tags: []simulator.Tag{{Key: "team", Value: "fin"}, {Key: "eip", Value: ""}}},
		{ID: "b", Name: "bog-eng-2", UserName: "wei.chen", IP: "10.0.0.11", PoolID: "p2", EnterpriseProjectID: "e", Type: "SHARED", SubnetID: "s2", Status: "SHUTOFF", Tags: []simulator.Tag{{Key: "team", Value: "eng"}, {Key: "floor", Value: "2"}}},
		{ID: "c", Name: "bog-eng-3", UserName: "ana.chen", IP: "10.0.0.3", PoolID: "p3", EnterpriseProjectID: "e", Type: "DEDICATED", SubnetID: "s2", Status: "ACTIVE", Shared: true, Tags: []simulator.Tag{{Key: "team", Value: "eng"}}},
		{ID: "d"},
	})
	for query, want := range map[string]string{
		"":                                 "a b c d",
		"pool_id=p1":                       "a",
		"pool_id=p1,p3":                    "a c",
		"pool_id=nope":                     "",
		"pool_id=":                         "a b c d",
		"enterprise_project_id=e":          "b c",
		"tag=team%3Deng":                   "b c",
		"tag=team%3Deng,floor%3D2":         "b",
		"tag=eip%3D":                       "a",
		"tag=team%3DENG":                   "",
		"subnet_id=s2":                     "b c",
		"status=ACTIVE":                    "a c",
		"status=ACTIVE&subnet_id=s2":       "c",
		"desktop_id=c&desktop_id=a":        "a c",
		"desktop_id=x":                     "",
		"user_name=ana":                    "a c",
		"user_name=lopez&user_name=wei":    "a b",
		"computer_name=eng":                "b c",
		"computer_name=bog-fin-1":          "a",
		"desktop_ip=10.0.0.1":              "a",
		"desktop_type=SHARED":              "b",
		"desktop_type=DEDICATED,SHARED":    "a b c",
		"desktop_type=":                    "a b c d",
		"is_share_desktop=true":            "c",
		"is_share_desktop=false":           "a b d",
		"user_name=ana&limit=1&offset=1":   "c",
		"computer_name=eng&limit=0":        "",
		"status=ACTIVE&tag=team%3Dfin&x=y": "a",
	} {
		got, total := responseIDs(t, get(t, base, listPath, query))
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
		if !strings.Contains(query, "limit") && total != len(got) {
			t.Errorf("%s: got total %d for %d", query, total, len(got))
		}
		if strings.Contains(query, "limit") && total != 2 {
			t.Errorf("%s: got total %d, want 2", query, total)
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, numberedDesktops(150))
	cloud.UpdateDesktop(project, "d0007", func(d *simulator.Desktop) { d.Hidden = true })
	query := func(n int, more ...string) string {
		q := url.Values{}
		for i := range n {
			q.Add("desktop_ids", fmt.Sprintf("d%04d", 10+i))
		}
		q["desktop_ids"] = append(q["desktop_ids"], more...)
		return q.Encode()
	}
	for name, test := range map[string]struct {
		unknown simulator.UnknownIDs
		query   string
		found   int
		status  int
		body    string
	}{
		"none":              {query: "", status: 400, body: "desktop_ids is missing"},
		"none but others":   {query: "desktop_id=d0001", status: 400, body: "desktop_ids is missing"},
		"1":                 {query: query(1), found: 1},
		"100":               {query: query(100), found: 100},
		"101":               {query: query(101), status: 400, body: "desktop_ids takes at most 100 ids"},
		"twice":             {query: query(3, "d0010", "d0012"), found: 3},
		"unknown left out":  {query: query(3, "nope"), found: 3},
		"unknown alone":     {query: query(0, "nope"), found: 0},
		"hidden left out":   {query: query(3, "d0007"), found: 3},
		"unknown not found": {unknown: simulator.NotFoundUnknown, query: query(3, "nope"), status: 404, body: `"error_code":"WKS.0202"`},
		"unknown refused":   {unknown: simulator.RejectUnknown, query: query(3, "nope"), status: 400, body: "desktop nope does not exist"},
		"hidden refused":    {unknown: simulator.RejectUnknown, query: query(3, "d0007"), status: 400, body: "desktop d0007 does not exist"},
		"known refused not": {unknown: simulator.RejectUnknown, query: query(3), found: 3},
		"known found":       {unknown: simulator.NotFoundUnknown, query: query(3), found: 3},
	} {
		cloud.SetUnknownIDs(test.unknown)
		r := get(t, base, networksPath, test.query)
		if test.status != 0 {
			if r.status != test.status || !strings.Contains(r.body, test.body) {
				t.Errorf("%s: got %d %s", name, r.status, r.body)
			}
			continue
		}
		got, _ := responseIDs(t, r)
		slices.Sort(got)
		want := []string(nil)
		for i := range test.found {
			want = append(want, fmt.Sprintf("d%04d", 10+i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got, _ := responseIDs(t, get(t, base, networksPath, query(3))); got[0] == "d0010" {
		t.Errorf("got the order of the request: %v", got)
	}
}

func TestEIPs(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	nic := func(id, address string) simulator.Interface {
		return simulator.Interface{EIP: &simulator.EIP{ID: id, Address: address}}
	}
	cloud.SetDesktops(project, []simulator.Desktop{
		{ID: "a", Name: "one", UserName: "ana", EnterpriseProjectID: "0", Interfaces: []simulator.Interface{nic("e1", "1.1.1.1"), {}, nic("e2", "2.2.2.2")}},
		{ID: "b", Name: "two", UserName: "wei", EnterpriseProjectID: "0", Interfaces: []simulator.Interface{{}}},
		{ID: "c", Name: "three", UserName: "ana.b", EnterpriseProjectID: "x", Interfaces: []simulator.Interface{nic("e3", "3.3.3.3")}},
	})
	cloud.AddProject(simulator.Project{ID: project, Region: "la-north-2", FreeEIPs: []simulator.EIP{{ID: "f1", Address: "9.9.9.1"}, {ID: "f2", Address: "9.9.9.2"}}})
	for query, want := range map[string]string{
		"":                        "e1 e2 e3 f1 f2 of 5",
		"state=bind":              "e1 e2 e3 of 3",
		"state=unbind":            "f1 f2 of 2",
		"limit=2":                 "e1 e2 of 5",
		"limit=2&offset=2":        "e3 f1 of 5",
		"offset=4":                "f2 of 5",
		"offset=5":                " of 5",
		"limit=0":                 " of 5",
		"limit=5000":              "e1 e2 e3 f1 f2 of 5",
		"desktop_id=a":            "e1 e2 of 2",
		"desktop_id=b":            " of 0",
		"desktop_name=t":          "e3 of 1",
		"user_name=ana":           "e1 e2 e3 of 3",
		"address=9.9.9.2":         "f2 of 1",
		"address=2.2.2.2":         "e2 of 1",
		"enterprise_project_id=x": "e3 of 1",
		"enterprise_project_id=0": "e1 e2 f1 f2 of 4",
		"state=bind&enterprise_project_id=0&limit=1": "e1 of 2",
	} {
		got, total := responseIDs(t, get(t, base, eipsPath, query))
		if got := fmt.Sprintf("%s of %d", strings.Join(got, " "), total); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	for query, want := range map[string]string{"state=lost": "state must be bind or unbind", "limit=-1": "limit is out of range", "offset=x": "offset is out of range"} {
		if r := get(t, base, eipsPath, query); r.status != http.StatusBadRequest || !strings.Contains(r.body, want) {
			t.Errorf("%s: got %d %s", query, r.status, r.body)
		}
	}
}

// TestResponseFormats checks the body of every call with every encoding of absent
// values.
func TestResponseFormats(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	vpc, subnet := simulator.VPC{ID: "v", Name: "vpc", CIDR: "10.0.0.0/16"}, simulator.Subnet{ID: "s", Name: "subnet", CIDR: "10.0.1.0/24"}
	cloud.SetDesktops(project, []simulator.Desktop{
		{
			ID: "full", Name: "full-1", HostName: "FULL-1", IP: "10.0.1.2", Created: time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC),
			UserName: "ana", UserGroup: "users", Users: []simulator.User{{ID: "u", Name: "ana", Group: "users"}},
			EnterpriseProjectID: "0", Tags: []simulator.Tag{{Key: "team", Value: "fin"}, {Key: "empty"}}, Type: "SHARED", DetailType: "SHARED",
			Shared: true, SubnetID: "s", Status: "ACTIVE", TaskStatus: "desktopNetworkChanging", ConnectStatus: "CONNECTED",
			AvailabilityZone: "az1", PoolID: "p", Interfaces: []simulator.Interface{{
				PortID: "port", PrivateIP: "10.0.1.2", VPC: vpc, Subnet: subnet,
				EIP: &simulator.EIP{ID: "e", Address: "1.1.1.1"}, Groups: []simulator.Group{{ID: "g1", Name: "default"}, {ID: "g2"}},
			}},
		},
		{ID: "plain", Interfaces: []simulator.Interface{{PortID: "port2", EIP: &simulator.EIP{ID: "e2"}}, {}}},
		{ID: "bare"},
		{ID: "raw", RawListed: json.RawMessage(`{"desktop_id":["raw"]}`), RawNetworks: json.RawMessage(`null`)},
	})
	cloud.AddProject(simulator.Project{ID: project, FreeEIPs: []simulator.EIP{{ID: "free", Address: "9.9.9.9"}}})
	var b strings.Builder
	for style, name := range []string{"left out", "null", "empty", "blank"} {
		cloud.SetAbsentValues(simulator.AbsentValues(style))
		for _, call := range [][2]string{{listPath, ""}, {networksPath, "desktop_ids=full&desktop_ids=plain&desktop_ids=bare&desktop_ids=raw"}, {eipsPath, ""}} {
			r := get(t, base, call[0], call[1])
			if r.status != http.StatusOK || !json.Valid([]byte(r.body)) {
				t.Errorf("%s %s: got %d %s", name, call[0], r.status, r.body)
			}
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s %s: got content type %q", name, call[0], got)
			}
			fmt.Fprintf(&b, "%s: %s\n%s\n", name, call[0], strings.ReplaceAll(r.body, "},{", "},\n  {"))
		}
	}
	golden(t, "shapes.golden", b.String())
}

// TestInvalidUTF8 checks that invalid UTF-8 is sent unchanged.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	c := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {}))
	for _, text := range []string{
		`"`, `\`, `\"`, "\n\r\t\b\f\x00\x1f\x7f", "\xc4\xe3\xba\xc3", "cut \xe6\xa1", "桌面", "😀", "\u2028", "</script>&", `{"a":[`, strings.Repeat("x", 64<<10),
	} {
		cloud.SetDesktops(project, []simulator.Desktop{{ID: "d", Name: text, UserName: text, Tags: []simulator.Tag{{Key: text, Value: text}}, Interfaces: []simulator.Interface{
			{VPC: simulator.VPC{Name: text}, Groups: []simulator.Group{{Name: text}}},
		}}})
		listed, err := listDesktops(c)
		if err != nil {
			t.Fatalf("%.20q: %v", text, err)
		}
		networks, err := c.ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &[]string{"d"}})
		if err != nil {
			t.Fatalf("%.20q: %v", text, err)
		}
		d, n := (*listed.Desktops)[0], (*networks.Networks)[0]
		i := (*n.NetworkInfos)[0]
		for at, got := range []string{*d.ComputerName, *d.UserName, (*d.Tags)[0].Key, *(*d.Tags)[0].Value, *n.ComputerName, *i.VpcInfo.Name, *(*i.SecurityGroups)[0].Name} {
			if got != text {
				t.Errorf("field %d: got %.40q, want %.40q", at, got, text)
			}
		}
	}
}
