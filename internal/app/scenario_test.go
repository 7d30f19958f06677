// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const (
	list     = "ListDesktops"
	networks = "ShowDesktopNetworks"
)

// TestFaults injects a fault into one operation and checks the exposition at once,
// shortly before and after max_staleness, and after the recovery.
func TestFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]simulator.Fault{
		"500":                  {Status: 500},
		"502 of the gateway":   {Status: 502},
		"503":                  {Status: 503},
		"504 of the gateway":   {Status: 504},
		"429":                  {Status: 429},
		"429 with Retry-After": {Status: 429, Header: http.Header{"Retry-After": {"1"}}},
		"429 for an hour":      {Status: 429, Header: http.Header{"Retry-After": {"3600"}}},
		"403":                  {Status: 403},
		"401":                  {Status: 401},
		"Workspace is off":     {Status: 403, Body: simulator.WorkspaceError("WKS.00010099", "工作空间服务未开通", "", "")},
		"204":                  {Status: 204, Body: []byte{}},
		"302":                  {Status: 302, Header: http.Header{"Location": {"http://127.0.0.1/login"}}, Body: []byte("<html>moved</html>")},
		"304":                  {Status: 304, Body: []byte{}},
		"HTML":                 {Status: 200, Body: []byte("<html><body>captive portal</body></html>")},
		"HTML with 502":        {Status: 502, Body: []byte("<html>bad gateway</html>")},
		"empty body":           {Status: 200, Body: []byte("")},
		"null":                 {Status: 200, Body: []byte("null")},
		"{}":                   {Status: 200, Body: []byte("{}")},
		"list of null":         {Status: 200, Body: []byte(`{"desktops":null,"networks":null,"total_count":null}`)},
		"error with 200":       {Status: 200, Body: simulator.WorkspaceError("WKS.00010110", "no valid IP address", "", "")},
		"a JSON string":        {Status: 200, Body: []byte(`"ok"`)},
		"a JSON array":         {Status: 200, Body: []byte(`[]`)},
		"items of no type":     {Status: 200, Body: []byte(`{"total_count":2,"desktops":"none","networks":17}`)},
		"half an answer":       {TruncateBody: true},
		"reset":                {ResetConnection: true},
		"hang before header":   {HangBeforeHeader: true},
		"hang after header":    {HangAfterHeader: true},
		"hang in body":         {HangInBody: true},
		"an hour of latency":   {Latency: time.Hour},
		"a body that drips":    {SlowBody: 10 * time.Minute},
	}
	for _, operation := range []string{list, networks} {
		for name, fault := range faults {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newScenario(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
					s.WantDesktops(apptest.TwoDesktopsOK)
					fault.Operation = operation
					heal := s.Cloud.AddFault(fault)
					began := time.Now()
					// Changes during the fault must not be guessed.
					s.Cloud.UpdateDesktop(apptest.ProjectA, "d2", func(d *simulator.Desktop) { d.Interfaces[0].EIP = &simulator.EIP{ID: "e", Address: "2.2.2.2"} })
					for time.Since(began) < 14*time.Minute {
						e := s.Scrape()
						if eips := e.Sum("desktop_eips", "desktop_id", "d1"); eips != 1 {
							t.Fatalf("%s: d1 has %v EIPs", time.Since(began), eips)
						}
						if n := e.Sum("desktops"); n != 2 {
							t.Fatalf("%s: %v desktops", time.Since(began), n)
						}
						if operation == networks && e.Sum("desktop_eips", "desktop_id", "d2") != 0 {
							t.Fatalf("%s: the EIP of d2 was made up", time.Since(began))
						}
						time.Sleep(time.Minute)
					}
					if e := s.Scrape(); e.Sum("up") != 0 {
						t.Errorf("up is %v while the cloud fails", e.Sum("up"))
					}
					// After max_staleness there are no series, and no zeros.
					time.Sleep(4 * time.Minute)
					e := s.Scrape()
					if operation == networks {
						const gone = "d1 nd1: ?\nd2 nd2: ?\nup=0 desktops=2 unresolved=2 stale=0"
						if got := e.Desktops(apptest.ProjectA); got != gone {
							t.Errorf("after max_staleness:\n%s", got)
						}
					} else if got := e.Desktops(apptest.ProjectA); !strings.HasPrefix(got, "up=0 desktops=- ") {
						t.Errorf("after max_staleness of the list:\n%s", got)
					}
					heal()
					time.Sleep(time.Hour) // longer than the pause of an access key
					s.Scrape()
					s.WantDesktops("d1 nd1: 10.0.0.1/1.1.1.1+default\nd2 nd2: 10.0.0.2/2.2.2.2+default\nup=1 desktops=2 unresolved=0 stale=0")
					if n := s.Cloud.LockoutCount(); n != 0 {
						t.Errorf("the key was locked %d times", n)
					}
				})
			})
		}
	}
}

