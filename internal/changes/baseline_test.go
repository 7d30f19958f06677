// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	type snapshots = []*inventory.Snapshot
	d1 := record("d1", "ana", "10.0.0.1 eip=1.1.1.1 subnet=s1/floor sg=g1/web")
	for _, tt := range []struct {
		name string
		s    snapshots
		want []string
	}{
		{"first snapshot", snapshots{snapshot(d1)}, nil},
		{"same snapshot", snapshots{snapshot(d1), snapshot(d1), snapshot(d1)}, nil},
		{
			"differences that are not compared",
			snapshots{snapshot(d1), snapshot(record("d1", "ana", "10.0.0.1 eip=1.1.1.1 subnet=s1/renamed sg=g1/renamed port=other"))},
			nil,
		},
		{"appears", snapshots{snapshot(), snapshot(d1)}, []string{"d1 ana appeared"}},
		{
			"appears, and its networks are read later",
			snapshots{snapshot(), snapshot(record("d1", "ana")), snapshot(d1)},
			[]string{"d1 ana appeared"},
		},
		{"vanishes", snapshots{snapshot(d1), snapshot()}, []string{"d1 ana vanished"}},
		{"vanishes and appears again", snapshots{snapshot(d1), snapshot(), snapshot(d1)}, []string{"d1 ana vanished", "d1 ana appeared"}},
		{
			"some appear, some vanish, some stay",
			snapshots{
				snapshot(record("a", "a"), record("c", "c"), record("d", "d"), record("x", "x")),
				snapshot(record("b", "b"), record("c", "c2"), record("e", "e"), record("x", "x")),
				snapshot(record("a", "a"), record("x", "x2")),
			},
			[]string{
				"a a vanished", "b b appeared", `c c2 renamed "c" to "c2"`, "d d vanished", "e e appeared",
				"a a appeared", "b b vanished", "c c2 vanished", "e e vanished", `x x2 renamed "x" to "x2"`,
			},
		},
		{
			"absent from an incomplete list",
			snapshots{snapshot(d1, record("d2", "eva")), incomplete(d1), incomplete(), incomplete(record("d3", "new")), incomplete(d1)},
			[]string{"d3 new appeared"},
		},
		{
			"absent from a later complete list",
			snapshots{snapshot(d1, record("d2", "eva")), incomplete(d1), snapshot(d1), snapshot(d1)},
			[]string{"d2 eva vanished"},
		},
		{
			"absent, then present with changes",
			snapshots{snapshot(record("d0", "z"), d1), incomplete(record("d0", "z")), snapshot(record("d0", "z"), record("d1", "eva"))},
			[]string{`d1 eva renamed "ana" to "eva"`},
		},
		{
			"not appeared while no complete list was observed",
			snapshots{incomplete(d1), incomplete(d1, record("d2", "eva")), snapshot(d1, record("d2", "eva"), record("d3", "kim"))},
			nil,
		},
		{"outage", snapshots{snapshot(d1), outage(), outage(), snapshot(d1)}, nil},
		{
			"changes during an outage",
			snapshots{snapshot(d1, record("d2", "eva")), outage(), snapshot(record("d1", "ana", "10.0.0.1 subnet=s1 sg=g1"), record("d3", "kim"))},
			[]string{`d1 ana eip_unbound "1.1.1.1" to ""`, "d2 eva vanished", "d3 kim appeared"},
		},
		{
			"outage that ends with an incomplete list",
			snapshots{snapshot(d1, record("d2", "eva")), outage(), incomplete(d1), snapshot(d1, record("d2", "eva"))},
			nil,
		},
		{"networks unknown in between", snapshots{snapshot(d1), snapshot(record("d1", "ana")), snapshot(d1)}, nil},
		{
			"networks change while they are unknown",
			snapshots{snapshot(d1), snapshot(record("d1", "ana")), snapshot(record("d1", "ana", "10.0.0.2 eip=1.1.1.1 subnet=s1 sg=g1"))},
			[]string{`d1 ana address_changed "10.0.0.1" to "10.0.0.2"`},
		},
		{"networks known for the first time", snapshots{snapshot(record("d1", "ana")), snapshot(d1)}, nil},
		{
			"EIP bound, swapped, unbound",
			snapshots{snapshot(record("d", "n", "a")), snapshot(record("d", "n", "a eip=1.1.1.1")), snapshot(record("d", "n", "a eip=2.2.2.2")), snapshot(record("d", "n", "a"))},
			[]string{`d n eip_bound "" to "1.1.1.1"`, `d n eip_swapped "1.1.1.1" to "2.2.2.2"`, `d n eip_unbound "2.2.2.2" to ""`},
		},
		{
			"second EIP bound, swapped, moved between interfaces, unbound",
			snapshots{
				snapshot(record("d", "n", "a eip=1.1.1.1", "b")), snapshot(record("d", "n", "a eip=1.1.1.1", "b eip=2.2.2.2")),
				snapshot(record("d", "n", "a eip=3.3.3.3", "b eip=1.1.1.1")), snapshot(record("d", "n", "a eip=1.1.1.1", "b eip=3.3.3.3")), snapshot(record("d", "n", "a", "b eip=3.3.3.3")),
			},
			[]string{
				`d n eip_bound "1.1.1.1" to "1.1.1.1,2.2.2.2"`, `d n eip_swapped "1.1.1.1,2.2.2.2" to "1.1.1.1,3.3.3.3"`,
				`d n eip_unbound "1.1.1.1,3.3.3.3" to "3.3.3.3"`,
			},
		},
		{"EIP without address", snapshots{snapshot(record("d", "n", "a")), snapshot(record("d", "n", "a eipid=e1"))}, []string{`d n eip_bound "" to "e1"`}},
		{
			"subnet changed",
			snapshots{snapshot(record("d", "n", "10.0.0.1 subnet=s1/floor")), snapshot(record("d", "n", "10.0.1.1 subnet=s2/roof"))},
			[]string{`d n subnet_changed "floor" to "roof"`, `d n address_changed "10.0.0.1" to "10.0.1.1"`},
		},
		{
			"two subnets with the same name",
			snapshots{snapshot(record("d", "n", "a subnet=s1/floor")), snapshot(record("d", "n", "a subnet=s2/floor"))},
			[]string{`d n subnet_changed "s1" to "s2"`},
		},
		{
			"interface added and removed",
			snapshots{snapshot(record("d", "n", "a subnet=s1/floor sg=g1")), snapshot(record("d", "n", "a subnet=s1/floor sg=g1", "b subnet=s2 sg=g1")), snapshot(record("d", "n", "-"))},
			[]string{
				`d n subnet_changed "floor" to "floor,s2"`, `d n address_changed "a" to "a,b"`,
				`d n subnet_changed "floor,s2" to ""`, `d n address_changed "a,b" to ""`, `d n security_groups_changed "g1" to ""`,
			},
		},
		{
			"security groups changed",
			snapshots{snapshot(record("d", "n", "a sg=g1/web sg=g2/base")), snapshot(record("d", "n", "a sg=g2/base sg=g3/db")), snapshot(record("d", "n", "a sg=g3/db", "- sg=g2/base"))},
			[]string{`d n security_groups_changed "base,web" to "base,db"`, `d n address_changed "a" to "-,a"`},
		},
		{
			"all kinds at once, in order",
			snapshots{snapshot(d1), snapshot(record("d1", "eva", "10.1.0.1 eip=2.2.2.2 subnet=s2/roof sg=g2/db"))},
			[]string{
				`d1 eva renamed "ana" to "eva"`, `d1 eva eip_swapped "1.1.1.1" to "2.2.2.2"`, `d1 eva subnet_changed "floor" to "roof"`,
				`d1 eva address_changed "10.0.0.1" to "10.1.0.1"`, `d1 eva security_groups_changed "web" to "db"`,
			},
		},
		{
			"the list's name takes precedence",
			snapshots{snapshot(withNetworkName(record("d", "list"), "n1")), snapshot(withNetworkName(record("d", "list"), "n2")), snapshot(withNetworkName(record("d", "list2"), "n2"))},
			[]string{`d list2 renamed "list" to "list2"`},
		},
		{
			"name in the networks only",
			snapshots{snapshot(withNetworkName(record("d", ""), "n1")), snapshot(record("d", "")), snapshot(withNetworkName(record("d", ""), "n2"))},
			[]string{`d n2 renamed "n1" to "n2"`},
		},
		{
			"name absent from the list in between",
			snapshots{snapshot(withNetworkName(record("d", "list"), "n")), snapshot(withNetworkName(record("d", ""), "n")), snapshot(withNetworkName(record("d", "list"), "n"))},
			nil,
		},
		{"name first in the networks, then in the list", snapshots{snapshot(withNetworkName(record("d", ""), "n")), snapshot(withNetworkName(record("d", "list"), "n"))}, nil},
		{"first name", snapshots{snapshot(record("d", "")), snapshot(record("d", "list"))}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			o := h.Observer("r", "p", "")
			for _, s := range tt.s {
				o.Observe(s)
				o.Observe(s) // no change
			}
			changes := h.Changes()
			slices.Reverse(changes)
			if diff := cmp.Diff(tt.want, lines(changes)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			counts := map[inventory.ChangeKind]uint64{}
			for _, c := range changes {
				counts[c.Kind]++
			}
			if diff := cmp.Diff(counts, h.Count(office)); diff != "" {
				t.Errorf("counted (-want +got)\n%s", diff)
			}
		})
	}
}

