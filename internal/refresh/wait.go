// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"slices"
	"sync"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// WaitIdle waits, as long as ctx lives, until the refreshes of all projects have
// ended, for whose whole length no scrape would wait, and returns the newest
// snapshots. It begins refreshes only where there was none.
func (f *Fleet) WaitIdle(ctx context.Context) []*inventory.Snapshot {
	for {
		members := f.currentMembers()
		var wait sync.WaitGroup
		for _, m := range members {
			wait.Go(func() { m.engine.waitIdle(ctx) })
		}
		wait.Wait()
		same := func(a, b member) bool { return a.engine == b.engine }
		if ctx.Err() != nil || slices.EqualFunc(members, f.currentMembers(), same) {
			return snapshots(members, nil)
		}
	}
}

func (e *Engine) waitIdle(ctx context.Context) {
	e.mu.Lock()
	f := e.flight
	e.mu.Unlock()
	if f == nil {
		f = e.join()
	}
	if f == nil {
		return // closed before its first refresh
	}
	select {
	case <-f.done:
	case <-ctx.Done():
	}
}
