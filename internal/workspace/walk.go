// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// verdict is how much of the list a walk has seen.
type verdict int

const (
	partial verdict = iota
	exact           // as many desktops as the cloud counts
	moved           // the count changed on the way, by no less than what is missing or too much
	repeats         // all elements, but a few of them twice: the list is so, or it was reordered
)

// placed is one page and the place where it was asked for.
type placed struct {
	page
	offset int
}

// walk is one way through the list.
type walk struct {
	*pager
	size     int      // of a full page
	readings []placed // by offset
	hole     bool     // somewhere pages do not hang together

	mu     sync.Mutex
	got    map[int]placed // all pages, by offset
	totals []int          // as they arrived
}

// get gives a page, which is read once.
func (w *walk) get(ctx context.Context, offset int) (placed, error) {
	w.mu.Lock()
	known, ok := w.got[offset]
	w.mu.Unlock()
	if ok {
		return known, nil
	}
	got, err := w.fetch(ctx, offset, w.limit)
	if err != nil {
		return placed{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if got.total >= 0 {
		w.totals = append(w.totals, got.total)
	}
	w.got[offset] = placed{got, offset}
	return w.got[offset], nil
}

// newest gives the last count that came; -1: none came.
func (w *walk) newest() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.totals) == 0 {
		return -1
	}
	return w.totals[len(w.totals)-1]
}

func (w *walk) run(ctx context.Context) error {
	w.hole = false
	first, err := w.get(ctx, 0)
	if err != nil {
		return err
	}
	w.readings = []placed{first}
	w.size = w.limit
	if w.last(first) && first.total <= first.size || first.size == 0 {
		w.planned(1)
		return nil
	}
	// A cloud that gives less than it is asked for, though it has more, has
	// smaller pages.
	w.size = min(first.size, w.limit)
	stride := max(1, w.size-1)
	if err := w.rest(ctx, stride); err != nil {
		return err
	}
	if err := w.tail(ctx, stride); err != nil {
		return err
	}
	if err := w.heal(ctx); err != nil {
		return err
	}
	w.planned(len(w.readings))
	return nil
}

// last tells whether a page reached the end of the list when it was read.
func (w *walk) last(p placed) bool {
	return p.size < w.size || p.total >= 0 && p.offset+p.size >= p.total
}

