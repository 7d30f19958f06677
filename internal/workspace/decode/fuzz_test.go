// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode decodes arbitrary bodies. Every value that is returned must be valid:
// UTF-8 strings, no empty IDs, sorted lists without duplicates.
func FuzzDecode(f *testing.F) {
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
		networks, _, _ := Networks(data)
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
				if isEmpty(nic) || i > 0 && nic.PortID != "" && nic.PortID == n.Interfaces[i-1].PortID {
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
		p, _, _ := Desktops(data, OptionalFields{Tags: true, Users: true})
		if p.Size < len(p.Desktops) {
			t.Errorf("%d desktops of %d elements", len(p.Desktops), p.Size)
		}
		for i := range p.Desktops {
			d := &p.Desktops[i]
			checkText(d.ID + d.Name + strings.Join(d.Users, ""))
			if d.ID == "" || !slices.IsSorted(d.Users) {
				t.Errorf("desktop %+v has no ID, or its users are not sorted", d)
			}
		}
		if e := Error(data); e.Code != Identifier(e.Code, maxErrorCode) || e.RequestID != Identifier(e.RequestID, MaxRequestID) {
			t.Errorf("error body %+v has more than identifiers", e)
		}
		projects, _, _ := Projects(data)
		for _, p := range projects.Projects {
			if p.ID == "" || !strings.HasPrefix(p.Name, p.Region) {
				t.Errorf("project %+v has no ID, or a region that is not in its name", p)
			}
		}
	})
}
