// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestNetworks decodes two desktops of which one has an unusual or malformed
// part. The other one is never affected.
func TestNetworks(t *testing.T) {
	t.Parallel()
	nic := func(change func(*inventory.Interface)) []inventory.Interface {
		i := inventory.Interface{PortID: "p", PrivateIP: "10.0.0.1"}
		if change != nil {
			change(&i)
		}
		return []inventory.Interface{i}
	}
	const port = `"port_info":{"id":"p","ip_address":"10.0.0.1"},"security_groups":[]`
	absent := map[string]int{ReasonNoInterfaces: 1}
	for _, tt := range []struct {
		name      string
		members   string // of the desktop, beside its ID
		want      *inventory.Networks
		malformed bool
		dropped   map[string]int
	}{
		{name: "no members", dropped: absent},
		{name: "null", members: `"computer_name":null,"computer_ip":null,"network_infos":null`, dropped: absent},
		{name: "empty string", members: `"computer_name":"","network_infos":""`, dropped: absent},
		{name: "empty object", members: `"computer_name":{},"network_infos":{}`, dropped: absent},
		{name: "empty array", members: `"computer_name":[ ],"network_infos":[]`, want: &inventory.Networks{}},
		{name: "unknown members", members: `"extra":{"deep":[1,{"x":"y"}]},"computer_name":"n","network_infos":[]`, want: &inventory.Networks{Name: "n"}},
		{name: "duplicate member", members: `"computer_name":"a","computer_name":"b","network_infos":[]`, want: &inventory.Networks{Name: "b"}},

		{name: "name is a number", members: `"computer_name":7,"network_infos":[]`, want: &inventory.Networks{}, dropped: map[string]int{ReasonMalformedField: 1}},
		{name: "address is an object", members: `"computer_ip":{"a":1},"network_infos":[]`, want: &inventory.Networks{}, dropped: map[string]int{ReasonMalformedField: 1}},
		{name: "a number out of range", members: `"computer_ip":1e999999999999,"network_infos":[]`, want: &inventory.Networks{}, dropped: map[string]int{ReasonMalformedField: 1}},

		{name: "interfaces are a string", members: `"network_infos":"none"`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "interfaces are an object", members: `"network_infos":{"vpc_info":{}}`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "an interface is a number", members: `"network_infos":[5,{` + port + `}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "an interface is null", members: `"network_infos":[null,{` + port + `}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{ReasonNullElement: 1}},
		{name: "an interface is empty", members: `"network_infos":[{},{` + port + `}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{ReasonEmptyInterface: 1}},
		{name: "every part of an interface is absent", members: `"network_infos":[{"vpc_info":{},"subnet_info":null,"port_info":"","public_ip_info":[],"security_groups":[]}]`, want: &inventory.Networks{}, dropped: map[string]int{ReasonEmptyInterface: 1}},
		{
			name: "two interfaces of one port", members: `"network_infos":[{` + port + `},{"port_info":{"id":"p","ip_address":"10.0.0.9"}}]`,
			want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{ReasonDuplicateInterface: 1},
		},
		{
			name: "interfaces without port", members: `"network_infos":[{"port_info":{"ip_address":"10.0.0.2"},"security_groups":[]},{"port_info":{"ip_address":"10.0.0.1"},"security_groups":[]},{"port_info":{"ip_address":"10.0.0.2"},"security_groups":[]}]`,
			want:    &inventory.Networks{Interfaces: []inventory.Interface{{PrivateIP: "10.0.0.1"}, {PrivateIP: "10.0.0.2"}}},
			dropped: map[string]int{ReasonDuplicateInterface: 1},
		},

		{name: "VPC is a string", members: `"network_infos":[{` + port + `,"vpc_info":"vpc"}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{ReasonMalformedField: 1}},
		{
			name: "subnet's name is a number", members: `"network_infos":[{` + port + `,"subnet_info":{"id":"s","name":1,"cidr":"10.0.0.0/24"}}]`,
			want:    &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.Subnet = inventory.Subnet{ID: "s", CIDR: "10.0.0.0/24"} })},
			dropped: map[string]int{ReasonMalformedField: 1},
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
			dropped: map[string]int{ReasonMalformedField: 1},
		},
		{name: "EIP is a string", members: `"network_infos":[{` + port + `,"public_ip_info":"203.0.113.1"}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "EIP's address is a number", members: `"network_infos":[{` + port + `,"public_ip_info":{"public_ip_address":203}}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},

		{name: "security groups null", members: `"network_infos":[{` + port + `,"security_groups":null}]`, want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.GroupsUnknown = true })}},
		{name: "security groups an empty object", members: `"network_infos":[{` + port + `,"security_groups":{}}]`, want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.GroupsUnknown = true })}},
		{name: "security groups absent", members: `"network_infos":[{"port_info":{"id":"p","ip_address":"10.0.0.1"}}]`, want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) { i.GroupsUnknown = true })}},
		{name: "security groups empty", members: `"network_infos":[{` + port + `}]`, want: &inventory.Networks{Interfaces: nic(nil)}},
		{name: "security groups are a string", members: `"network_infos":[{` + port + `,"security_groups":"default"}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "a security group is a string", members: `"network_infos":[{` + port + `,"security_groups":["default"]}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "security group's ID is a number", members: `"network_infos":[{` + port + `,"security_groups":[{"id":1}]}]`, malformed: true, dropped: map[string]int{ReasonMalformedField: 1, ReasonMalformedDesktop: 1}},
		{name: "security group without ID", members: `"network_infos":[{` + port + `,"security_groups":[{"name":"x"},null]}]`, want: &inventory.Networks{Interfaces: nic(nil)}, dropped: map[string]int{ReasonNoSecurityGroupID: 1, ReasonNullElement: 1}},
		{
			name: "duplicate security group", members: `"network_infos":[{` + port + `,"security_groups":[{"id":"b"},{"id":"a","name":"x"},{"id":"b","name":"late"}]}]`,
			want: &inventory.Networks{Interfaces: nic(func(i *inventory.Interface) {
				i.SecurityGroups = []inventory.SecurityGroup{{ID: "a", Name: "x"}, {ID: "b"}}
			})},
			dropped: map[string]int{ReasonDuplicateSecurityGroup: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			members := tt.members
			if members != "" {
				members = "," + members
			}
			body := `{"networks":[{"computer_id":"x"` + members + `},{"computer_id":"other","computer_name":"whole","network_infos":[{` + port + `}]}]}`
			networks, counts, err := Networks([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]*inventory.Networks{"other": {Name: "whole", Interfaces: nic(nil)}}
			if tt.want != nil || tt.malformed {
				want["x"] = tt.want
			}
			if diff := cmp.Diff(want, networks); diff != "" {
				t.Errorf("networks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.dropped, counts.Dropped, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNetworksOfWholeResponses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       []string // IDs
		err        error
		dropped    map[string]int
	}{
		{name: "no desktops", body: `{"networks":[]}`},
		{name: "trailing garbage", body: `{"networks":[{"computer_id":"a","network_infos":[]}]} and more`, want: []string{"a"}},
		{name: "other members first", body: `{"request_id":"r","networks":[{"computer_id":"a","network_infos":[]}]}`, want: []string{"a"}},
		{name: "elements of wrong types", body: `{"networks":[null,7,"x",[],{"computer_id":"a","network_infos":[]}]}`, want: []string{"a"}, dropped: map[string]int{ReasonNullElement: 1, ReasonMalformedDesktop: 3}},
		{name: "without ID", body: `{"networks":[{},{"computer_id":""},{"computer_id":5},{"computer_id":"a","network_infos":[]}]}`, want: []string{"a"}, dropped: map[string]int{ReasonNoDesktopID: 3, ReasonMalformedField: 1}},
		{name: "duplicate", body: `{"networks":[{"computer_id":"a","computer_name":"1","network_infos":[]},{"computer_id":"a","computer_name":"2","network_infos":[]}]}`, want: []string{"a"}, dropped: map[string]int{ReasonDuplicateDesktop: 1}},
		{name: "duplicate, first malformed", body: `{"networks":[{"computer_id":"a","network_infos":5},{"computer_id":"a","network_infos":[]},{"computer_id":"a","network_infos":5}]}`, want: []string{"a is malformed"}, dropped: map[string]int{ReasonDuplicateDesktop: 2, ReasonMalformedDesktop: 1, ReasonMalformedField: 2}},
		{name: "duplicate, second malformed", body: `{"networks":[{"computer_id":"a","network_infos":[]},{"computer_id":"a","network_infos":5}]}`, want: []string{"a"}, dropped: map[string]int{ReasonDuplicateDesktop: 1, ReasonMalformedField: 1}},
		{name: "empty body", body: ``, err: ErrTruncated},
		{name: "null", body: `null`, err: ErrNoList},
		{name: "empty object", body: `{}`, err: ErrNoList},
		{name: "array", body: `[]`, err: ErrNoList},
		{name: "string", body: `"ok"`, err: ErrNoList},
		{name: "list is null", body: `{"networks":null}`, err: ErrNoList},
		{name: "list is an object", body: `{"networks":{}}`, err: ErrNoList},
		{name: "error object", body: `{"error_code":"WKS.1","error_msg":"m"}`, err: ErrNoList},
		{name: "HTML", body: `<!DOCTYPE html><html>`, err: ErrSyntax},
		{name: "truncated", body: `{"networks":[{"computer_id":"a","network_infos":[]}`, err: ErrTruncated},
		{name: "truncated after the list", body: `{"networks":[{"computer_id":"a","network_infos":[]}]`, err: ErrTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			networks, counts, err := Networks([]byte(tt.body))
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
			if diff := cmp.Diff(tt.dropped, counts.Dropped, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

// variant is one way to write a part of a response.
type variant struct {
	text      string // "": no such key
	absent    bool
	malformed bool // has a wrong type
}

// TestEverySubsetOfFields decodes an interface with every combination of present,
// absent and malformed parts, and compares the result with a simple model.
func TestEverySubsetOfFields(t *testing.T) {
	t.Parallel()
	parts := []struct {
		key     string
		present string
		counted bool // a malformed one makes the desktop unknown
		set     func(*inventory.Interface)
	}{
		{"vpc_info", `{"id":"v","name":"vn","cidr":"vc"}`, false, func(i *inventory.Interface) { i.VPC = inventory.VPC{ID: "v", Name: "vn", CIDR: "vc"} }},
		{"subnet_info", `{"id":"s","name":"sn","cidr":"sc"}`, false, func(i *inventory.Interface) { i.Subnet = inventory.Subnet{ID: "s", Name: "sn", CIDR: "sc"} }},
		{"port_info", `{"id":"p","ip_address":"10.0.0.1"}`, false, func(i *inventory.Interface) { i.PortID, i.PrivateIP = "p", "10.0.0.1" }},
		{"public_ip_info", `{"id":"e","public_ip_address":"203.0.113.1"}`, true, func(i *inventory.Interface) { i.EIP = inventory.EIP{ID: "e", Address: "203.0.113.1"} }},
		{"security_groups", `[{"id":"g","name":"gn"}]`, true, func(i *inventory.Interface) {
			i.SecurityGroups = []inventory.SecurityGroup{{ID: "g", Name: "gn"}}
		}},
	}
	variants := []variant{
		{}, // present
		{text: "", absent: true},
		{text: `null`, absent: true},
		{text: `""`, absent: true},
		{text: `{}`, absent: true},
		{text: `[]`, absent: true},
		{text: `7`, malformed: true},
		{text: `"text"`, malformed: true},
		{text: `true`, malformed: true},
	}
	total := 1
	for range parts {
		total *= len(variants)
	}
	for n := range total {
		var want inventory.Interface
		var members []string
		unknown := false
		groups := variant{}
		malformed := 0
		for i, rest := 0, n; i < len(parts); i, rest = i+1, rest/len(variants) {
			v := variants[rest%len(variants)]
			groups = v // at last those of the last part
			switch {
			case v.absent:
			case v.malformed:
				malformed++
				unknown = unknown || parts[i].counted
			default:
				parts[i].set(&want)
				v.text = parts[i].present
			}
			if v.text != "" {
				members = append(members, `"`+parts[i].key+`":`+v.text)
			}
		}
		// Of a list that is always there, only [] means none.
		want.GroupsUnknown = groups.absent && groups.text != "[]"
		body := `{"networks":[{"computer_id":"a","network_infos":[{` + strings.Join(members, ",") + `}]}]}`
		networks, counts, err := Networks([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		switch {
		case unknown:
			if got, found := networks["a"]; got != nil || !found {
				t.Fatalf("%s: %v, want the desktop unknown", body, networks)
			}
		case isEmpty(&want):
			if got := networks["a"]; got == nil || len(got.Interfaces) != 0 || counts.Dropped[ReasonEmptyInterface] != 1 {
				t.Fatalf("%s: %v, dropped %v; want no interface", body, got, counts.Dropped)
			}
		default:
			if got := networks["a"]; got == nil || len(got.Interfaces) != 1 || !got.Interfaces[0].Equal(want) {
				t.Fatalf("%s: %+v, want %+v", body, got, want)
			}
		}
		if counts.Dropped[ReasonMalformedField] != malformed {
			t.Fatalf("%s: dropped %v, want %d malformed fields", body, counts.Dropped, malformed)
		}
	}
}
