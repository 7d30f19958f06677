// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package pagination

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// coverage is how much of the list a scan has read.
type coverage int

const (
	partial            coverage = iota
	complete                    // as many desktops as total_count
	changed                     // total_count changed during the scan, by at least the difference to the desktops
	hasDuplicates               // all elements, a few of them twice: the list has duplicates, or it was reordered
	uncountedEmpty              // no element, and no total_count that confirms it
	unreadableCount             // total_count is present but unreadable
	unreadableElements          // elements, but no desktop
)

// reason returns why a list with this coverage is incomplete.
func (c coverage) reason() error {
	switch c {
	case uncountedEmpty:
		return ErrUnconfirmed
	case unreadableCount:
		return ErrUnreadableCount
	case unreadableElements:
		return ErrUnreadableElements
	case partial, complete, changed, hasDuplicates:
	}
	return ErrListChanged
}

// pageAt is a page and its offset in the list.
type pageAt struct {
	Page
	offset int
}

// scan is one pass through the list.
type scan struct {
	*Paginator
	size  int      // elements of a full page
	pages []pageAt // by offset
	gap   bool     // two consecutive pages do not overlap

	mu         sync.Mutex
	cache      map[int]pageAt // all pages, by offset
	totals     []int          // total_count of the pages, in the order of arrival
	unreadable bool           // the total_count of a page is unreadable
}

// page returns the page at offset. It requests each page once.
func (s *scan) page(ctx context.Context, offset int) (pageAt, error) {
	s.mu.Lock()
	cached, ok := s.cache[offset]
	s.mu.Unlock()
	if ok {
		return cached, nil
	}
	p, err := s.fetch(ctx, offset, s.PageSize)
	if err != nil {
		return pageAt{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unreadable = s.unreadable || p.Unreadable
	if p.Total >= 0 {
		s.totals = append(s.totals, p.Total)
	}
	s.cache[offset] = pageAt{p, offset}
	return s.cache[offset], nil
}

// latestTotal returns the last total_count that arrived, or -1.
func (s *scan) latestTotal() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.totals) == 0 {
		return -1
	}
	return s.totals[len(s.totals)-1]
}

func (s *scan) run(ctx context.Context) error {
	s.gap = false
	first, err := s.page(ctx, 0)
	if err != nil {
		return err
	}
	s.pages = []pageAt{first}
	s.size = s.PageSize
	if s.isLast(first) && first.Total <= first.Size || first.Size == 0 {
		s.OnPlan(1)
		return nil
	}
	// An API that returns fewer elements than requested, although there are
	// more, has a lower limit for the page size.
	s.size = min(first.Size, s.PageSize)
	stride := max(1, s.size-1)
	if err := s.readRest(ctx, stride); err != nil {
		return err
	}
	if err := s.readTail(ctx, stride); err != nil {
		return err
	}
	if err := s.bridgeGaps(ctx); err != nil {
		return err
	}
	s.OnPlan(len(s.pages))
	return nil
}

// isLast reports whether a page reached the end of the list when it was read.
func (s *scan) isLast(p pageAt) bool {
	return p.Size < s.size || p.Total >= 0 && p.offset+p.Size >= p.Total
}

