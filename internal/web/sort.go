// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// entry is a desktop, with the position of its project in the snapshots.
type entry struct {
	project int
	record  *inventory.Record
}

// sortIndex has all desktops by project and ID, and their sort orders. Sorting takes
// much longer than rendering a page, so each order is computed once for the same
// desktops.
type sortIndex struct {
	keys    []snapshotKey
	entries []entry
	options filterOptions

	mu     sync.Mutex
	sorted map[sortOrder][]int32
}

// filterOptions are the options of the filter form.
type filterOptions struct{ projects, regions, statuses, vpcs, subnets, groups []string }

// snapshotKey identifies a slice of records, which snapshots share as long as no
// desktop changes.
type snapshotKey struct {
	project inventory.Project
	first   **inventory.Record
	n       int
}

func newSnapshotKey(s *inventory.Snapshot) snapshotKey {
	k := snapshotKey{project: s.Project, n: len(s.Records)}
	if k.n > 0 {
		k.first = &s.Records[0]
	}
	return k
}

// sortOrder is a column to sort by, and the direction.
type sortOrder struct {
	column     string
	descending bool
}

// String returns the order as in the parameter sort.
func (o sortOrder) String() string {
	if o.descending {
		return "-" + o.column
	}
	return o.column
}

// sortIndexCache has the sort index of the newest snapshots requested.
type sortIndexCache struct {
	mu    sync.Mutex
	index *sortIndex
}

// get returns the sort index of the snapshots.
func (c *sortIndexCache) get(snapshots []*inventory.Snapshot) *sortIndex {
	keys := make([]snapshotKey, len(snapshots))
	n := 0
	for i, s := range snapshots {
		keys[i] = newSnapshotKey(s)
		n += len(s.Records)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index != nil && slices.Equal(c.index.keys, keys) {
		return c.index
	}
	c.index = &sortIndex{keys: keys, entries: make([]entry, 0, n), options: newFilterOptions(snapshots), sorted: map[sortOrder][]int32{}}
	for i, s := range snapshots {
		for _, r := range s.Records {
			c.index.entries = append(c.index.entries, entry{i, r})
		}
	}
	return c.index
}

func newFilterOptions(snapshots []*inventory.Snapshot) filterOptions {
	var o filterOptions
	statuses := map[string]bool{}
	for _, s := range snapshots {
		o.projects = append(o.projects, s.Project.Name)
		o.regions = append(o.regions, s.Project.Region)
		for _, v := range s.VPCs {
			o.vpcs = append(o.vpcs, cmp.Or(v.Name, v.ID))
		}
		for _, u := range s.Subnets {
			o.subnets = append(o.subnets, cmp.Or(u.Name, u.ID))
		}
		for _, g := range s.SecurityGroups {
			o.groups = append(o.groups, cmp.Or(g.Name, g.ID))
		}
		for _, r := range s.Records {
			statuses[r.Desktop.Status] = true
		}
	}
	o.statuses = sortedKeys(statuses)
	for _, list := range []*[]string{&o.projects, &o.regions, &o.statuses, &o.vpcs, &o.subnets, &o.groups} {
		*list = distinctSorted(*list)
	}
	return o
}

// distinctSorted returns the distinct names in natural order, without empty ones.
func distinctSorted(all []string) []string {
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
	keys := make([]string, len(all))
	for i, name := range all {
		keys[i] = naturalKey(name)
	}
	out := make([]string, len(all))
	for i, position := range sortPositions(keys, false) {
		out[i] = all[position]
	}
	return out
}

// positions returns the positions of the entries in an order. Entries with an empty
// key are last in both directions; equal ones are sorted by project and ID.
func (c *sortIndex) positions(o sortOrder, keyOf func(entry) string) []int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	positions := c.sorted[o]
	if positions == nil {
		keys := make([]string, len(c.entries))
		for i, e := range c.entries {
			keys[i] = keyOf(e)
		}
		positions = sortPositions(keys, o.descending)
		c.sorted[o] = positions
	}
	return positions
}

// sortPositions returns the positions of the keys in ascending or descending order,
// empty keys last.
func sortPositions(keys []string, descending bool) []int32 {
	type item struct {
		key      string
		position int32
	}
	all := make([]item, len(keys))
	for i, k := range keys {
		all[i] = item{k, int32(i)}
	}
	slices.SortFunc(all, func(a, b item) int {
		c := cmp.Compare(a.key, b.key)
		switch {
		case c == 0:
			return cmp.Compare(a.position, b.position)
		case a.key == "":
			return 1
		case b.key == "":
			return -1
		case descending:
			return -c
		}
		return c
	})
	positions := make([]int32, len(all))
	for i, it := range all {
		positions[i] = it.position
	}
	return positions
}

// naturalKey returns a key for natural order: case-insensitive, and numbers by their
// value, so that pc-9 is before pc-10.
func naturalKey(text string) string {
	key := make([]byte, 0, len(text)+8)
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			r, size := utf8.DecodeRuneInString(text[i:])
			key = append(key, toLower(r, text[i:i+size])...)
			i += size
			continue
		}
		start := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		// Without leading zeros, a longer number is larger.
		number := strings.TrimLeft(text[start:i], "0")
		key = append(key, '0', byte(min(len(number), 255)))
		key = append(key, number...)
	}
	return string(key)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// toLower returns the rune in lower case; text is its encoding.
func toLower(r rune, text string) string {
	if r < utf8.RuneSelf && (r < 'A' || r > 'Z') {
		return text
	}
	return strings.ToLower(text)
}

// addressKey returns a key that sorts addresses by their number, IPv4 first. A text
// that is not an address sorts after all addresses.
func addressKey(address string) string {
	if address == "" {
		return ""
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "\xff" + address
	}
	bytes := a.As16()
	return string([]byte{byte(a.BitLen())}) + string(bytes[:])
}

// column is a column that the table of desktops can be sorted by.
type column struct {
	name  string // in the URL
	label string
	key   func(entry) string // nil: it changes with time
}

// dataAgeColumn is the age of the data, which changes with every read.
const dataAgeColumn = "data"

// sortColumns returns the columns in the order of the table.
func sortColumns() []column {
	record := func(key func(r *inventory.Record) string) func(entry) string {
		return func(e entry) string { return key(e.record) }
	}
	// Of several interfaces, the first with a value determines the order.
	first := func(key func(i *inventory.Interface) string) func(entry) string {
		return record(func(r *inventory.Record) string {
			if r.Networks == nil {
				return ""
			}
			for i := range r.Networks.Interfaces {
				if k := key(&r.Networks.Interfaces[i]); k != "" {
					return k
				}
			}
			return ""
		})
	}
	return []column{
		{"name", "Desktop", record(func(r *inventory.Record) string { return naturalKey(r.Name()) })},
		{"project", "Project", func(e entry) string { return string(binary.BigEndian.AppendUint32([]byte{1}, uint32(e.project))) }},
		{"status", "Status", record(func(r *inventory.Record) string { return naturalKey(r.Desktop.Status) })},
		{"ip", "Private IP", record(func(r *inventory.Record) string { return addressKey(export.IP(r)) })},
		{"eip", "EIP", first(func(i *inventory.Interface) string { return addressKey(i.EIP.Address) })},
		{"vpc", "VPC", first(func(i *inventory.Interface) string { return naturalKey(cmp.Or(i.VPC.Name, i.VPC.ID)) })},
		{"subnet", "Subnet", first(func(i *inventory.Interface) string { return naturalKey(cmp.Or(i.Subnet.Name, i.Subnet.ID)) })},
		{dataAgeColumn, "Data age", nil},
	}
}
