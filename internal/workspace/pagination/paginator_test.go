// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pagination

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

// fakeList is a list of desktops that a Paginator reads and a test changes.
type fakeList struct {
	mu      sync.Mutex
	ids     []string
	calls   int
	maxSize int                         // maximum size of a page; 0: as requested
	before  func(l *fakeList, call int) // runs before each response, with the lock held
	after   func(call int, p Page) Page // changes a response
}

func newFakeList(n int) *fakeList {
	l := &fakeList{}
	for i := range n {
		l.ids = append(l.ids, fmt.Sprintf("d%06d", i))
	}
	return l
}

func (l *fakeList) fetch(_ context.Context, offset, limit int) (Page, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.before != nil {
		l.before(l, l.calls)
	}
	if l.maxSize > 0 {
		limit = min(limit, l.maxSize)
	}
	from := min(offset, len(l.ids))
	p := Page{Total: len(l.ids)}
	for _, id := range l.ids[from:min(from+limit, len(l.ids))] {
		p.Size++
		if !slices.ContainsFunc(p.Desktops, func(d inventory.Desktop) bool { return d.ID == id }) && id != "" {
			p.Desktops = append(p.Desktops, inventory.Desktop{ID: id})
		}
	}
	if l.after != nil {
		p = l.after(l.calls, p)
	}
	return p, nil
}

func (l *fakeList) remove(at int)            { l.ids = slices.Delete(l.ids, at, at+1) }
func (l *fakeList) insert(at int, id string) { l.ids = slices.Insert(l.ids, at, id) }

func newPaginator(pageSize, concurrency int) *Paginator {
	return &Paginator{PageSize: pageSize, Concurrency: concurrency, OnPlan: func(int) {}}
}

