// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// shelf is a list of desktops that a pager reads and a test changes.
type shelf struct {
	mu     sync.Mutex
	ids    []string
	calls  int
	most   int                         // elements that a page has at most; 0: as many as asked for
	before func(s *shelf, call int)    // runs before a call is answered, under the lock
	after  func(call int, p page) page // changes an answer
}

func newShelf(n int) *shelf {
	s := &shelf{}
	for i := range n {
		s.ids = append(s.ids, fmt.Sprintf("d%06d", i))
	}
	return s
}

func (s *shelf) fetch(_ context.Context, offset, limit int) (page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.before != nil {
		s.before(s, s.calls)
	}
	if s.most > 0 {
		limit = min(limit, s.most)
	}
	from := min(offset, len(s.ids))
	p := page{total: len(s.ids)}
	for _, id := range s.ids[from:min(from+limit, len(s.ids))] {
		p.size++
		if !slices.ContainsFunc(p.desktops, func(d inventory.Desktop) bool { return d.ID == id }) && id != "" {
			p.desktops = append(p.desktops, inventory.Desktop{ID: id})
		}
	}
	if s.after != nil {
		p = s.after(s.calls, p)
	}
	return p, nil
}

func (s *shelf) remove(at int)            { s.ids = slices.Delete(s.ids, at, at+1) }
func (s *shelf) insert(at int, id string) { s.ids = slices.Insert(s.ids, at, id) }

func (s *shelf) pager(limit, concurrency int) *pager {
	return &pager{fetch: s.fetch, limit: limit, concurrency: concurrency, planned: func(int) {}}
}