// rest reads the pages after the first at once, as far as the count of the
// first says. A page that is not full, or brings nothing new, ends it early.
func (w *walk) rest(ctx context.Context, stride int) error {
	total := min(w.readings[0].total, maxListed)
	pages := 1
	if total > 1 {
		pages = (total - 2 + stride) / stride // the last begins at most one before the end
	}
	w.planned(pages)
	if pages < 2 {
		return nil
	}
	seen := newIDs(w.readings[0])
	more := make(map[int]placed, min(pages, 1000))
	var end atomic.Int64 // the page after which there is nothing
	end.Store(int64(pages))
	var spent error // the quota is; what was asked for already is read nonetheless
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, w.concurrency))
	for i := 1; i < pages; i++ {
		if int64(i) > end.Load() {
			break
		}
		group.Go(func() error {
			w.mu.Lock()
			over := spent != nil || int64(i) > end.Load()
			w.mu.Unlock()
			if over {
				return nil
			}
			got, err := w.get(ctx, i*stride)
			if isWait(err) {
				w.mu.Lock()
				defer w.mu.Unlock()
				spent = err
				return nil
			}
			if err != nil {
				return err
			}
			fresh := seen.add(got)
			w.mu.Lock()
			defer w.mu.Unlock()
			more[i] = got
			if got.size < w.size || !fresh {
				end.Store(min(end.Load(), int64(i))) // only under the lock
			}
			// One desktop is the overlap; more that all came before mean that the
			// cloud does not turn the page.
			w.hole = w.hole || !fresh && got.size > 1
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if spent != nil {
		return spent
	}
	for i := 1; int64(i) <= end.Load(); i++ {
		if got, ok := more[i]; ok {
			w.readings = append(w.readings, got)
		}
	}
	return nil
}

// tail goes on where the list grew meanwhile, or where its count is not known.
func (w *walk) tail(ctx context.Context, stride int) error {
	var seen *idSet
	extra := len(w.readings)/10 + 3
	if w.newest() < 0 {
		extra = maxListed / stride
	}
	for ; extra > 0; extra-- {
		last := w.readings[len(w.readings)-1]
		if w.last(last) {
			return nil
		}
		if seen == nil {
			seen = newIDs(w.readings...)
		}
		got, err := w.get(ctx, last.offset+stride)
		if err != nil {
			return err
		}
		w.readings = append(w.readings, got)
		if !seen.add(got) {
			w.hole = w.hole || got.size > 1
			return nil
		}
	}
	return nil
}

// heal reads a page across each gap between pages that share no desktop.
func (w *walk) heal(ctx context.Context) error {
	bridges := len(w.readings)/10 + 3
	for i := 1; i < len(w.readings); i++ {
		a, b := w.readings[i-1], w.readings[i]
		if share(a, b) || w.size < 2 {
			continue
		}
		if bridges--; bridges < 0 {
			w.hole = true
			return nil
		}
		bridge, err := w.get(ctx, max(0, b.offset-w.size/2))
		if err != nil {
			return err
		}
		closed := share(a, bridge)
		if b.size > 0 {
			closed = closed && share(bridge, b)
		} else {
			closed = closed && w.last(bridge)
		}
		w.hole = w.hole || !closed
		w.readings = slices.Insert(w.readings, i, bridge)
		i++
	}
	return nil
}

// judge says how much of the list the walk has seen, with so many desktops.
func (w *walk) judge(found int) verdict {
	total := w.newest()
	if w.hole || !w.last(w.readings[len(w.readings)-1]) {
		return partial
	}
	if total < 0 {
		return exact // nothing to compare with
	}
	seen := found + w.lost()
	if seen == total {
		return exact
	}
	least, most := w.totals[0], w.totals[0]
	for i := 1; i < len(w.totals); i++ {
		change := w.totals[i] - w.totals[i-1]
		least, most = least+min(change, 0), most+max(change, 0)
	}
	switch {
	case least < most && seen >= least && seen <= most:
		return moved
	case least == most && w.positions() == total && total-seen <= max(1, total/100):
		return repeats
	default:
		return partial
	}
}

// positions is the number of elements up to the end of the last page.
func (w *walk) positions() int {
	last := w.readings[len(w.readings)-1]
	return last.offset + last.size
}

// lost is the number of elements of which no desktop came.
func (w *walk) lost() int {
	n := 0
	for _, r := range w.readings {
		n += r.size - len(r.desktops)
	}
	return n
}

func (w *walk) desktops() []*inventory.Desktop {
	all := make([]*inventory.Desktop, 0, w.positions())
	for _, r := range w.readings {
		for i := range r.desktops {
			all = append(all, &r.desktops[i])
		}
	}
	return unique(all)
}

// share tells whether two pages have a desktop in common. The end of the first
// is where they should.
func share(a, b placed) bool {
	if len(a.desktops) == 0 || len(b.desktops) == 0 {
		return false
	}
	if a.desktops[len(a.desktops)-1].ID == b.desktops[0].ID {
		return true
	}
	in := newIDs(b).seen
	for _, v := range slices.Backward(a.desktops) {
		if _, ok := in[v.ID]; ok {
			return true
		}
	}
	return false
}

// idSet is a set of IDs that several may add to.
type idSet struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

func newIDs(pages ...placed) *idSet {
	s := &idSet{seen: map[string]struct{}{}}
	for _, p := range pages {
		s.add(p)
	}
	return s
}

// add puts a page's IDs into the set; it says whether there was a new one.
func (s *idSet) add(p placed) (fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.desktops {
		id := p.desktops[i].ID
		if _, ok := s.seen[id]; !ok {
			s.seen[id] = struct{}{}
			fresh = true
		}
	}
	return fresh
}
