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

// entry is a desktop and the place of its project among the snapshots.
type entry struct {
	project int
	record  *inventory.Record
}

// catalog is what does not change of a fleet while no desktop does: all its
// desktops, by project and ID, and the orders in which people want them. To
// sort takes much longer than to show a page, so each order is made once.
type catalog struct {
	marks   []mark
	entries []entry
	offers  offers

	mu     sync.Mutex
	orders map[order][]int32
}

// offers are the names that forms offer.
type offers struct{ projects, regions, statuses, vpcs, subnets, groups []string }

// mark tells slices of records apart: snapshots of equal desktops share one.
type mark struct {
	project inventory.Project
	first   **inventory.Record
	n       int
}

func markOf(s *inventory.Snapshot) mark {
	m := mark{project: s.Project, n: len(s.Records)}
	if m.n > 0 {
		m.first = &s.Records[0]
	}
	return m
}

// order is a column to sort by, and in which direction.
type order struct {
	column string
	down   bool
}

// catalogs keeps the catalog of the newest fleet that somebody looked at.
type catalogs struct {
	mu     sync.Mutex
	latest *catalog
}

// of gives the catalog of a fleet.
func (c *catalogs) of(snapshots []*inventory.Snapshot) *catalog {
	marks := make([]mark, len(snapshots))
	n := 0
	for i, s := range snapshots {
		marks[i] = markOf(s)
		n += len(s.Records)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil && slices.Equal(c.latest.marks, marks) {
		return c.latest
	}
	c.latest = &catalog{marks: marks, entries: make([]entry, 0, n), offers: offersOf(snapshots), orders: map[order][]int32{}}
	for i, s := range snapshots {
		for _, r := range s.Records {
			c.latest.entries = append(c.latest.entries, entry{i, r})
		}
	}
	return c.latest
}

func offersOf(snapshots []*inventory.Snapshot) offers {
	var n offers
	statuses := map[string]bool{}
	for _, s := range snapshots {
		n.projects = append(n.projects, s.Project.Name)
		n.regions = append(n.regions, s.Project.Region)
		for _, v := range s.VPCs {
			n.vpcs = append(n.vpcs, cmp.Or(v.Name, v.ID))
		}
		for _, x := range s.Subnets {
			n.subnets = append(n.subnets, cmp.Or(x.Name, x.ID))
		}
		for _, g := range s.SecurityGroups {
			n.groups = append(n.groups, cmp.Or(g.Name, g.ID))
		}
		for _, r := range s.Records {
			statuses[r.Desktop.Status] = true
		}
	}
	n.statuses = sortedKeys(statuses)
	for _, list := range []*[]string{&n.projects, &n.regions, &n.statuses, &n.vpcs, &n.subnets, &n.groups} {
		*list = distinct(*list)
	}
	return n
}

// distinct gives each name once, as people sort them.
func distinct(all []string) []string {
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
	keys := make([]string, len(all))
	for i, name := range all {
		keys[i] = natural(name)
	}
	out := make([]string, len(all))
	for i, place := range sorted(keys, false) {
		out[i] = all[place]
	}
	return out
}

// in gives the places of the entries in an order. What lacks a key goes last
// in both directions; equals stay as they are, by project and ID.
func (c *catalog) in(o order, keyOf func(entry) string) []int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	places := c.orders[o]
	if places == nil {
		keys := make([]string, len(c.entries))
		for i, e := range c.entries {
			keys[i] = keyOf(e)
		}
		places = sorted(keys, o.down)
		c.orders[o] = places
	}
	return places
}

// sorted gives the places of the keys in ascending or descending order.
func sorted(keys []string, down bool) []int32 {
	type placed struct {
		key   string
		place int32
	}
	all := make([]placed, len(keys))
	for i, k := range keys {
		all[i] = placed{k, int32(i)}
	}
	slices.SortFunc(all, func(a, b placed) int {
		c := cmp.Compare(a.key, b.key)
		switch {
		case c == 0:
			return cmp.Compare(a.place, b.place)
		case a.key == "":
			return 1
		case b.key == "":
			return -1
		case down:
			return -c
		}
		return c
	})
	places := make([]int32, len(all))
	for i, p := range all {
		places[i] = p.place
	}
	return places
}

// natural makes a key of a text that sorts as people do: whatever the case,
// and numbers in it by their value, so that pc-9 goes before pc-10.
func natural(text string) string {
	key := make([]byte, 0, len(text)+8)
	for i := 0; i < len(text); {
		if !digit(text[i]) {
			r, size := utf8.DecodeRuneInString(text[i:])
			key = append(key, lower(r, text[i:i+size])...)
			i += size
			continue
		}
		start := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		// A longer number is larger, once its leading zeros are gone.
		number := strings.TrimLeft(text[start:i], "0")
		key = append(key, '0', byte(min(len(number), 255)))
		key = append(key, number...)
	}
	return string(key)
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func lower(r rune, text string) string {
	if r < utf8.RuneSelf && (r < 'A' || r > 'Z') {
		return text
	}
	return strings.ToLower(text)
}

// numeric makes a key of an address that sorts by its number, IPv4 first. What
// is no address comes after those that are.
func numeric(address string) string {
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

// column is something that a table of desktops can be sorted by.
type column struct {
	name  string // in the URL
	label string
	key   func(entry) string // nil: it depends on the moment
}

// dataColumn is how good the data is: it changes with every reading.
const dataColumn = "data"

func columns() []column {
	record := func(key func(r *inventory.Record) string) func(entry) string {
		return func(e entry) string { return key(e.record) }
	}
	// Of several interfaces the first one with a value counts.
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
		{"name", "Desktop", record(func(r *inventory.Record) string { return natural(r.Name()) })},
		{"project", "Project", func(e entry) string { return string(binary.BigEndian.AppendUint32([]byte{1}, uint32(e.project))) }},
		{"status", "Status", record(func(r *inventory.Record) string { return natural(r.Desktop.Status) })},
		{"ip", "Private IP", record(func(r *inventory.Record) string { return numeric(export.IP(r)) })},
		{"eip", "EIP", first(func(i *inventory.Interface) string { return numeric(i.EIP.Address) })},
		{"vpc", "VPC", first(func(i *inventory.Interface) string { return natural(cmp.Or(i.VPC.Name, i.VPC.ID)) })},
		{"subnet", "Subnet", first(func(i *inventory.Interface) string { return natural(cmp.Or(i.Subnet.Name, i.Subnet.ID)) })},
		{dataColumn, "Data age", nil},
	}
}