// once makes a hook that runs at one call only.
func once(call int, do func(s *shelf)) func(*shelf, int) {
	return func(s *shelf, n int) {
		if n == call {
			do(s)
		}
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	addTotal := func(n int) func(int, page) page {
		return func(_ int, p page) page { p.total += n; return p }
	}
	for _, tt := range []struct {
		name       string
		size       int // of the list, with pages of 10
		before     func(*shelf, int)
		after      func(int, page) page
		most       int
		incomplete bool
		desktops   int // want
		calls      int // want
		duplicates int // want
	}{
		{name: "empty", size: 0, calls: 1},
		{name: "one", size: 1, desktops: 1, calls: 1},
		{name: "a page less one", size: 9, desktops: 9, calls: 1},
		{name: "a page", size: 10, desktops: 10, calls: 1},
		{name: "a page and one", size: 11, desktops: 11, calls: 2},
		{name: "two pages but the overlap", size: 19, desktops: 19, calls: 2},
		{name: "two pages", size: 20, desktops: 20, calls: 3},
		{name: "three pages", size: 28, desktops: 28, calls: 3},
		{name: "ten pages", size: 91, desktops: 91, calls: 10},

		{name: "one deleted between pages", size: 25, before: once(2, func(s *shelf) { s.remove(3) }), desktops: 24, calls: 7},
		{name: "the overlap deleted", size: 25, before: once(2, func(s *shelf) { s.remove(9) }), desktops: 24, calls: 7},
		{name: "many deleted between pages", size: 25, before: once(2, func(s *shelf) { s.ids = s.ids[8:] }), desktops: 17, calls: 5},
		{name: "one inserted before", size: 25, before: once(2, func(s *shelf) { s.insert(0, "new") }), desktops: 26, calls: 6},
		{name: "one appended", size: 20, before: once(3, func(s *shelf) { s.insert(20, "new") }), desktops: 21, calls: 3},
		{name: "grows beyond the last page", size: 28, before: once(3, func(s *shelf) {
			for i := range 5 {
				s.insert(len(s.ids), "new"+strconv.Itoa(i))
			}
		}), desktops: 33, calls: 4},
		{name: "shrinks to the first page", size: 25, before: once(2, func(s *shelf) { s.ids = s.ids[:7] }), desktops: 7, calls: 4},
		{name: "vanishes", size: 25, before: once(2, func(s *shelf) { s.ids = nil }), desktops: 0, calls: 4},
		{name: "one moves from the last page to the first", size: 25, before: once(2, func(s *shelf) {
			id := s.ids[24]
			s.remove(24)
			s.insert(0, id)
		}), desktops: 25, calls: 6},
		{
			name: "shuffled for every page", size: 50, incomplete: true, desktops: -1, calls: -1,
			before: func(s *shelf, call int) {
				rand.New(rand.NewPCG(1, uint64(call))).Shuffle(len(s.ids), func(i, j int) { s.ids[i], s.ids[j] = s.ids[j], s.ids[i] })
			},
		},

		{name: "total too large, one page", size: 7, after: addTotal(3), incomplete: true, desktops: 7, calls: 6},
		{name: "total too large", size: 25, after: addTotal(3), incomplete: true, desktops: 25, calls: 9},
		{name: "total too small, one page", size: 7, after: addTotal(-3), incomplete: true, desktops: 7, calls: 3},
		{name: "total too small", size: 25, after: addTotal(-3), incomplete: true, desktops: 25, calls: 9},
		{name: "total absurd", size: 25, after: addTotal(2_000_000_000), incomplete: true, desktops: 25, calls: 9},
		{name: "total grows for ever", size: 25, after: func(call int, p page) page { p.total += call * 10; return p }, incomplete: true, desktops: 25, calls: -1},
		{name: "no total", size: 25, after: func(_ int, p page) page { p.total = -1; return p }, desktops: 25, calls: 3},
		{name: "no total, full pages", size: 28, after: func(_ int, p page) page { p.total = -1; return p }, desktops: 28, calls: 4},
		{name: "no total, one page", size: 7, after: func(_ int, p page) page { p.total = -1; return p }, desktops: 7, calls: 1},
		{name: "empty once", size: 25, after: func(call int, p page) page {
			if call == 2 {
				p.desktops, p.size = nil, 0
			}
			return p
		}, desktops: 25, calls: 6},
		{name: "always empty", size: 25, after: func(_ int, p page) page { return page{total: p.total} }, incomplete: true, calls: 3},

		{name: "smaller pages than asked for", size: 25, most: 5, desktops: 25, calls: 6},
		{name: "pages of one", size: 5, most: 1, desktops: 5, calls: -1},
		{
			name: "an element without ID", size: 25, desktops: 24, calls: 3,
			before: once(1, func(s *shelf) { s.ids[5] = "" }),
		},
		{
			name: "twice in one page", size: 25, desktops: 24, calls: 3,
			before: once(1, func(s *shelf) { s.ids[5] = s.ids[4] }),
		},
		{
			name: "twice in the list", size: 25, desktops: 24, calls: 6, duplicates: 1,
			before: once(1, func(s *shelf) { s.ids[15] = s.ids[4] }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(tt.size)
			s.before, s.after, s.most = tt.before, tt.after, tt.most
			got, err := s.pager(10, 1).list(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tt.desktops < 0 {
				tt.desktops = len(got.desktops)
			}
			if got.complete == tt.incomplete || len(got.desktops) != tt.desktops || got.duplicates != tt.duplicates {
				t.Errorf("complete %t, %d desktops, %d duplicates; want %t, %d, %d",
					got.complete, len(got.desktops), got.duplicates, !tt.incomplete, tt.desktops, tt.duplicates)
			}
			if tt.calls >= 0 && s.calls != tt.calls || s.calls > 60 {
				t.Errorf("%d calls, want %d", s.calls, tt.calls)
			}
		})
	}
}

// TestPagingOfACloudThatDoesNotTurn is one that gives the first page for ever.
func TestPagingOfACloudThatDoesNotTurn(t *testing.T) {
	t.Parallel()
	for _, total := range []int{11, 19, 25, 1_000_000_000} {
		s := newShelf(10)
		p := s.pager(10, 8)
		p.fetch = func(ctx context.Context, _, limit int) (page, error) {
			got, err := s.fetch(ctx, 0, limit)
			got.total = total
			return got, err
		}
		got, err := p.list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.complete || len(got.desktops) != 10 {
			t.Errorf("total %d: complete %t with %d desktops, want incomplete with 10", total, got.complete, len(got.desktops))
		}
		if s.calls > 60 {
			t.Errorf("total %d: %d calls", total, s.calls)
		}
	}
}

func TestPagingStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := newShelf(100)
	p := s.pager(10, 4)
	p.fetch = func(ctx context.Context, offset, limit int) (page, error) {
		if offset == 27 {
			return page{}, broken
		}
		return s.fetch(ctx, offset, limit)
	}
	if _, err := p.list(t.Context()); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// TestPagingModel reads lists that change at random while they are read, by
// deletions and insertions anywhere. Whatever happens: a desktop that was there
// all the time is found if the list says it is complete, and nothing is found
// that never was.
func TestPagingModel(t *testing.T) {
	t.Parallel()
	complete, incomplete := 0, 0
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := newShelf(rng.IntN(400))
		always, ever := map[string]bool{}, map[string]bool{}
		for _, id := range s.ids {
			always[id], ever[id] = true, true
		}
		haste := rng.Float64() // how much changes
		s.before = func(s *shelf, call int) {
			for rng.Float64() < haste/2 {
				if rng.IntN(2) == 0 && len(s.ids) > 0 {
					at := rng.IntN(len(s.ids))
					delete(always, s.ids[at])
					s.remove(at)
				} else {
					id := fmt.Sprintf("new-%d-%d", call, len(ever))
					ever[id] = true
					s.insert(rng.IntN(len(s.ids)+1), id)
				}
			}
		}
		limit := 2 + rng.IntN(40)
		got, err := s.pager(limit, 1+rng.IntN(8)).list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, d := range got.desktops {
			found[d.ID] = true
			if !ever[d.ID] {
				t.Errorf("seed %d: %s never was", seed, d.ID)
			}
		}
		if len(found) != len(got.desktops) {
			t.Errorf("seed %d: %d desktops, %d of them different", seed, len(got.desktops), len(found))
		}
		if !got.complete {
			incomplete++
			continue
		}
		complete++
		for id := range always {
			if !found[id] {
				t.Errorf("seed %d: %s was missed without a word", seed, id)
			}
		}
		if most := maxWalks * (2*len(ever)/(limit-1) + 20); s.calls > most {
			t.Errorf("seed %d: %d calls", seed, s.calls)
		}
	}
	// Should most readings fail, the test would prove little.
	if complete < 600 || incomplete == 0 {
		t.Errorf("%d complete and %d incomplete readings", complete, incomplete)
	}
	t.Logf("%d complete and %d incomplete readings", complete, incomplete)
}

func TestPagesArePlannedAfterTheFirst(t *testing.T) {
	t.Parallel()
	s := newShelf(91)
	p := s.pager(10, 4)
	var planned []int
	p.planned = func(n int) { planned = append(planned, n) }
	if _, err := p.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(planned, []int{10, 10}) {
		t.Errorf("planned %v, want 10 at first and in the end", planned)
	}
}
