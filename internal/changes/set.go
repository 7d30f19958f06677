// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// set holds things by what identifies them, with their names.
type set map[string]string

// add takes a thing in, unless it is nothing.
func (s *set) add(id, name string) {
	if id == "" {
		return
	}
	if *s == nil {
		*s = set{}
	}
	(*s)[id] = max((*s)[id], name) // whichever comes first, while a rename goes round
}

// equal tells whether both hold the same things, whatever their names are.
func (s set) equal(o set) bool {
	return len(s) == len(o) && s.within(o)
}

// within tells whether o holds all of s.
func (s set) within(o set) bool {
	for id := range s {
		if _, ok := o[id]; !ok {
			return false
		}
	}
	return true
}

// change tells what became of EIPs.
func (s set) change(after set) (kind inventory.ChangeKind, changed bool) {
	switch {
	case s.equal(after):
		return "", false
	case s.within(after):
		return inventory.EIPBound, true
	case after.within(s):
		return inventory.EIPUnbound, true
	default:
		return inventory.EIPSwapped, true
	}
}

// text lists what identifies the things.
func (s set) text() string { return strings.Join(slices.Sorted(maps.Keys(s)), ",") }

// names lists the names of the things, and what identifies those without one.
func (s set) names() string {
	var all []string
	for id, name := range s {
		all = append(all, cmp.Or(name, id))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// describe tells two sets that differ apart: by names where these do, else by
// what identifies the things.
func describe(before, after set) (string, string) {
	if b, a := before.names(), after.names(); b != a {
		return b, a
	}
	return before.text(), after.text()
}
