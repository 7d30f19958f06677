// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/pagination"
)

// keepWalk is how long the pages of a list that was broken off are good for.
const keepWalk = 15 * time.Minute

// ListDesktops reads which desktops the project has. If the list moved too much while
// it was read, it gives what was read beside a failure of kind Incomplete. If
// the quota does not pay for the whole list now, it says so before it starts; a
// list that no minute's quota pays for is read in parts, by one call after the
// other, each of which says when to go on.
func (p *Project) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	if ids := p.cfg.Desktops.IDs; len(ids) > 0 {
		return configured(ids), nil
	}
	l, err := p.line(ctx)
	if err != nil {
		return nil, err
	}
	r := p.takeReading()
	taken, err := p.takeSlots(ctx, l, r.PagesRead())
	if err != nil {
		p.keepReading(r)
		return nil, err
	}
	defer taken.Release()

	fetch := func(ctx context.Context, offset, limit int) (pagination.Page, error) {
		var page decode.Page
		err := l.ask(ctx, listDesktops(&p.cfg.Desktops, offset, limit), true, taken, func(body []byte) error {
			var counts decode.Counts
			var err error
			page, counts, err = decode.Desktops(body, p.want)
			p.cloud.report(counts)
			return err
		})
		return pagination.Page(page), err
	}
	result, err := r.List(ctx, fetch)
	if err != nil {
		if _, ok := errors.AsType[*inventory.QuotaExceeded](err); ok || ctx.Err() != nil {
			p.keepReading(r)
		}
		return nil, l.givenUp(opList, err)
	}
	if result.Duplicates > 0 {
		p.cloud.telemetry.Dropped(decode.ReasonDuplicateDesktop, result.Duplicates)
	}
	listing := make([]inventory.Desktop, len(result.Desktops))
	for i, d := range result.Desktops {
		listing[i] = *d
	}
	if !result.Complete {
		return listing, &inventory.Failure{
			Kind:      inventory.Incomplete,
			Operation: opList,
			Status:    200,
			Detail: fmt.Sprintf("%s: %d desktops read in %d attempts, total_count is %d",
				pagination.ErrListChanged, len(result.Desktops), pagination.MaxAttempts, result.Total),
			Hint:  "nothing, if it passes: desktops are being created and deleted faster than the list can be read",
			Cause: pagination.ErrListChanged,
		}
	}
	return listing, nil
}

// configured returns a desktop for each configured ID.
func configured(ids []string) []inventory.Desktop {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	l := make([]inventory.Desktop, len(ids))
	for i, id := range ids {
		l[i].ID = id
	}
	return l
}

// listReading is a list that is being read.
type listReading struct {
	pagination.Paginator
	began time.Time
}

// takeReading gives the reading that was broken off, or a new one.
func (p *Project) takeReading() *listReading {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.reading
	p.reading = nil
	if now := p.cloud.now(); r == nil || now.Sub(r.began) > keepWalk {
		r = &listReading{began: now, Paginator: pagination.Paginator{PageSize: maxPage, Concurrency: p.cfg.Limits.Concurrency, OnPlan: p.setPages}}
	}
	return r
}

// keepReading keeps a reading that was broken off, for the next call.
func (p *Project) keepReading(r *listReading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = r
}

// takeSlots takes the slots for as many pages as the last list had, less those
// that are there already, so that a list does not stall midway. Where a minute's
// budget does not pay for them, they are taken one by one, as they become free.
func (p *Project) takeSlots(ctx context.Context, l *line, have int) (*ratelimit.Reservation, error) {
	k, err := l.keys.current(ctx)
	if err != nil {
		return nil, credentialsFailure(opList, err)
	}
	p.mu.Lock()
	pages := max(1, p.pages-have)
	p.mu.Unlock()
	limiter := p.cloud.limiters.Limiter(opList, l.wire.endpoint, k.access)
	if _, budget, _ := limiter.Available(l.limit); pages > budget {
		return nil, nil
	}
	return l.reserve(ctx, k, opList, true, pages)
}

func (p *Project) setPages(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages = n
}
