// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The list of desktops has neither a cursor nor an order that is promised, and
// it moves while it is read. So consecutive pages overlap by one desktop: pages
// that share none have moved against each other, and a page across the gap
// between them tells by how much. Pages that all hang together hold every
// desktop that was there all the time and kept its place; the count that the
// cloud gives beside each page tells whether some did not.

// page is what one call of ListDesktops brings.
type page struct {
	desktops []inventory.Desktop // each once
	size     int                 // elements of the list, those that were dropped included
	total    int                 // total_count; -1: not said
}

const (
	maxWalks  = 3         // through the list, until one is complete
	fewPages  = 10        // a longer list is not walked through again only because it moved
	maxListed = 5_000_000 // desktops in a list that is believed
)

var errMoved = errors.New("the list moved while it was read")

// pager reads a list page by page, once. A reading that is broken off goes on
// where it was when list is called again.
type pager struct {
	fetch       func(ctx context.Context, offset, limit int) (page, error)
	limit       int // elements of a page
	concurrency int
	// planned is told how many pages a walk will take, as soon as that is known.
	planned func(pages int)

	walks  int // that ended
	walk   *walk
	all    listed               // of the walks that ended
	before []*inventory.Desktop // of the last one
}

// listed is what the walks through a list brought.
type listed struct {
	desktops   []*inventory.Desktop // sorted by ID, each once
	complete   bool
	duplicates int // elements that the list itself holds twice
	total      int // as the cloud counts
}

// list walks through the list until a walk is complete, or three were not. An
// error ends it; one that comes after the first walk only ends the attempts.
func (p *pager) list(ctx context.Context) (listed, error) {
	for ; p.walks < maxWalks; p.walks++ {
		if p.walk == nil {
			p.walk = &walk{pager: p, got: map[int]placed{}}
		}
		w := p.walk
		err := w.run(ctx)
		if err != nil && (p.walks == 0 || isWait(err)) {
			return listed{}, err
		}
		if err != nil {
			break
		}
		p.walk = nil
		found := w.desktops()
		p.all.total = w.newest()
		switch v := w.judge(len(found)); {
		case v == exact,
			v == moved && (len(w.readings) > fewPages || p.walks == maxWalks-1),
			v == repeats && slices.EqualFunc(found, p.before, sameID):
			p.all.desktops = found
			p.all.complete = true
			if v == repeats {
				p.all.duplicates = w.positions() - w.lost() - len(found)
			}
			return p.all, nil
		}
		p.all.desktops = unique(append(slices.Clone(found), p.all.desktops...))
		p.before = found
	}
	return p.all, nil //nolint:nilerr // an error after the first walk only ends the attempts
}

// have is the number of pages that a walk which was broken off has read.
func (p *pager) have() int {
	if p.walk == nil {
		return 0
	}
	return len(p.walk.got)
}

func isWait(err error) bool {
	_, ok := errors.AsType[*inventory.QuotaExceeded](err)
	return ok
}

// unique sorts desktops by ID and keeps the first of each.
func unique(desktops []*inventory.Desktop) []*inventory.Desktop {
	slices.SortStableFunc(desktops, func(a, b *inventory.Desktop) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(desktops, sameID)
}

func sameID(a, b *inventory.Desktop) bool { return a.ID == b.ID }