// TestMalformedDesktops returns malformed data for one desktop; the other one is not
// affected.
func TestMalformedDesktops(t *testing.T) {
	t.Parallel()
	const d2 = "\nd2 nd2: 10.0.0.2+default\n"
	const well, unresolved = "up=1 desktops=2 unresolved=0 stale=0", "up=1 desktops=2 unresolved=1 stale=0"
	for name, tc := range map[string]struct {
		listed, networks string
		want             string
		dropped          map[string]float64 // of two reads, at the start and for the scrape
		sanitized        float64
	}{
		"nothing but the ID": {
			listed: `{"desktop_id":"d1"}`, networks: `{"computer_id":"d1"}`,
			want: "d1 : ?" + d2 + unresolved, dropped: map[string]float64{"desktop_without_network_infos": 2},
		},
		"all null": {
			listed:   `{"desktop_id":"d1","computer_name":null,"tags":null,"attach_user_infos":null,"status":null}`,
			networks: `{"computer_id":"d1","computer_name":null,"computer_ip":null,"network_infos":null}`,
			want:     "d1 : ?" + d2 + unresolved,
			dropped:  map[string]float64{"desktop_without_network_infos": 2}, // requested twice, and not again soon
		},
		"all empty": {
			listed:   `{"desktop_id":"d1","computer_name":"","tags":[],"attach_user_infos":[],"status":""}`,
			networks: `{"computer_id":"d1","computer_name":"","computer_ip":"","network_infos":[]}`,
			want:     "d1 :" + d2 + well,
		},
		"an interface without anything": {
			networks: `{"computer_id":"d1","network_infos":[{}]}`,
			want:     "d1 nd1:" + d2 + well,
			dropped:  map[string]float64{"empty_interface": 2},
		},
		"parts that are null": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"},"vpc_info":null,"subnet_info":null,"public_ip_info":null,"security_groups":null}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
		},
		"parts that are empty objects": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"},"vpc_info":{},"subnet_info":{},"public_ip_info":{},"security_groups":[{}]}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
			dropped:  map[string]float64{"security_group_without_id": 2},
		},
		"an EIP without an address": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"},"public_ip_info":{"id":"","public_ip_address":""}}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
		},
		"null interfaces": {
			networks: `{"computer_id":"d1","network_infos":[null,{"port_info":{"id":"p","ip_address":"10.0.0.1"}},null]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
			dropped:  map[string]float64{"null_element": 4},
		},
		"one port twice": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"}},{"port_info":{"id":"p","ip_address":"10.0.0.1"}}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
			dropped:  map[string]float64{"duplicate_interface": 2},
		},
		"two interfaces": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"q","ip_address":"10.0.1.1"}},{"port_info":{"id":"p","ip_address":"10.0.0.1"}}]}`,
			want:     "d1 nd1: 10.0.0.1 10.0.1.1" + d2 + well,
		},
		"one group twice": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"},"security_groups":[{"id":"g","name":"a"},{"id":"g","name":"a"}]}]}`,
			want:     "d1 nd1: 10.0.0.1+a" + d2 + well,
			dropped:  map[string]float64{"duplicate_security_group": 2},
		},
		"a number for a name": {
			listed: `{"desktop_id":"d1","computer_name":17}`, networks: `{"computer_id":"d1","computer_name":17,"network_infos":[]}`,
			want:    "d1 :" + d2 + well,
			dropped: map[string]float64{"malformed_field": 4},
		},
		"an object for an address": {
			networks: `{"computer_id":"d1","network_infos":[{"port_info":{"id":"p","ip_address":{"v4":"10.0.0.1"}}}]}`,
			want:     "d1 nd1: " + d2 + well,
			dropped:  map[string]float64{"malformed_field": 2},
		},
		"a text for the interfaces": {
			networks: `{"computer_id":"d1","network_infos":"none"}`,
			want:     "d1 nd1: ?" + d2 + unresolved,
			dropped:  map[string]float64{"malformed_desktop": 1, "malformed_field": 1}, // and not read again soon
		},
		"a number too large": {
			networks: `{"computer_id":"d1","computer_name":1e999,"network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"}}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
			dropped:  map[string]float64{"malformed_field": 2},
		},
		"bytes that are no UTF-8": {
			listed:    "{\"desktop_id\":\"d1\",\"computer_name\":\"\xc4\xe3\xba\xc3\"}",
			networks:  "{\"computer_id\":\"d1\",\"network_infos\":[{\"port_info\":{\"id\":\"p\",\"ip_address\":\"10.0.0.1\"},\"security_groups\":[{\"id\":\"g\",\"name\":\"a\xff\"}]}]}",
			want:      "d1 \ufffd\ufffd\ufffd\ufffd: 10.0.0.1+a\ufffd" + d2 + well,
			sanitized: 4,
		},
		"quotes, backslash, line break and emoji": {
			listed: `{"desktop_id":"d1","computer_name":"a\"b\\c\nd😀"}`,
			want:   "d1 a\"b\\c\nd😀: 10.0.0.1/1.1.1.1+default" + d2 + well,
		},
		"a name of 64 KiB": {
			listed: `{"desktop_id":"d1","computer_name":"` + strings.Repeat("x", 64<<10) + `"}`,
			want:   "d1 " + strings.Repeat("x", 64<<10) + ": 10.0.0.1/1.1.1.1+default" + d2 + well,
		},
		"unknown fields": {
			networks: `{"computer_id":"d1","future":{"a":[1,2]},"network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1","osextipsmacmacAddr":"fa"},"ipv6":""}]}`,
			want:     "d1 nd1: 10.0.0.1" + d2 + well,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := apptest.Desktop("d1", "1.1.1.1")
				if tc.listed != "" {
					d.RawListed = json.RawMessage(tc.listed)
				}
				if tc.networks != "" {
					d.RawNetworks = json.RawMessage(tc.networks)
				}
				s := newScenario(t, apptest.OfficeYAML, d, apptest.Desktop("d2", ""))
				e := s.WantDesktops(tc.want)
				if tc.dropped == nil {
					tc.dropped = map[string]float64{}
				}
				wantDropped(t, e, tc.dropped)
				if got := e.Sum("exporter_labels_sanitized_total"); got != tc.sanitized {
					t.Errorf("%v labels sanitized, want %v", got, tc.sanitized)
				}
			})
		})
	}
}

func TestScrapeCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ desktops, lists, networks int }{
		{0, 1, 0}, {1, 1, 1}, {100, 1, 1}, {101, 1, 2}, {250, 1, 3}, {999, 1, 10}, {1000, 1, 10}, {1001, 2, 11},
	} {
		t.Run(fmt.Sprint(tc.desktops), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScenario(t, apptest.OfficeYAML, simulator.GenerateDesktops(tc.desktops, 1)...)
				for i := 1; i <= 3; i++ {
					if n := s.Scrape().Sum("desktops"); n != float64(tc.desktops) {
						t.Errorf("%v desktops", n)
					}
					if l, n := s.Cloud.CallCount(list), s.Cloud.CallCount(networks); l != i*tc.lists || n != i*tc.networks || s.Cloud.CallCount("") != l+n {
						t.Errorf("scrape %d: %d list and %d networks calls of %d, want %d and %d", i, l, n, s.Cloud.CallCount(""), i*tc.lists, i*tc.networks)
					}
					time.Sleep(2 * time.Minute)
				}
				reads := map[string]int{}
				for _, c := range s.Cloud.Calls() {
					for _, id := range c.IDs {
						reads[id]++
					}
				}
				for id, n := range reads {
					if n != 3 {
						t.Fatalf("%s was read %d times in three scrapes", id, n)
					}
				}
			})
		})
	}
}
