// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"fmt"
	"slices"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

// numbered returns records with the given numbers as IDs.
func numbered(numbers ...int) []*inventory.Record {
	var records []*inventory.Record
	for _, n := range numbers {
		records = append(records, &inventory.Record{Desktop: inventory.Desktop{ID: fmt.Sprintf("%06d", n)}})
	}
	return records
}

// everyTenth returns n multiples of ten.
func everyTenth(n int) []int {
	var numbers []int
	for i := range n {
		numbers = append(numbers, 10*i)
	}
	return numbers
}

func sizes(chunks []*chunk) []int {
	var all []int
	for _, c := range chunks {
		all = append(all, len(c.records))
	}
	return all
}

func TestRechunk(t *testing.T) {
	t.Parallel()
	const n = chunkSize
	base := numbered(everyTenth(5 * n)...)
	half := slices.Clone(base)
	for i := range half {
		half[i] = &inventory.Record{Desktop: half[i].Desktop}
	}
	insert := func(at int, numbers ...int) []*inventory.Record {
		return slices.Insert(slices.Clone(base), at, numbered(numbers...)...)
	}
	between := func(at, count int) []*inventory.Record { // up to 9 records after each
		var numbers []int
		for i := range count {
			numbers = append(numbers, 10*(at+i/9)+i%9+1)
		}
		all := append(slices.Clone(base), numbered(numbers...)...)
		inventorytest.SortRecords(all)
		return all
	}
	changed := slices.Clone(base)
	changed[2*n+1] = half[2*n+1]
	for _, tt := range []struct {
		name    string
		records []*inventory.Record
		sizes   []int // of all chunks
		fresh   []int // indexes of those to encode
	}{
		{"nothing new", slices.Clone(base), []int{n, n, n, n, n}, nil},
		{"one changed", changed, []int{n, n, n, n, n}, []int{2}},
		{"all changed", half, []int{n, n, n, n, n}, []int{0, 1, 2, 3, 4}},
		{"one more in the middle", insert(n+1, 10*n+1), []int{n, n + 1, n, n, n}, []int{1}},
		{"one more in front", insert(0, -1), []int{n + 1, n, n, n, n}, []int{0}},
		{"one more behind", insert(5*n, 999_999), []int{n, n, n, n, n + 1}, []int{4}},
		{"one more between chunks", insert(n, 10*n-1), []int{n + 1, n, n, n, n}, []int{0}},
		{"first gone", base[1:], []int{n - 1, n, n, n, n}, []int{0}},
		{"last gone", base[:5*n-1], []int{n, n, n, n, n - 1}, []int{4}},
		{"a chunk gone", slices.Delete(slices.Clone(base), n, 2*n), []int{n, n, n, n}, nil},
		{"most of a chunk gone", slices.Delete(slices.Clone(base), n+1, 2*n), []int{n, n + 1, n, n}, []int{1}},
		{"all gone", nil, nil, nil},
		{"all but one gone", base[3*n : 3*n+1], []int{1}, []int{0}},
		{"a chunk grows too big", between(n, n), []int{n, n, n, n, n, n}, []int{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, _ := rechunk(nil, base)
			if got := sizes(old); !slices.Equal(got, []int{n, n, n, n, n}) {
				t.Fatalf("first chunks have sizes %v", got)
			}
			chunks, fresh := rechunk(old, tt.records)
			var all []*inventory.Record
			var indexes []int
			for i, c := range chunks {
				all = append(all, c.records...)
				if slices.Contains(fresh, c) {
					indexes = append(indexes, i)
				} else if !slices.Contains(old, c) {
					t.Errorf("chunk %d is neither fresh nor old", i)
				}
			}
			if !slices.Equal(all, tt.records) {
				t.Errorf("the chunks hold other records, or in another order")
			}
			if got := sizes(chunks); !slices.Equal(got, tt.sizes) {
				t.Errorf("sizes %v, want %v", got, tt.sizes)
			}
			if len(fresh) != len(indexes) || !slices.Equal(indexes, tt.fresh) {
				t.Errorf("%d fresh chunks, at %v, want %v", len(fresh), indexes, tt.fresh)
			}
		})
	}
}

// TestChunkSizeIsBounded lets a fleet grow and shrink in many rounds.
func TestChunkSizeIsBounded(t *testing.T) {
	t.Parallel()
	g := inventorytest.NewGenerator(3)
	records := numbered(everyTenth(200)...)
	chunks, _ := rechunk(nil, records)
	for round := range 300 {
		grow := round/50%2 == 0
		for range 60 {
			if grow {
				records = append(records, numbered(g.IntN(1_000_000))...)
			} else if len(records) > 0 {
				i := g.IntN(len(records))
				records = slices.Delete(records, i, i+1)
			}
		}
		inventorytest.SortRecords(records)
		records = slices.CompactFunc(records, func(a, b *inventory.Record) bool { return a.Desktop.ID == b.Desktop.ID })
		chunks, _ = rechunk(chunks, slices.Clone(records))
		for i, size := range sizes(chunks) {
			if size >= 2*chunkSize || size < chunkSize/4 && i < len(chunks)-1 {
				t.Fatalf("round %d: chunk %d of %d has %d records", round, i, len(chunks), size)
			}
		}
	}
}

func TestOnlyChangesAreEncoded(t *testing.T) {
	t.Parallel()
	fleet := inventorytest.NewGenerator(4).Fleet("office", 4*chunkSize)
	e := NewEncoder(Options{})
	cached := func(s *inventory.Snapshot) (chunks []*chunk, shared *sharedObjects) {
		scrape(t, e.Handler(always(s), nil), "", "gzip")
		for _, c := range e.caches {
			for _, p := range c.projects {
				chunks, shared = p.chunks, p.shared
			}
		}
		return chunks, shared
	}
	chunks, shared := cached(fleet)

	same := inventorytest.Snapshot(fleet.Project, true, slices.Clone(fleet.Records)...)
	same.Health.Up = false
	nowChunks, nowShared := cached(same)
	if !slices.Equal(nowChunks, chunks) || nowShared != shared {
		t.Error("equal content was encoded again")
	}

	other := inventorytest.Snapshot(fleet.Project, true, slices.Clone(fleet.Records)...)
	changed := *other.Records[chunkSize]
	changed.Desktop.Name = "renamed"
	other.Records[chunkSize] = &changed
	nowChunks, nowShared = cached(other)
	chunks[1] = nowChunks[1]
	if changed := nowChunks[1].records[0].Desktop.Name; !slices.Equal(nowChunks, chunks) || changed != "renamed" {
		t.Error("a change of one desktop must encode its chunk only")
	}
	if nowShared != shared {
		t.Error("a change of one desktop must not encode the shared objects")
	}

	fewer := inventorytest.Snapshot(fleet.Project, true, other.Records...)
	fewer.VPCs = fewer.VPCs[1:]
	if _, nowShared = cached(fewer); nowShared == shared {
		t.Error("removing a VPC must encode the shared objects")
	}
	shared = nowShared
	fewer.Findings = append(slices.Clone(fewer.Findings), inventory.Finding{Reason: inventory.VPCsOverlap})
	if _, nowShared = cached(fewer); nowShared == shared {
		t.Error("a new finding must encode the shared objects")
	}
	shared = nowShared
	fewer.CheckedReasons = fewer.CheckedReasons[1:]
	if _, nowShared = cached(fewer); nowShared == shared {
		t.Error("a reason that is no longer checked must encode the shared objects")
	}
}
