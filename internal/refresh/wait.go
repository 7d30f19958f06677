// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"sync"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// WaitIdle waits until the refreshes of all projects have ended, including the
// part that continues after scrapes are released, or until ctx is done. It
// returns the newest snapshots. It starts a refresh only in a project that had
// none.
func (f *Fleet) WaitIdle(ctx context.Context) []*inventory.Snapshot {
	for {
		members := f.currentMembers()
		var waits sync.WaitGroup
		for _, m := range members {
			waits.Go(func() { m.engine.waitIdle(ctx) })
		}
		waits.Wait()
		if !f.replaced(ctx, members) {
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
