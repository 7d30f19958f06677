// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// withLongTimeout sets the timeout of a target's refreshes to an hour.
func withLongTimeout(t Target) Target {
	options := t.New
	t.New = func() Options { o := options(); o.Timeout = time.Hour; return o }
	return t
}

func TestWaitIdleWaitsForQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Fleet
		var made []string
		defer f.Close()
		slow, small := newTarget("slow", "1", newSlowSource(), &made), newTarget("small", "2", newFakeSource(3), &made)
		f.SetTargets([]Target{withLongTimeout(slow), withLongTimeout(small)})
		start := time.Now()
		all := f.WaitIdle(t.Context())
		if took := time.Since(start); len(all) != 2 || all[0].Health.Unresolved+all[1].Health.Unresolved != 0 || took < time.Minute || took > 5*time.Minute {
			t.Errorf("%d snapshots after %s, %d and %d unresolved; want two of all desktops, which the quota pays for in minutes",
				len(all), took, all[0].Health.Unresolved, all[1].Health.Unresolved)
		}
		ended := all[0].Health.LastRefresh
		if again := f.WaitIdle(t.Context()); !again[0].Health.LastRefresh.Equal(ended) {
			t.Error("an idle project was refreshed again")
		}
	})
}

func TestWaitIdleReturnsOnCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Fleet
		var made []string
		defer f.Close()
		f.SetTargets([]Target{withLongTimeout(newTarget("slow", "1", newSlowSource(), &made))})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		all := f.WaitIdle(ctx)
		if took := time.Since(start); took != 2*time.Second || all[0].Health.Unresolved != 1100 {
			t.Errorf("%d unresolved after %s, want 1100 after two seconds", all[0].Health.Unresolved, took)
		}
	})
}

func TestUnreadDesktops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(3)
		e := newTestEngine(t, c, nil)
		health := func(want string, unresolved, unread int) {
			t.Helper()
			if h := scrape(e).Health; h.Unresolved != unresolved || h.Unread != unread {
				t.Errorf("%s: %d unresolved and %d unread, want %d and %d", want, h.Unresolved, h.Unread, unresolved, unread)
			}
			time.Sleep(time.Minute)
		}
		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		health("none was ever read", 3, 3)
		c.set(func(c *fakeSource) { c.networks = nil; c.refused["d00001"] = true })
		health("the cloud refuses one", 1, 0)
		c.set(func(c *fakeSource) {
			c.desktops["new"] = ""
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		health("one has just come", 2, 0)
		time.Sleep(time.Hour)
		health("what was held has ended", 4, 2)
	})
}
