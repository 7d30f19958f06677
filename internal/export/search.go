// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"strings"
	"unicode/utf8"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// term is a search term, compared without regard to case.
type term struct {
	lower string
	ascii bool
	// The first byte in lower case, and in upper case if it is a letter.
	first, firstUpper byte
}

func newTerm(text string) term {
	t := term{lower: strings.ToLower(text), ascii: true}
	for i := range len(t.lower) {
		t.ascii = t.ascii && t.lower[i] < utf8.RuneSelf
	}
	t.first, t.firstUpper = t.lower[0], t.lower[0]
	if 'a' <= t.first && t.first <= 'z' {
		t.firstUpper -= 'a' - 'A'
	}
	return t
}

// containedIn reports whether the text contains the term. It does not allocate for
// ASCII terms, which most are.
func (t *term) containedIn(text string) bool {
	if !t.ascii {
		return strings.Contains(strings.ToLower(text), t.lower)
	}
	for i := 0; i+len(t.lower) <= len(text); i++ {
		if c := text[i]; (c == t.first || c == t.firstUpper) && t.prefixOf(text[i:]) {
			return true
		}
	}
	return false
}

// prefixOf reports whether the text begins with the term, whose first byte the
// caller has compared. The text must not be shorter than the term.
func (t *term) prefixOf(text string) bool {
	for j := 1; j < len(t.lower); j++ {
		c := text[j]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != t.lower[j] {
			return false
		}
	}
	return true
}

// matchesSearch reports whether each search term is contained in the name, the ID
// or an address of the desktop or of its interfaces, VPCs, subnets or groups.
func (f *Filter) matchesSearch(r *inventory.Record) bool {
	for i := range f.terms {
		if !f.terms[i].matchesDesktop(r) {
			return false
		}
	}
	return true
}

func (t *term) matchesDesktop(r *inventory.Record) bool {
	if t.containedIn(r.Desktop.Name) || t.containedIn(r.Desktop.ID) || t.containedIn(r.Desktop.IP) {
		return true
	}
	n := r.Networks
	if n == nil {
		return false
	}
	if n.Name != r.Desktop.Name && t.containedIn(n.Name) || n.IP != r.Desktop.IP && t.containedIn(n.IP) {
		return true
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		if t.containedIn(nic.PrivateIP) || t.containedIn(nic.EIP.Address) || t.containedIn(nic.PortID) || t.containedIn(nic.EIP.ID) ||
			t.containedIn(nic.VPC.Name) || t.containedIn(nic.VPC.ID) || t.containedIn(nic.Subnet.Name) || t.containedIn(nic.Subnet.ID) {
			return true
		}
		for _, g := range nic.SecurityGroups {
			if t.containedIn(g.Name) || t.containedIn(g.ID) {
				return true
			}
		}
	}
	return false
}
