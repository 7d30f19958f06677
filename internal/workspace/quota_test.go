// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestNo429 has projects that share a key read more than their quota allows, from
// a cloud that enforces it.
func TestNo429(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{Quota: 200, History: -1})
		fleet := simulator.GenerateDesktops(2000, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var readers sync.WaitGroup
		waits := newFakeTelemetry()
		for i := range 4 {
			id := fmt.Sprintf("%032d", i)
			fx.sim.AddProject(simulator.Project{ID: id, Region: testRegion})
			fx.sim.SetDesktops(id, fleet)
			p := fx.project(func(c *config.Project) { c.ProjectID = id })
			readers.Go(func() {
				for ctx.Err() == nil {
					_, err := readProject(ctx, p)
					var wait *inventory.QuotaExceeded
					switch {
					case errors.As(err, &wait):
						waits.Retry("", wait.Operation)
						if ratelimit.Sleep(ctx, time.Until(wait.Until)) != nil {
							return
						}
					case err != nil && ctx.Err() == nil:
						t.Errorf("%s: %v", id, err)
						return
					}
				}
			})
		}
		readers.Wait()
		if n := fx.sim.ThrottledCount(""); n != 0 {
			t.Errorf("%d requests were answered with 429", n)
		}
		if peak := fx.sim.PeakCallsPerMinute(inventory.ShowDesktopNetworks); peak > 180 || peak < 160 {
			t.Errorf("%d requests for networks in a minute, want nearly 180 and no more", peak)
		}
		if waits.retries[inventory.ShowDesktopNetworks] == 0 {
			t.Error("the quota was never exceeded")
		}
	})
}

// TestListWaitsForItsWholeQuota checks that a list of known length does not start
// before the quota allows all its pages.
func TestListWaitsForItsWholeQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.setDesktops(4500) // five pages
		p := fx.project(func(c *config.Project) { c.Limits.RequestsPerMinute = 12 })
		for range 2 {
			if _, err := p.ListDesktops(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		before := fx.sim.CallCount(inventory.ListDesktops)
		var wait *inventory.QuotaExceeded
		if _, err := p.ListDesktops(t.Context()); !errors.As(err, &wait) || !wait.Until.After(time.Now()) {
			t.Fatalf("error %v, want a wait", err)
		}
		if n := fx.sim.CallCount(inventory.ListDesktops); n != before || n != 10 {
			t.Errorf("%d list calls, %d before; want 10 and no more", n, before)
		}
		time.Sleep(time.Until(wait.Until))
		if _, err := p.ListDesktops(t.Context()); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// TestListLargerThanTheBudget checks that such a list is read in parts: each call
// reads as many pages as the quota allows and returns when to continue, and no
// page is read twice.
func TestListLargerThanTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{Quota: 3})
		fx.setDesktops(4500) // five pages
		p := fx.project(func(c *config.Project) { c.Limits.RequestsPerMinute = 2 })
		for round := range 3 {
			start := time.Now()
			parts := 0
			for {
				l, err := p.ListDesktops(t.Context())
				parts++
				if wait, ok := errors.AsType[*inventory.QuotaExceeded](err); ok {
					ratelimit.Sleep(t.Context(), time.Until(wait.Until))
					continue
				}
				if err != nil || len(l) != 4500 {
					t.Fatalf("round %d: %d desktops, error %v", round, len(l), err)
				}
				break
			}
			// Two pages a minute; the last minute has a slot left for the next list.
			if took := time.Since(start); took < 2*time.Minute || took > 3*time.Minute+time.Second || parts < 3 {
				t.Errorf("round %d took %s in %d parts, want the time of two requests a minute", round, took, parts)
			}
			if n := fx.sim.CallCount(inventory.ListDesktops); n != 5*(round+1) {
				t.Errorf("%d list calls after %d lists of five pages", n, round+1)
			}
		}
		if n := fx.sim.ThrottledCount(""); n != 0 {
			t.Errorf("%d requests were throttled", n)
		}
	})
}

// TestInterruptedListExpires checks that the pages of an interrupted list are
// dropped when they are old.
func TestInterruptedListExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		ids := fx.setDesktops(2500)
		p := fx.project(func(c *config.Project) { c.Limits.RequestsPerMinute = 2 })
		var wait *inventory.QuotaExceeded
		if _, err := p.ListDesktops(t.Context()); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		fx.sim.DeleteDesktop(testProject, ids[0])
		time.Sleep(maxPendingAge + time.Second)
		if _, err := p.ListDesktops(t.Context()); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait: the list restarts", err)
		}
		time.Sleep(2 * time.Minute)
		l, err := p.ListDesktops(t.Context())
		if err != nil || len(l) != 2499 || fx.sim.CallCount(inventory.ListDesktops) != 5 {
			t.Errorf("%d desktops by %d requests, error %v; want 2499 by two and three", len(l), fx.sim.CallCount(inventory.ListDesktops), err)
		}
	})
}

// TestQuotaSharedWithOtherClients checks that a 429 is retried, lowers the budget,
// and that the budget grows back.
func TestQuotaSharedWithOtherClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		ids := fx.setDesktops(100)
		fx.sim.AddFault(simulator.Fault{Operation: inventory.ShowDesktopNetworks, Status: 429, Times: 1})
		p := fx.project(nil)
		if a, err := p.ReadNetworks(t.Context(), ids, true); err != nil || len(a.Networks) != 100 {
			t.Fatalf("%d networks, error %v", len(a.Networks), err)
		}
		quota := func() ratelimit.Quota {
			for _, q := range fx.client.Quotas() {
				if q.Operation == inventory.ShowDesktopNetworks {
					return q
				}
			}
			return ratelimit.Quota{}
		}
		if q := quota(); q.Budget != 90 || q.Limit != 180 || q.Available != 88 || q.Endpoint != fx.url || len(q.Key) != 8 {
			t.Errorf("quota %+v, want 88 of 90 left", q)
		}
		if fx.telemetry.retries[inventory.ShowDesktopNetworks] != 1 || fx.telemetry.requests[inventory.ShowDesktopNetworks+" 429"] != 1 || fx.telemetry.requests[inventory.ShowDesktopNetworks+" 200"] != 1 {
			t.Errorf("retries %v, requests %v; want one throttled and one successful", fx.telemetry.retries, fx.telemetry.requests)
		}
		time.Sleep(5 * time.Minute)
		if _, err := p.ReadNetworks(t.Context(), ids, true); err != nil {
			t.Fatal(err)
		}
		if q := quota(); q.Budget != 180 {
			t.Errorf("quota %+v, want the whole budget again", q)
		}
	})
}
