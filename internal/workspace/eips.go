// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"fmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// maxEIPPages limits the requests for one EIP list. By its documentation, the API
// returns all EIPs in one response.
const maxEIPPages = 100

// ListEIPBindings returns the EIPs that are bound to desktops. It sends one
// request, and further ones while it has fewer EIPs than total_count. A list that
// may lack EIPs is a *inventory.Failure of kind Incomplete: a desktop that is not
// in it may have an EIP.
func (p *ProjectClient) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	page, err := p.listEIPs(ctx, 0)
	if err == nil && page.Size == 0 && page.Total < 0 {
		page, err = p.listEIPs(ctx, 0) // an empty list without total_count must be confirmed
	}
	if err != nil {
		return nil, err
	}
	eips, size, total := page.EIPs, page.Size, page.Total
	for pages := 1; size < total; pages++ {
		if page, err = p.listEIPs(ctx, size); err != nil {
			return nil, err
		}
		if page.Size == 0 || page.Total != total || pages == maxEIPPages {
			return nil, incompleteEIPs(fmt.Sprintf("%d EIPs read, total_count is %d", size, total))
		}
		eips = append(eips, page.EIPs...)
		size += page.Size
	}
	dropped := size - len(eips)
	switch distinct := countDistinct(eips); {
	case total >= 0 && distinct+dropped != total:
		return nil, incompleteEIPs(fmt.Sprintf("%d distinct EIPs read, total_count is %d", distinct, total))
	case distinct == 0 && dropped > 0:
		return nil, incompleteEIPs("no element of the list is readable")
	}
	return bindings(eips), nil
}

// listEIPs requests the EIPs from offset on.
func (p *ProjectClient) listEIPs(ctx context.Context, offset int) (page decode.EIPPage, err error) {
	err = p.do(ctx, &request{
		operation: listEIPBindings(&p.cfg.Desktops, offset), urgent: true, decode: decodeInto(p.client, &page, decode.EIPs),
	})
	if err == nil && page.Unreadable {
		err = incompleteEIPs("total_count is unreadable")
	}
	return page, err
}

func incompleteEIPs(detail string) error { return incomplete(inventory.ListDesktopsEips, detail) }

// countDistinct returns the number of distinct EIPs.
func countDistinct(eips []decode.BoundEIP) int {
	distinct := make(map[decode.BoundEIP]struct{}, len(eips))
	for _, e := range eips {
		distinct[e] = struct{}{}
	}
	return len(distinct)
}

// bindings returns the EIP addresses of each desktop.
func bindings(eips []decode.BoundEIP) inventory.EIPBindings {
	addresses := map[string][]string{}
	for _, e := range eips {
		if e.DesktopID != "" && e.Address != "" {
			addresses[e.DesktopID] = append(addresses[e.DesktopID], e.Address)
		}
	}
	b := make(inventory.EIPBindings, len(addresses))
	for id, list := range addresses {
		b[id] = inventory.JoinAddresses(list)
	}
	return b
}
