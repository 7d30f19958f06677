// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestConverter shows what becomes of one desktop whose answer is strange in one
// place; the other desktop is never touched by it.
func TestConverter(t *testing.T) {
	t.Parallel()
	nic := func(change func(*inventory.Interface)) []inventory.Interface {
		i := inventory.Interface{PortID: "p", PrivateIP: "10.0.0.1"}
		if change != nil {
			change(&i)
		}
		return []inventory.Interface{i}
	}
	const port = `"port_info":{"id":"p","ip_address":"10.0.0.1"}`
	for _, tt := range []struct {
		name    string
		members string // of the desktop, beside its ID
		want    *inventory.Networks
		broken  bool
		dropped map[string]int
	}{
		{name: "nothing", want: &inventory.Networks{}},
		{name: "null", members: `"computer_name":null,"computer_ip":null,"network_infos":null`, want: &inventory.Networks{}},
		{name: "empty text", members: `"computer_name":"","network_infos":""`, want: &inventory.Networks{}},
		{name: "empty object", members: `"computer_name":{},"network_infos":{}`, want: &inventory.Networks{}},
		{name: "empty array", members: `"computer_name":[ ],"network_infos":[]`, want: &inventory.Networks{}},
		{name: "unknown members", members: `"extra":{"deep":[1,{"x":"y"}]},"computer_name":"n"`, want: &inventory.Networks{Name: "n"}},
		{name: "member twice", members: `"computer_name":"a","computer_name":"b"`, want: &inventory.Networks{Name: "b"}},

		{name: "name is a number", members: `"computer_name":7`, want: &inventory.Networks{}, dropped: map[string]int{droppedMalformedField: 1}},
		{name: "address is an object", members: `"computer_ip":{"a":1}`, want: &inventory.Networks{}, dropped: map[string]int{droppedMalformedField: 1}},
		{name: "a number beyond all bounds", members: `"computer_ip":1e999999999999`, want: &inventory.Networks{}, dropped: map[string]int{droppedMalformedField: 1}},

		{name: "interfaces are a text", members: `"network_infos":"none"`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "interfaces are an object", members: `"network_infos":{"vpc_info":{}}`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "an interface is a number", members: `"network_infos":[5,{` + port + `}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "an interface is null", members: `"network_infos":[null,{` + port + `}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{droppedNull: 1}},
		{name: "an interface is empty", members: `"network_infos":[{},{` + port + `}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{droppedEmptyInterface: 1}},
		{name: "all of an interface is absent", members: `"network_infos":[{"vpc_info":{},"subnet_info":null,"port_info":"","public_ip_info":[],"security_groups":[]}]`, want: &inventory.Networks{}, dropped: map[string]int{droppedEmptyInterface: 1}},
		{
			name: "two interfaces of one port", members: `"network_infos":[{` + port + `},{"port_info":{"id":"p","ip_address":"10.0.0.9"}}]`,
			want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{droppedDuplicateNIC: 1},
		},
		{
			name: "interfaces without port", members: `"network_infos":[{"port_info":{"ip_address":"10.0.0.2"}},{"port_info":{"ip_address":"10.0.0.1"}},{"port_info":{"ip_address":"10.0.0.2"}}]`,
			want:    &inventory.Networks{Interfaces: []inventory.Interface{{PrivateIP: "10.0.0.1"}, {PrivateIP: "10.0.0.2"}}},
			dropped: map[string]int{droppedDuplicateNIC: 1},
		},

		{name: "VPC is a text", members: `"network_infos":[{` + port + `,"vpc_info":"vpc"}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{droppedMalformedField: 1}},
		{
			name: "subnet's name is a number", members: `"network_infos":[{` + port + `,"subnet_info":{"id":"s","name":1,"cidr":"10.0.0.0/24"}}]`,
			want:    &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.Subnet = inventory.Subnet{ID: "s", CIDR: "10.0.0.0/24"} })},
			dropped: map[string]int{droppedMalformedField: 1},
		},

		{name: "EIP null", members: `"network_infos":[{` + port + `,"public_ip_info":null}]`, want: &inventory.Networks{Interfaces: nic(nil)}},
		{name: "EIP without address and ID", members: `"network_infos":[{` + port + `,"public_ip_info":{"id":"","public_ip_address":null}}]`, want: &inventory.Networks{Interfaces: nic(nil)}},
		{
			name: "EIP without address", members: `"network_infos":[{` + port + `,"public_ip_info":{"id":"e"}}]`,
			want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.EIP.ID = "e" })},
		},
		{
			name: "EIP without ID", members: `"network_infos":[{` + port + `,"public_ip_info":{"public_ip_address":"203.0.113.1"}}]`,
			want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.EIP.Address = "203.0.113.1" })},
		},
		{
			name: "EIP's ID is a number", members: `"network_infos":[{` + port + `,"public_ip_info":{"id":3,"public_ip_address":"203.0.113.1"}}]`,
			want:    &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.EIP.Address = "203.0.113.1" })},
			dropped: map[string]int{droppedMalformedField: 1},
		},
		{name: "EIP is a text", members: `"network_infos":[{` + port + `,"public_ip_info":"203.0.113.1"}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "EIP's address is a number", members: `"network_infos":[{` + port + `,"public_ip_info":{"public_ip_address":203}}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},

		{name: "groups null", members: `"network_infos":[{` + port + `,"security_groups":null}]`, want: &inventory.Networks{Interfaces: nic(nil)}},
		{name: "groups are a text", members: `"network_infos":[{` + port + `,"security_groups":"default"}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "a group is a text", members: `"network_infos":[{` + port + `,"security_groups":["default"]}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "a group's ID is a number", members: `"network_infos":[{` + port + `,"security_groups":[{"id":1}]}]`, broken: true, dropped: map[string]int{droppedMalformedField: 1, droppedMalformedDesktop: 1}},
		{name: "a group without ID", members: `"network_infos":[{` + port + `,"security_groups":[{"name":"x"},null]}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{droppedNoGroupID: 1, droppedNull: 1}},
		{
			name: "a group twice", members: `"network_infos":[{` + port + `,"security_groups":[{"id":"b"},{"id":"a","name":"x"},{"id":"b","name":"late"}]}]`,
			want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) {
				i.SecurityGroups = []inventory.SecurityGroup{{ID: "a", Name: "x"}, {ID: "b"}}
			})},
			dropped: map[string]int{droppedDuplicateGroup: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			members := tt.members
			if members != "" {
				members = "," + members
			}
			body := `{"networks":[{"computer_id":"x"` + members + `},{"computer_id":"other","computer_name":"whole","network_infos":[{` + port + `}]}]}`
			networks, tally, err := decodeNetworks([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]*inventory.Networks{"other": {Name: "whole", Interfaces: nic(nil)}}
			if tt.want != nil || tt.broken {
				want["x"] = tt.want
			}
			if diff := cmp.Diff(want, networks); diff != "" {
				t.Errorf("networks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.dropped, tally.dropped, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConverterOfWholeAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       []string // IDs
		err        error
		dropped    map[string]int
	}{
		{name: "no desktops", body: `{"networks":[]}`},
		{name: "trailing garbage", body: `{"networks":[{"computer_id":"a"}]} and more`, want: []string{"a"}},
		{name: "other members first", body: `{"request_id":"r","networks":[{"computer_id":"a"}]}`, want: []string{"a"}},
		{name: "strange elements", body: `{"networks":[null,7,"x",[],{"computer_id":"a"}]}`, want: []string{"a"}, dropped: map[string]int{droppedNull: 1, droppedMalformedDesktop: 3}},
		{name: "without ID", body: `{"networks":[{},{"computer_id":""},{"computer_id":5},{"computer_id":"a"}]}`, want: []string{"a"}, dropped: map[string]int{droppedNoID: 3, droppedMalformedField: 1}},
		{name: "twice", body: `{"networks":[{"computer_id":"a","computer_name":"1"},{"computer_id":"a","computer_name":"2"}]}`, want: []string{"a"}, dropped: map[string]int{droppedDuplicate: 1}},
		{name: "twice, first malformed", body: `{"networks":[{"computer_id":"a","network_infos":5},{"computer_id":"a"},{"computer_id":"a","network_infos":5}]}`, want: []string{"a is malformed"}, dropped: map[string]int{droppedDuplicate: 2, droppedMalformedDesktop: 1, droppedMalformedField: 2}},
		{name: "twice, then malformed", body: `{"networks":[{"computer_id":"a"},{"computer_id":"a","network_infos":5}]}`, want: []string{"a"}, dropped: map[string]int{droppedDuplicate: 1, droppedMalformedField: 1}},
		{name: "empty body", body: ``, err: errTruncated},
		{name: "null", body: `null`, err: errNoList},
		{name: "empty object", body: `{}`, err: errNoList},
		{name: "array", body: `[]`, err: errNoList},
		{name: "text", body: `"ok"`, err: errNoList},
		{name: "list is null", body: `{"networks":null}`, err: errNoList},
		{name: "list is an object", body: `{"networks":{}}`, err: errNoList},
		{name: "error object", body: `{"error_code":"WKS.1","error_msg":"m"}`, err: errNoList},
		{name: "HTML", body: `<!DOCTYPE html><html>`, err: errSyntax},
		{name: "truncated", body: `{"networks":[{"computer_id":"a"}`, err: errTruncated},
		{name: "truncated after the list", body: `{"networks":[{"computer_id":"a"}]`, err: errTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			networks, tally, err := decodeNetworks([]byte(tt.body))
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			var got []string
			for id, n := range networks {
				if n == nil {
					id += " is malformed"
				}
				got = append(got, id)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("desktops %q, want %q", got, tt.want)
			}
			if diff := cmp.Diff(tt.dropped, tally.dropped, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeDesktops(t *testing.T) {
	t.Parallel()
	const body = `{"total_count":7,"desktops":[
		{"desktop_id":"a","computer_name":"A","ip_address":"10.0.0.1","subnet_id":"s","enterprise_project_id":"0","pool_id":"p",
		 "availability_zone":"az1","desktop_type":"DEDICATED","status":"ACTIVE","task_status":"powering-off","user_name":"zoe",
		 "attach_user_infos":[{"user_name":"adam","type":"USER"},{"user_name":"zoe"},null,{"user_name":3}],
		 "tags":[{"key":"team","value":"b"},{"key":"team","value":"a"},{"key":"empty"},7,{"key":"team","value":"a"}],
		 "created":"2026-01-01","in_maintenance_mode":false},
		{"desktop_id":"b","computer_name":null,"tags":null,"attach_user_infos":[],"user_name":""},
		{"desktop_id":"a","computer_name":"again"},
		{"computer_name":"no ID"},
		{"desktop_id":7},
		null,
		"text"]}`
	full := inventory.Desktop{
		ID: "a", Name: "A", IP: "10.0.0.1", SubnetID: "s", EnterpriseProjectID: "0", PoolID: "p",
		AvailabilityZone: "az1", Type: "DEDICATED", Status: "ACTIVE", TaskStatus: "powering-off",
	}
	for _, tt := range []struct {
		name      string
		want      extras
		tags      []inventory.Tag
		users     []string
		malformed int // fields: the number for an ID always, strange tags and users only if they are read
		null      int
	}{
		{name: "bare", malformed: 1, null: 1},
		{
			name: "all", want: extras{tags: true, users: true}, users: []string{"adam", "zoe"}, malformed: 3, null: 2,
			tags: []inventory.Tag{{Key: "empty"}, {Key: "team", Value: "a"}, {Key: "team", Value: "b"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, tally, err := decodeDesktops([]byte(body), tt.want)
			if err != nil {
				t.Fatal(err)
			}
			d := full
			d.Tags, d.Users = tt.tags, tt.users
			if diff := cmp.Diff([]inventory.Desktop{d, {ID: "b"}}, p.desktops); diff != "" {
				t.Errorf("desktops (-want +got):\n%s", diff)
			}
			if p.size != 7 || p.total != 7 {
				t.Errorf("size %d and total %d, want 7 and 7", p.size, p.total)
			}
			want := map[string]int{
				droppedDuplicate: 1, droppedNoID: 2, droppedNull: tt.null, droppedMalformedDesktop: 1, droppedMalformedField: tt.malformed,
			}
			if diff := cmp.Diff(want, tally.dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTotalCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`0`: 0, `250`: 250, `2147483647`: 2147483647,
		`2147483648`: -1, `99999999999999999999`: -1, `-1`: -1, `1.5`: -1, `"250"`: -1, `null`: -1, `[]`: -1,
	} {
		p, _, err := decodeDesktops([]byte(`{"desktops":[],"total_count":`+text+`}`), extras{})
		if err != nil || p.total != want {
			t.Errorf("%s: %d, error %v; want %d", text, p.total, err, want)
		}
	}
}

func TestDecodeBindings(t *testing.T) {
	t.Parallel()
	got, tally, err := decodeBindings([]byte(`{"eips":[
		{"address":"203.0.113.2","attached_desktop_id":"a"},{"address":"203.0.113.1","attached_desktop_id":"a"},
		{"address":"203.0.113.3","attached_desktop_id":null},{"address":"","attached_desktop_id":"b"},
		{"address":"203.0.113.2","attached_desktop_id":"a"},{},null,5],"total_count":"8"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inventory.EIPBindings{"a": "203.0.113.1,203.0.113.2"}, got); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{droppedNull: 1, droppedMalformedEIP: 1, droppedMalformedField: 1}, tally.dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if _, _, err := decodeBindings([]byte(`{"eips":null}`)); !errors.Is(err, errNoList) {
		t.Errorf("error %v, want %v", err, errNoList)
	}
}

// FuzzConverter: whatever comes, what goes out keeps the promises of the
// inventory, and a half-read answer never looks like a whole one.
func FuzzConverter(f *testing.F) {
	f.Add([]byte(`{"networks":[{"computer_id":"a","computer_name":"n","network_infos":[{"vpc_info":{"id":"v"},"port_info":{"id":"p"},` +
		`"public_ip_info":{"id":"e","public_ip_address":"203.0.113.1"},"security_groups":[{"id":"g","name":"x"},{"id":"g"}]},null]}]}`))
	f.Add([]byte(`{"total_count":1,"desktops":[{"desktop_id":"a","computer_name":"` + "\xd6\xd0" + `","tags":[{"key":"k"}]}]}`))
	f.Add([]byte(`{"eips":[{"attached_desktop_id":"a","address":"203.0.113.1"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkText := func(text string) {
			if !utf8.ValidString(text) {
				t.Errorf("%q is not valid UTF-8", text)
			}
		}
		networks, _, _ := decodeNetworks(data)
		for id, n := range networks {
			if id == "" {
				t.Error("a desktop without an ID")
			}
			if n == nil {
				continue
			}
			checkText(id + n.Name + n.IP)
			for i := range n.Interfaces {
				nic := &n.Interfaces[i]
				if empty(nic) || i > 0 && nic.PortID != "" && nic.PortID == n.Interfaces[i-1].PortID {
					t.Errorf("interface %+v is empty or there twice", nic)
				}
				checkText(nic.PortID + nic.PrivateIP + nic.EIP.Address)
				for j, g := range nic.SecurityGroups {
					if g.ID == "" || j > 0 && g.ID <= nic.SecurityGroups[j-1].ID {
						t.Errorf("groups %v are not sorted, each once", nic.SecurityGroups)
					}
				}
			}
		}
		p, _, _ := decodeDesktops(data, extras{tags: true, users: true})
		if p.size < len(p.desktops) {
			t.Errorf("%d desktops of %d elements", len(p.desktops), p.size)
		}
		for i := range p.desktops {
			d := &p.desktops[i]
			checkText(d.ID + d.Name + strings.Join(d.Users, ""))
			if d.ID == "" || !slices.IsSorted(d.Users) {
				t.Errorf("desktop %+v has no ID, or its users are not sorted", d)
			}
		}
		if c := complain(data); c.code != identifier(c.code, 64) || c.requestID != identifier(c.requestID, 128) {
			t.Errorf("complaint %+v holds more than identifiers", c)
		}
		projects, _, _ := decodeProjects(data)
		for _, p := range projects {
			if p.ID == "" || !strings.HasPrefix(p.Name, p.Region) {
				t.Errorf("project %+v has no ID, or a region that is not in its name", p)
			}
		}
	})
}
