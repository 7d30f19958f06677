// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"strings"
	"unicode/utf8"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// word is a text to look for, whatever its case.
type word struct {
	lower string
	ascii bool
	// The two cases of the byte that is looked for first.
	first, other byte
}

func newWord(text string) word {
	w := word{lower: strings.ToLower(text), ascii: true}
	for i := range len(w.lower) {
		w.ascii = w.ascii && w.lower[i] < utf8.RuneSelf
	}
	w.first, w.other = w.lower[0], w.lower[0]
	if 'a' <= w.first && w.first <= 'z' {
		w.other -= 'a' - 'A'
	}
	return w
}

// in tells whether the text holds the word. Nothing is allocated for words of
// ASCII, which most are.
func (w *word) in(text string) bool {
	if !w.ascii {
		return strings.Contains(strings.ToLower(text), w.lower)
	}
	for i := 0; i+len(w.lower) <= len(text); i++ {
		if c := text[i]; (c == w.first || c == w.other) && w.at(text[i:]) {
			return true
		}
	}
	return false
}

// at tells whether the text, which is long enough, begins with the word.
func (w *word) at(text string) bool {
	for j := 1; j < len(w.lower); j++ {
		c := text[j]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != w.lower[j] {
			return false
		}
	}
	return true
}

// found tells whether every word that is searched for is in one of a desktop's
// texts: its name, ID and addresses and those of what it is in.
func (f *Filter) found(r *inventory.Record) bool {
	for i := range f.words {
		if !f.words[i].describes(r) {
			return false
		}
	}
	return true
}

func (w *word) describes(r *inventory.Record) bool {
	if w.in(r.Desktop.Name) || w.in(r.Desktop.ID) || w.in(r.Desktop.IP) {
		return true
	}
	n := r.Networks
	if n == nil {
		return false
	}
	if n.Name != r.Desktop.Name && w.in(n.Name) || n.IP != r.Desktop.IP && w.in(n.IP) {
		return true
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		if w.in(nic.PrivateIP) || w.in(nic.EIP.Address) || w.in(nic.PortID) || w.in(nic.EIP.ID) ||
			w.in(nic.VPC.Name) || w.in(nic.VPC.ID) || w.in(nic.Subnet.Name) || w.in(nic.Subnet.ID) {
			return true
		}
		for _, g := range nic.SecurityGroups {
			if w.in(g.Name) || w.in(g.ID) {
				return true
			}
		}
	}
	return false
}