// readRest reads the pages after the first one concurrently, up to the first
// page's total_count. A page that is not full, or has no new desktop, ends it
// early.
func (s *scan) readRest(ctx context.Context, stride int) error {
	total := min(s.pages[0].Total, maxElements)
	count := 1
	if total > 1 {
		count = (total - 2 + stride) / stride // the last page starts at most one element before the end
	}
	s.OnPlan(count)
	if count < 2 {
		return nil
	}
	seen := newIDSet(s.pages[0])
	rest := make(map[int]pageAt, min(count, 1000))
	var end atomic.Int64 // index of the last page that has desktops; stored only under s.mu
	end.Store(int64(count))
	var quotaErr error // stops further requests; those in flight complete
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, s.Concurrency))
	for i := 1; i < count; i++ {
		if int64(i) > end.Load() {
			break
		}
		group.Go(func() error {
			s.mu.Lock()
			stop := quotaErr != nil || int64(i) > end.Load()
			s.mu.Unlock()
			if stop {
				return nil
			}
			p, err := s.page(ctx, i*stride)
			if isQuotaExceeded(err) {
				s.mu.Lock()
				defer s.mu.Unlock()
				quotaErr = err
				return nil
			}
			if err != nil {
				return err
			}
			isNew := seen.add(p)
			s.mu.Lock()
			defer s.mu.Unlock()
			rest[i] = p
			if p.Size < s.size || !isNew {
				end.Store(min(end.Load(), int64(i)))
			}
			// One known desktop is the overlap. More of them, without a new one,
			// mean that the API ignores the offset.
			s.gap = s.gap || !isNew && p.Size > 1
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if quotaErr != nil {
		return quotaErr
	}
	for i := 1; int64(i) <= end.Load(); i++ {
		if p, ok := rest[i]; ok {
			s.pages = append(s.pages, p)
		}
	}
	return nil
}

// readTail reads further pages if the list grew during the scan, or if its
// total_count is unknown.
func (s *scan) readTail(ctx context.Context, stride int) error {
	var seen *idSet
	limit := len(s.pages)/10 + 3
	if s.latestTotal() < 0 {
		limit = maxElements / stride
	}
	for ; limit > 0; limit-- {
		last := s.pages[len(s.pages)-1]
		if s.isLast(last) {
			return nil
		}
		if seen == nil {
			seen = newIDSet(s.pages...)
		}
		p, err := s.page(ctx, last.offset+stride)
		if err != nil {
			return err
		}
		s.pages = append(s.pages, p)
		if !seen.add(p) {
			s.gap = s.gap || p.Size > 1
			return nil
		}
	}
	return nil
}

// bridgeGaps reads a page across each gap between two pages that do not overlap.
func (s *scan) bridgeGaps(ctx context.Context) error {
	limit := len(s.pages)/10 + 3
	for i := 1; i < len(s.pages); i++ {
		a, b := s.pages[i-1], s.pages[i]
		if overlap(a, b) || s.size < 2 {
			continue
		}
		if limit--; limit < 0 {
			s.gap = true
			return nil
		}
		bridge, err := s.page(ctx, max(0, b.offset-s.size/2))
		if err != nil {
			return err
		}
		closed := overlap(a, bridge)
		if b.Size > 0 {
			closed = closed && overlap(bridge, b)
		} else {
			closed = closed && s.isLast(bridge)
		}
		s.gap = s.gap || !closed
		s.pages = slices.Insert(s.pages, i, bridge)
		i++
	}
	return nil
}

// evaluate returns how much of the list the scan has read, given the number of
// its distinct desktops.
func (s *scan) evaluate(desktops int) coverage {
	total := s.latestTotal()
	switch {
	case s.unreadable:
		return unreadableCount
	case desktops == 0 && s.dropped() > 0:
		return unreadableElements
	case desktops == 0 && total < 0:
		return uncountedEmpty
	}
	if s.gap || !s.isLast(s.pages[len(s.pages)-1]) {
		return partial
	}
	if total < 0 {
		return complete // no total_count to compare with
	}
	elements := desktops + s.dropped()
	if elements == total {
		return complete
	}
	low, high := s.totals[0], s.totals[0]
	for i := 1; i < len(s.totals); i++ {
		change := s.totals[i] - s.totals[i-1]
		low, high = low+min(change, 0), high+max(change, 0)
	}
	switch {
	case low < high && elements >= low && elements <= high:
		return changed
	case low == high && s.end() == total && total-elements <= max(1, total/100):
		return hasDuplicates
	default:
		return partial
	}
}

// end returns the offset after the last element of the last page.
func (s *scan) end() int {
	last := s.pages[len(s.pages)-1]
	return last.offset + last.Size
}

// dropped returns the number of elements without a desktop.
func (s *scan) dropped() int {
	n := 0
	for _, p := range s.pages {
		n += p.Size - len(p.Desktops)
	}
	return n
}

func (s *scan) desktops() []*inventory.Desktop {
	all := make([]*inventory.Desktop, 0, s.end())
	for _, p := range s.pages {
		for i := range p.Desktops {
			all = append(all, &p.Desktops[i])
		}
	}
	return sortUnique(all)
}

// overlap reports whether two pages have a common desktop. It is expected at the
// end of the first page.
func overlap(a, b pageAt) bool {
	if len(a.Desktops) == 0 || len(b.Desktops) == 0 {
		return false
	}
	if a.Desktops[len(a.Desktops)-1].ID == b.Desktops[0].ID {
		return true
	}
	ids := newIDSet(b).ids
	for _, d := range slices.Backward(a.Desktops) {
		if _, ok := ids[d.ID]; ok {
			return true
		}
	}
	return false
}

// idSet is a set of desktop IDs. It is safe for concurrent use.
type idSet struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

func newIDSet(pages ...pageAt) *idSet {
	s := &idSet{ids: map[string]struct{}{}}
	for _, p := range pages {
		s.add(p)
	}
	return s
}

// add adds the IDs of a page and reports whether one of them is new.
func (s *idSet) add(p pageAt) (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.Desktops {
		id := p.Desktops[i].ID
		if _, ok := s.ids[id]; !ok {
			s.ids[id] = struct{}{}
			isNew = true
		}
	}
	return isNew
}