// once returns a hook that runs before one response only.
func once(call int, hook func(l *fakeList)) func(*fakeList, int) {
	return func(l *fakeList, n int) {
		if n == call {
			hook(l)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	addTotal := func(n int) func(int, Page) Page {
		return func(_ int, p Page) Page { p.Total += n; return p }
	}
	for _, tt := range []struct {
		name       string
		size       int // of the list, with pages of 10
		before     func(*fakeList, int)
		after      func(int, Page) Page
		maxSize    int
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
		{name: "two pages less the overlap", size: 19, desktops: 19, calls: 2},
		{name: "two pages", size: 20, desktops: 20, calls: 3},
		{name: "three pages", size: 28, desktops: 28, calls: 3},
		{name: "ten pages", size: 91, desktops: 91, calls: 10},

		{name: "one deleted between pages", size: 25, before: once(2, func(l *fakeList) { l.remove(3) }), desktops: 24, calls: 7},
		{name: "the overlap deleted", size: 25, before: once(2, func(l *fakeList) { l.remove(9) }), desktops: 24, calls: 7},
		{name: "many deleted between pages", size: 25, before: once(2, func(l *fakeList) { l.ids = l.ids[8:] }), desktops: 17, calls: 5},
		{name: "one inserted before", size: 25, before: once(2, func(l *fakeList) { l.insert(0, "new") }), desktops: 26, calls: 6},
		{name: "one appended", size: 20, before: once(3, func(l *fakeList) { l.insert(20, "new") }), desktops: 21, calls: 3},
		{name: "grows beyond the last page", size: 28, before: once(3, func(l *fakeList) {
			for i := range 5 {
				l.insert(len(l.ids), "new"+strconv.Itoa(i))
			}
		}), desktops: 33, calls: 4},
		{name: "shrinks to the first page", size: 25, before: once(2, func(l *fakeList) { l.ids = l.ids[:7] }), desktops: 7, calls: 4},
		{name: "becomes empty", size: 25, before: once(2, func(l *fakeList) { l.ids = nil }), desktops: 0, calls: 4},
		{name: "one moves from the last page to the first", size: 25, before: once(2, func(l *fakeList) {
			id := l.ids[24]
			l.remove(24)
			l.insert(0, id)
		}), desktops: 25, calls: 6},
		{
			name: "shuffled for every page", size: 50, incomplete: true, desktops: -1, calls: -1,
			before: func(l *fakeList, call int) {
				rand.New(rand.NewPCG(1, uint64(call))).Shuffle(len(l.ids), func(i, j int) { l.ids[i], l.ids[j] = l.ids[j], l.ids[i] })
			},
		},

		{name: "total too large, one page", size: 7, after: addTotal(3), incomplete: true, desktops: 7, calls: 6},
		{name: "total too large", size: 25, after: addTotal(3), incomplete: true, desktops: 25, calls: 9},
		{name: "total too small, one page", size: 7, after: addTotal(-3), incomplete: true, desktops: 7, calls: 3},
		{name: "total too small", size: 25, after: addTotal(-3), incomplete: true, desktops: 25, calls: 9},
		{name: "total much too large", size: 25, after: addTotal(2_000_000_000), incomplete: true, desktops: 25, calls: 9},
		{name: "total grows without end", size: 25, after: func(call int, p Page) Page { p.Total += call * 10; return p }, incomplete: true, desktops: 25, calls: -1},
		{name: "no total", size: 25, after: func(_ int, p Page) Page { p.Total = -1; return p }, desktops: 25, calls: 3},
		{name: "no total, full pages", size: 28, after: func(_ int, p Page) Page { p.Total = -1; return p }, desktops: 28, calls: 4},
		{name: "no total, one page", size: 7, after: func(_ int, p Page) Page { p.Total = -1; return p }, desktops: 7, calls: 1},
		{name: "unreadable total", size: 25, after: func(_ int, p Page) Page { p.Total, p.Unreadable = -1, true; return p }, incomplete: true, desktops: 25, calls: 3},
		{name: "unreadable total on a later page", size: 25, after: func(call int, p Page) Page {
			if call == 2 {
				p.Total, p.Unreadable = -1, true
			}
			return p
		}, incomplete: true, desktops: 25, calls: 3},
		{name: "no total, empty", size: 0, after: func(_ int, p Page) Page { p.Total = -1; return p }, desktops: 0, calls: 2},
		{name: "no total, empty once", size: 7, after: func(call int, p Page) Page {
			if call == 1 {
				p = Page{}
			}
			p.Total = -1
			return p
		}, desktops: 7, calls: 2},
		{name: "only elements without ID", size: 25, before: func(l *fakeList, _ int) { clear(l.ids) }, incomplete: true, calls: -1},
		{name: "empty once", size: 25, after: func(call int, p Page) Page {
			if call == 2 {
				p.Desktops, p.Size = nil, 0
			}
			return p
		}, desktops: 25, calls: 6},
		{name: "always empty", size: 25, after: func(_ int, p Page) Page { return Page{Total: p.Total} }, incomplete: true, calls: 3},

		{name: "smaller pages than requested", size: 25, maxSize: 5, desktops: 25, calls: 6},
		{name: "pages of one", size: 5, maxSize: 1, desktops: 5, calls: -1},
		{
			name: "an element without ID", size: 25, desktops: 24, calls: 3,
			before: once(1, func(l *fakeList) { l.ids[5] = "" }),
		},
		{
			name: "duplicate in one page", size: 25, desktops: 24, calls: 3,
			before: once(1, func(l *fakeList) { l.ids[5] = l.ids[4] }),
		},
		{
			name: "duplicate in the list", size: 25, desktops: 24, calls: 6, duplicates: 1,
			before: once(1, func(l *fakeList) { l.ids[15] = l.ids[4] }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newFakeList(tt.size)
			l.before, l.after, l.maxSize = tt.before, tt.after, tt.maxSize
			got, err := newPaginator(10, 1).List(t.Context(), l.fetch)
			if err != nil {
				t.Fatal(err)
			}
			if tt.desktops < 0 {
				tt.desktops = len(got.Desktops)
			}
			if got.Complete == tt.incomplete || len(got.Desktops) != tt.desktops || got.Duplicates != tt.duplicates {
				t.Errorf("complete %t, %d desktops, %d duplicates; want %t, %d, %d",
					got.Complete, len(got.Desktops), got.Duplicates, !tt.incomplete, tt.desktops, tt.duplicates)
			}
			if tt.calls >= 0 && l.calls != tt.calls || l.calls > 60 {
				t.Errorf("%d calls, want %d", l.calls, tt.calls)
			}
		})
	}
}

// TestListWithIgnoredOffset: the API returns the first page for every offset.
func TestListWithIgnoredOffset(t *testing.T) {
	t.Parallel()
	for _, total := range []int{11, 19, 25, 1_000_000_000} {
		l := newFakeList(10)
		got, err := newPaginator(10, 8).List(t.Context(), func(ctx context.Context, _, limit int) (Page, error) {
			p, err := l.fetch(ctx, 0, limit)
			p.Total = total
			return p, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got.Complete || len(got.Desktops) != 10 {
			t.Errorf("total %d: complete %t with %d desktops, want incomplete with 10", total, got.Complete, len(got.Desktops))
		}
		if l.calls > 60 {
			t.Errorf("total %d: %d calls", total, l.calls)
		}
	}
}

func TestListReturnsError(t *testing.T) {
	t.Parallel()
	errFetch := errors.New("fetch failed")
	l := newFakeList(100)
	fetch := func(ctx context.Context, offset, limit int) (Page, error) {
		if offset == 27 {
			return Page{}, errFetch
		}
		return l.fetch(ctx, offset, limit)
	}
	if _, err := newPaginator(10, 4).List(t.Context(), fetch); !errors.Is(err, errFetch) {
		t.Errorf("error %v, want %v", err, errFetch)
	}
}

// TestListWithRandomChanges reads lists from which desktops are deleted, and into
// which desktops are inserted, at random while they are read. A complete result
// contains every desktop that existed all the time, and no result contains a
// desktop that never existed.
func TestListWithRandomChanges(t *testing.T) {
	t.Parallel()
	complete, incomplete := 0, 0
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		l := newFakeList(rng.IntN(400))
		always, existed := map[string]bool{}, map[string]bool{}
		for _, id := range l.ids {
			always[id], existed[id] = true, true
		}
		changeRate := rng.Float64()
		l.before = func(l *fakeList, call int) {
			for rng.Float64() < changeRate/2 {
				if rng.IntN(2) == 0 && len(l.ids) > 0 {
					at := rng.IntN(len(l.ids))
					delete(always, l.ids[at])
					l.remove(at)
				} else {
					id := fmt.Sprintf("new-%d-%d", call, len(existed))
					existed[id] = true
					l.insert(rng.IntN(len(l.ids)+1), id)
				}
			}
		}
		pageSize := 2 + rng.IntN(40)
		got, err := newPaginator(pageSize, 1+rng.IntN(8)).List(t.Context(), l.fetch)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, d := range got.Desktops {
			found[d.ID] = true
			if !existed[d.ID] {
				t.Errorf("seed %d: %s never existed", seed, d.ID)
			}
		}
		if len(found) != len(got.Desktops) {
			t.Errorf("seed %d: %d desktops, %d of them distinct", seed, len(got.Desktops), len(found))
		}
		if !got.Complete {
			incomplete++
			continue
		}
		complete++
		for id := range always {
			if !found[id] {
				t.Errorf("seed %d: complete result without %s", seed, id)
			}
		}
		if maxCalls := MaxAttempts * (2*len(existed)/(pageSize-1) + 20); l.calls > maxCalls {
			t.Errorf("seed %d: %d calls", seed, l.calls)
		}
	}
	// If most results were incomplete, the test would prove little.
	if complete < 600 || incomplete == 0 {
		t.Errorf("%d complete and %d incomplete results", complete, incomplete)
	}
	t.Logf("%d complete and %d incomplete results", complete, incomplete)
}

func TestOnPlan(t *testing.T) {
	t.Parallel()
	l := newFakeList(91)
	p := newPaginator(10, 4)
	var planned []int
	p.OnPlan = func(n int) { planned = append(planned, n) }
	if _, err := p.List(t.Context(), l.fetch); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(planned, []int{10, 10}) {
		t.Errorf("planned %v, want 10 after the first page and at the end", planned)
	}
}

func TestListContinuesAfterQuotaExceeded(t *testing.T) {
	t.Parallel()
	l := newFakeList(91)
	p := newPaginator(10, 1)
	exceeded := &inventory.QuotaExceeded{Operation: inventory.ListDesktops}
	quota := 4
	fetch := func(ctx context.Context, offset, limit int) (Page, error) {
		if quota--; quota < 0 {
			return Page{}, exceeded
		}
		return l.fetch(ctx, offset, limit)
	}
	if _, err := p.List(t.Context(), fetch); !errors.Is(err, exceeded) {
		t.Fatalf("error %v, want %v", err, exceeded)
	}
	if n := p.PagesRead(); n != 4 {
		t.Errorf("%d pages read, want 4", n)
	}
	quota = 6
	got, err := p.List(t.Context(), fetch)
	if err != nil || !got.Complete || len(got.Desktops) != 91 || l.calls != 10 {
		t.Errorf("complete %t, %d desktops, %d calls, error %v; want 91 desktops in 10 calls", got.Complete, len(got.Desktops), l.calls, err)
	}
}
