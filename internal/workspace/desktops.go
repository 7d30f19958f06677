// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/pagination"
)

// maxPendingAge limits the age of the pages of an interrupted list.
const maxPendingAge = 15 * time.Minute

// ListDesktops returns the desktops of the project, sorted by ID. If the list
// changed too much while it was read, it returns the desktops that were read and
// a *inventory.Failure of kind Incomplete. If the quota is exceeded, it returns
// an *inventory.QuotaExceeded before the first page; a list whose pages exceed
// the quota of a minute is interrupted in the same way, and the next call
// continues it.
func (p *ProjectClient) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	if ids := p.cfg.Desktops.IDs; len(ids) > 0 {
		return configuredDesktops(ids), nil
	}
	if _, err := p.projectID(ctx); err != nil {
		return nil, err
	}
	pending := p.takePending()
	reserved, err := p.reservePages(ctx, pending.PagesRead())
	if err != nil {
		p.setPending(pending)
		return nil, err
	}
	defer reserved.Release()

	result, err := pending.List(ctx, func(ctx context.Context, offset, limit int) (pagination.Page, error) {
		var page decode.Page
		err := p.do(ctx, &request{
			operation: listDesktops(&p.cfg.Desktops, offset, limit), urgent: true, reserved: reserved,
			decode: decodeInto(p.client, &page, func(body []byte) (decode.Page, decode.Counts, error) {
				return decode.Desktops(body, p.optionalFields)
			}),
		})
		return pagination.Page{Desktops: page.Desktops, Size: page.Size, Total: page.Total, Unreadable: page.Unreadable}, err
	})
	if err != nil {
		if _, ok := errors.AsType[*inventory.QuotaExceeded](err); ok || ctx.Err() != nil {
			p.setPending(pending)
		}
		return nil, fromWait(inventory.ListDesktops, hostOf(p.api.sdk.endpoint), err)
	}
	if result.Duplicates > 0 {
		p.client.telemetry.Dropped(decode.ReasonDuplicateDesktop, result.Duplicates)
	}
	desktops := make([]inventory.Desktop, len(result.Desktops))
	for i, d := range result.Desktops {
		desktops[i] = *d
	}
	if !result.Complete {
		return desktops, incompleteList(&result)
	}
	return desktops, nil
}

// incompleteList returns the failure of a list that may lack desktops.
func incompleteList(r *pagination.Result) *inventory.Failure {
	f := incomplete(inventory.ListDesktops, fmt.Sprintf("%s: %d desktops read", r.Reason, len(r.Desktops)))
	f.Cause = r.Reason
	if errors.Is(r.Reason, pagination.ErrListChanged) {
		f.Detail += fmt.Sprintf(" in %d attempts, total_count is %d", pagination.MaxAttempts, r.Total)
		f.Hint = "none if it is temporary; desktops are created and deleted faster than the list can be read"
	}
	return f
}

const hintIncomplete = "none if it is temporary; otherwise report it: the API changed"

// incomplete returns the failure of a list that contradicts its own count, or that
// has a count or a link that is unreadable.
func incomplete(operation, detail string) *inventory.Failure {
	return &inventory.Failure{
		Kind: inventory.Incomplete, Operation: operation, Status: http.StatusOK, Detail: detail, Hint: hintIncomplete,
	}
}

// configuredDesktops returns a desktop for each configured ID.
func configuredDesktops(ids []string) []inventory.Desktop {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	desktops := make([]inventory.Desktop, len(ids))
	for i, id := range ids {
		desktops[i].ID = id
	}
	return desktops
}

// pendingList is a list that is being read, or that was interrupted.
type pendingList struct {
	pagination.Paginator
	started time.Time
}

// takePending returns the interrupted list, or a new one.
func (p *ProjectClient) takePending() *pendingList {
	p.mu.Lock()
	defer p.mu.Unlock()
	pending := p.pending
	p.pending = nil
	if now := p.client.now(); pending == nil || now.Sub(pending.started) > maxPendingAge {
		pending = &pendingList{started: now, Paginator: pagination.Paginator{
			PageSize: maxPage, Concurrency: p.cfg.Limits.Concurrency, OnPlan: p.setLastPages,
		}}
	}
	return pending
}

// setPending stores an interrupted list for the next call.
func (p *ProjectClient) setPending(pending *pendingList) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = pending
}

// reservePages reserves slots for as many pages as the last list had, less the
// pages that have been read, so that a list is not interrupted midway. If that
// exceeds the limit of a minute, it reserves nothing: each page then waits for
// its own slot.
func (p *ProjectClient) reservePages(ctx context.Context, pagesRead int) (*ratelimit.Reservation, error) {
	p.mu.Lock()
	pages := max(1, p.lastPages-pagesRead)
	p.mu.Unlock()
	return p.api.reserve(ctx, inventory.ListDesktops, pages)
}

func (p *ProjectClient) setLastPages(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastPages = n
}
