// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package pagination reads a list of desktops completely, although the list
// changes while it is read.
//
// It is our own because ListDesktops has no cursor, no documented sort order and
// no consistent snapshot, only offset and limit: a desktop that is deleted
// between two requests shifts all desktops after it, and a plain loop over the
// pages then misses one without an error. A missing desktop looks like a deleted
// one. So consecutive pages overlap by one desktop: pages without a common
// desktop have shifted against each other, and another page is read across the
// gap. Pages that all overlap contain every desktop that existed during the
// whole scan and kept its position. The total_count of each page shows whether
// desktops moved beyond that; the list is then scanned again.
package pagination

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const (
	// MaxAttempts is the maximum number of scans of a list.
	MaxAttempts = 3

	fewPages    = 10        // a longer list is not scanned again only because desktops were added or deleted
	maxElements = 5_000_000 // a larger total_count is not used
)

// The reasons why a list is incomplete.
var (
	// ErrListChanged is the error of a list that changed too much to be read.
	ErrListChanged = errors.New("list changed while it was read")
	// ErrUnreadableCount is the error of a list that cannot be compared with its
	// total_count.
	ErrUnreadableCount = errors.New("total_count is unreadable")
	// ErrUnreadableElements is the error of a list of which no element is readable.
	ErrUnreadableElements = errors.New("no element of the list is readable")
	// ErrUnconfirmed is the error of an empty list without total_count that a second
	// scan did not confirm.
	ErrUnconfirmed = errors.New("empty list without total_count is not confirmed")
)

// Page is one page of the list.
type Page struct {
	Desktops   []inventory.Desktop // without duplicates
	Size       int                 // elements of the page, those without a desktop included
	Total      int                 // total_count; -1 if unknown
	Unreadable bool                // total_count is present but unreadable
}

// FetchFunc requests the page of at most limit elements at offset.
type FetchFunc func(ctx context.Context, offset, limit int) (Page, error)

// Result is the content of a list.
type Result struct {
	Desktops   []*inventory.Desktop // sorted by ID, without duplicates
	Complete   bool                 // false: desktops may be missing
	Reason     error                // why desktops may be missing; nil: the list is complete
	Duplicates int                  // elements that the list contains twice
	Total      int                  // latest total_count; -1 if unknown
}

// Paginator reads one list once. It keeps the pages of an interrupted scan, so
// that the next call of List continues it.
type Paginator struct {
	PageSize    int // elements to request for a page
	Concurrency int // maximum number of concurrent requests
	// OnPlan is called with the expected number of pages of a scan after its
	// first page, and with the actual number after its last one.
	OnPlan func(pages int)

	fetch    FetchFunc
	attempts int // finished scans
	scan     *scan
	result   Result               // of the finished scans
	previous []*inventory.Desktop // of the last finished scan
	coverage coverage             // of the last finished scan
}

// List scans the list until a scan is complete, at most [MaxAttempts] times. It
// returns an error if the first scan fails, and whenever the quota is exceeded
// (*inventory.QuotaExceeded). Any other error of a later scan ends the attempts:
// the result is then incomplete. So does an unreadable total_count: further scans
// would cost quota and prove nothing.
func (p *Paginator) List(ctx context.Context, fetch FetchFunc) (Result, error) {
	p.fetch = fetch
	for ; p.attempts < MaxAttempts; p.attempts++ {
		if p.scan == nil {
			p.scan = &scan{Paginator: p, cache: map[int]pageAt{}}
		}
		s := p.scan
		err := s.run(ctx)
		if err != nil && (p.attempts == 0 || isQuotaExceeded(err)) {
			return Result{}, err
		}
		if err != nil {
			break
		}
		p.scan = nil
		desktops := s.desktops()
		p.result.Total = s.latestTotal()
		c, before := s.evaluate(len(desktops)), p.coverage
		p.coverage = c
		switch {
		case c == complete,
			c == uncountedEmpty && before == uncountedEmpty,
			c == changed && (len(s.pages) > fewPages || p.attempts == MaxAttempts-1),
			c == hasDuplicates && slices.EqualFunc(desktops, p.previous, equalID):
			p.result.Desktops = desktops
			p.result.Complete, p.result.Reason = true, nil
			if c == hasDuplicates {
				p.result.Duplicates = s.end() - s.dropped() - len(desktops)
			}
			return p.result, nil
		}
		p.result.Desktops = sortUnique(append(slices.Clone(desktops), p.result.Desktops...))
		p.previous = desktops
		p.result.Reason = c.reason()
		if c == unreadableCount {
			break
		}
	}
	return p.result, nil //nolint:nilerr // an error of a later scan only ends the attempts
}

// PagesRead returns the number of pages that an interrupted scan has read.
func (p *Paginator) PagesRead() int {
	if p.scan == nil {
		return 0
	}
	return len(p.scan.cache)
}

func isQuotaExceeded(err error) bool {
	_, ok := errors.AsType[*inventory.QuotaExceeded](err)
	return ok
}

// sortUnique sorts desktops by ID and keeps the first one of each ID.
func sortUnique(desktops []*inventory.Desktop) []*inventory.Desktop {
	slices.SortStableFunc(desktops, func(a, b *inventory.Desktop) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(desktops, equalID)
}

func equalID(a, b *inventory.Desktop) bool { return a.ID == b.ID }
