// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

// The bounds of the search for desktops because of which a batch is refused.
const (
	maxSplits   = 60 // calls in a minute, for all batches of a project
	maxCulprits = 5  // refused alone, before one desktop was answered
)

// ReadNetworks reads the networks of up to 100 desktops. It asks for each once; for
// those that the answer lacks, once more. Where the cloud refuses a batch, it
// is halved until it is known for which desktops.
func (p *Project) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	a := inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return a, nil
	}
	if len(ids) > maxBatch {
		return a, &inventory.Failure{
			Kind: inventory.Misconfigured, Operation: opNetworks,
			Detail: fmt.Sprintf("asked for %d desktops at once; the API takes %d", len(ids), maxBatch),
		}
	}
	l, err := p.line(ctx)
	if err != nil {
		return a, err
	}
	b := batch{answer: a, spare: &p.spare, ask: func(ids []string) (map[string]*inventory.Networks, error) {
		var networks map[string]*inventory.Networks
		err := l.ask(ctx, showNetworks(ids), urgent, nil, func(body []byte) error {
			var counts decode.Counts
			var err error
			networks, counts, err = decode.Networks(body)
			if err == nil {
				counts.Drop(decode.ReasonNotRequested, keepAsked(networks, ids))
			}
			p.cloud.report(counts)
			return err
		})
		return networks, err
	}}
	return a, b.resolve(ids)
}

// keepAsked removes the desktops that were not asked for, and counts them.
func keepAsked(networks map[string]*inventory.Networks, ids []string) int {
	before := len(networks)
	maps.DeleteFunc(networks, func(id string, _ *inventory.Networks) bool {
		_, found := slices.BinarySearch(ids, id)
		return !found
	})
	return before - len(networks)
}

// batch resolves desktops with as few calls as it can.
type batch struct {
	ask      func(ids []string) (map[string]*inventory.Networks, error) // nil: malformed
	answer   inventory.NetworksResult
	spare    *budget
	culprits int
}

// resolve asks for ids, which are sorted, and goes after what is lacking.
func (b *batch) resolve(ids []string) error {
	lacking, err := b.once(ids)
	if err != nil {
		return b.refused(ids, err)
	}
	if len(lacking) == 0 {
		return nil
	}
	lacking, err = b.once(lacking)
	if err != nil {
		if f := b.aboutThem(err); f == nil {
			return err
		}
	}
	for _, id := range lacking {
		b.answer.Unresolved[id] = &inventory.Failure{
			Kind: inventory.Refused, Operation: opNetworks, Status: 200,
			Detail: "the answer lacks this desktop",
		}
	}
	return nil
}

// once asks once; what it brought is kept, what it lacks returned.
func (b *batch) once(ids []string) (lacking []string, err error) {
	networks, err := b.ask(ids)
	if err != nil {
		return ids, err
	}
	malformed := func(detail string) *inventory.Failure {
		return &inventory.Failure{Kind: inventory.Malformed, Operation: opNetworks, Status: 200, Detail: detail}
	}
	alike := len(networks) > 1
	for _, n := range networks {
		alike = alike && n == nil
	}
	if alike { // which is not because of each of them
		return ids, malformed("the answer is malformed for every desktop in it")
	}
	for _, id := range ids {
		switch n, answered := networks[id]; {
		case !answered:
			lacking = append(lacking, id)
		case n == nil:
			b.answer.Unresolved[id] = malformed("the answer for this desktop is malformed")
		default:
			b.answer.Networks[id] = n
		}
	}
	return lacking, nil
}

// aboutThem gives the failure, if it is about the desktops asked for.
func (b *batch) aboutThem(err error) *inventory.Failure {
	var f *inventory.Failure
	if errors.As(err, &f) && f.Kind == inventory.Refused {
		return f
	}
	return nil
}

// refused halves a batch that the cloud refuses, depth first: the first desktop
// that is refused alone, or answered, tells most. It ends when the spare calls
// do, or when the cloud seems to refuse all desktops alike.
func (b *batch) refused(ids []string, err error) error {
	f := b.aboutThem(err)
	if f == nil {
		return err
	}
	if len(ids) == 1 {
		b.answer.Unresolved[ids[0]] = f
		b.culprits++
		return nil
	}
	half := len(ids) / 2
	for _, part := range [][]string{ids[:half], ids[half:]} {
		if b.culprits >= maxCulprits && len(b.answer.Networks) == 0 || !b.spare.spend() {
			return err
		}
		if err := b.resolve(part); err != nil {
			return err
		}
	}
	return nil
}

// budget is a number of things that may be spent in a minute.
type budget struct {
	now  func() time.Time
	most int

	mu    sync.Mutex
	spent int
	since time.Time
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); now.Sub(b.since) >= time.Minute {
		b.since, b.spent = now, 0
	}
	if b.spent >= b.most {
		return false
	}
	b.spent++
	return true
}
