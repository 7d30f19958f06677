// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// Limits of the search for the desktops that make the cloud refuse a batch.
const (
	maxSplits   = 60 // requests per minute, for all batches of a project
	maxRefusals = 5  // desktops that are refused alone before one desktop has networks
)

// ReadNetworks returns the networks of up to 100 desktops. It requests each
// desktop once, and those that are missing in the response a second time. If the
// cloud refuses a batch, it is split in halves to find the refused desktops.
// Urgent requests may use the reserve of the quota.
func (p *ProjectClient) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	result := inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return result, nil
	}
	if len(ids) > maxBatch {
		return result, &inventory.Failure{
			Kind: inventory.Misconfigured, Operation: inventory.ShowDesktopNetworks,
			Detail: fmt.Sprintf("batch of %d desktops exceeds the API's limit of %d", len(ids), maxBatch),
		}
	}
	if _, err := p.projectID(ctx); err != nil {
		return result, err
	}
	b := batch{result: result, splitBudget: &p.splitBudget, request: func(ids []string) (map[string]*inventory.Networks, error) {
		var networks map[string]*inventory.Networks
		err := p.do(ctx, &request{
			operation: showNetworks(ids), urgent: urgent,
			decode: decodeInto(p.client, &networks, func(body []byte) (map[string]*inventory.Networks, decode.Counts, error) {
				return decodeRequested(body, ids)
			}),
		})
		return networks, err
	}}
	return result, b.resolve(ids)
}

// decodeRequested decodes the networks of the requested desktops, whose IDs are
// sorted. It drops all other desktops.
func decodeRequested(body []byte, ids []string) (map[string]*inventory.Networks, decode.Counts, error) {
	networks, counts, err := decode.Networks(body)
	if err != nil {
		return networks, counts, err
	}
	before := len(networks)
	maps.DeleteFunc(networks, func(id string, _ *inventory.Networks) bool {
		_, found := slices.BinarySearch(ids, id)
		return !found
	})
	counts.Drop(decode.ReasonNotRequested, before-len(networks))
	return networks, counts, nil
}

// batch resolves the networks of desktops with as few requests as possible.
type batch struct {
	// request returns the networks by desktop ID; nil if they are malformed.
	request     func(ids []string) (map[string]*inventory.Networks, error)
	result      inventory.NetworksResult
	splitBudget *callBudget
	refusals    int // desktops that were refused alone
}

// resolve requests the desktops with these IDs, which are sorted, and then the
// missing ones.
func (b *batch) resolve(ids []string) error {
	missing, err := b.requestOnce(ids)
	if err != nil {
		return b.split(ids, err)
	}
	if len(missing) == 0 {
		return nil
	}
	missing, err = b.requestOnce(missing)
	if err != nil && asRefused(err) == nil {
		return err
	}
	for _, id := range missing {
		b.result.Unresolved[id] = &inventory.Failure{
			Kind: inventory.Refused, Operation: inventory.ShowDesktopNetworks, Status: http.StatusOK,
			Detail: "response lacks the networks of this desktop",
		}
	}
	return nil
}

// requestOnce sends one request, adds the networks to the result, and returns
// the desktops that are missing in the response.
func (b *batch) requestOnce(ids []string) (missing []string, err error) {
	networks, err := b.request(ids)
	if err != nil {
		return ids, err
	}
	malformed := func(detail string) *inventory.Failure {
		return &inventory.Failure{Kind: inventory.Malformed, Operation: inventory.ShowDesktopNetworks, Status: http.StatusOK, Detail: detail}
	}
	allMalformed := len(networks) > 1
	for _, n := range networks {
		allMalformed = allMalformed && n == nil
	}
	if allMalformed { // the response is at fault, not its desktops
		return ids, malformed("response is malformed for every desktop")
	}
	for _, id := range ids {
		switch n, found := networks[id]; {
		case !found:
			missing = append(missing, id)
		case n == nil:
			b.result.Unresolved[id] = malformed("response is malformed for this desktop")
		default:
			b.result.Networks[id] = n
		}
	}
	return missing, nil
}

// asRefused returns the failure if the cloud refused the requested desktops.
func asRefused(err error) *inventory.Failure {
	if f, ok := errors.AsType[*inventory.Failure](err); ok && f.Kind == inventory.Refused {
		return f
	}
	return nil
}

// split splits a refused batch in halves, depth first, because the first desktop
// that is refused alone, or has networks, shows most. It stops when the split
// budget is used up, or when the cloud seems to refuse every desktop.
func (b *batch) split(ids []string, err error) error {
	f := asRefused(err)
	if f == nil {
		return err
	}
	if len(ids) == 1 {
		b.result.Unresolved[ids[0]] = f
		b.refusals++
		return nil
	}
	middle := len(ids) / 2
	for _, half := range [][]string{ids[:middle], ids[middle:]} {
		if b.refusals >= maxRefusals && len(b.result.Networks) == 0 || !b.splitBudget.take() {
			return err
		}
		if err := b.resolve(half); err != nil {
			return err
		}
	}
	return nil
}

// callBudget limits the number of requests in each minute.
type callBudget struct {
	now   func() time.Time
	limit int

	mu    sync.Mutex
	used  int
	start time.Time // of the minute
}

// take reports whether one more request is within the limit, and counts it.
func (b *callBudget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); now.Sub(b.start) >= time.Minute {
		b.start, b.used = now, 0
	}
	if b.used >= b.limit {
		return false
	}
	b.used++
	return true
}