// BenchmarkObserve measures how long an engine with 100,000 desktops is locked by
// Observe.
func BenchmarkObserve(b *testing.B) {
	const n = 100_000
	records := make([]*inventory.Record, n)
	for i := range records {
		records[i] = record(fmt.Sprintf("%06d", i), "n", "10.0.0.1 subnet=s1/floor sg=g1/web")
	}
	start := func() *Observer {
		o := newHistory().Observer("r", "p", "")
		o.Observe(snapshot(records...))
		return o
	}
	b.Run("same slice", func(b *testing.B) {
		o := start()
		s := snapshot(records...)
		for b.Loop() {
			o.Observe(s)
		}
	})
	b.Run("same records", func(b *testing.B) {
		o := start()
		s := [2]*inventory.Snapshot{snapshot(slices.Clone(records)...), snapshot(slices.Clone(records)...)}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("1000 renamed", func(b *testing.B) {
		o := start()
		var s [2]*inventory.Snapshot
		for k := range s {
			changed := slices.Clone(records)
			for i := 0; i < n; i += 100 {
				changed[i] = record(records[i].Desktop.ID, fmt.Sprint(k), "10.0.0.1 subnet=s1/floor sg=g1/web")
			}
			s[k] = snapshot(changed...)
		}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("one appears or vanishes", func(b *testing.B) {
		o := start()
		s := [2]*inventory.Snapshot{snapshot(records[1:]...), snapshot(slices.Clone(records)...)}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("first snapshot", func(b *testing.B) {
		for b.Loop() {
			start()
		}
	})
}
