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

// idSet is a set of objects: IDs, or addresses, with the objects' names. nil is
// the empty set.
type idSet map[string]string

// add adds an object unless its ID is empty.
func (s *idSet) add(id, name string) {
	if id == "" {
		return
	}
	if *s == nil {
		*s = idSet{}
	}
	// Interfaces may have different names of one object during a rename. Which one
	// is taken must not depend on their order.
	(*s)[id] = max((*s)[id], name)
}

// equal reports whether both sets have the same IDs.
func (s idSet) equal(o idSet) bool {
	return len(s) == len(o) && s.subsetOf(o)
}

func (s idSet) subsetOf(o idSet) bool {
	for id := range s {
		if _, ok := o[id]; !ok {
			return false
		}
	}
	return true
}

// eipChange returns the kind of change between two sets of EIPs.
func (s idSet) eipChange(after idSet) (kind inventory.ChangeKind, changed bool) {
	switch {
	case s.equal(after):
		return "", false
	case s.subsetOf(after):
		return inventory.EIPBound, true
	case after.subsetOf(s):
		return inventory.EIPUnbound, true
	default:
		return inventory.EIPSwapped, true
	}
}

// joinIDs returns the IDs, sorted and joined by commas.
func (s idSet) joinIDs() string { return strings.Join(slices.Sorted(maps.Keys(s)), ",") }

// joinNames returns the names, sorted and joined by commas; the ID where an
// object has no name.
func (s idSet) joinNames() string {
	names := make([]string, 0, len(s))
	for id, name := range s {
		names = append(names, cmp.Or(name, id))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// describe returns texts for two sets that differ: their names, or their IDs if
// the names are equal.
func describe(before, after idSet) (string, string) {
	if b, a := before.joinNames(), after.joinNames(); b != a {
		return b, a
	}
	return before.joinIDs(), after.joinIDs()
}
