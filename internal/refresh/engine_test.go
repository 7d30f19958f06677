// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestEveryScrapeRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(3)
		e := newTestEngine(t, c, nil)
		wantEqual(t, formatSnapshot(e.Snapshot()), "up=false listed=false unresolved=0 stale=0")
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001= d00002= up=true listed=true unresolved=0 stale=0")
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[list networks 3]")

		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) {
			c.desktops["d00001"] = "1.1.1.1"
			delete(c.desktops, "d00002")
			c.desktops["d00003"] = ""
		})
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001=1.1.1.1 d00003= up=true listed=true unresolved=0 stale=0")
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[list networks 3]")
	})
}

func TestUnchangedRecordsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(2)
		e := newTestEngine(t, c, nil)
		before := scrape(e)
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { c.desktops["d00001"] = "1.1.1.1" })
		after := scrape(e)
		if before.Records[0] != after.Records[0] {
			t.Error("an unchanged desktop got a new record")
		}
		if before.Records[1] == after.Records[1] || before.Records[1].Networks.EIPAddresses() != "" {
			t.Error("a snapshot that was handed out has changed")
		}
	})
}

func TestConcurrentScrapesShareRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(150)
		c.latency = time.Second
		e := newTestEngine(t, c, nil)
		var scrapers sync.WaitGroup
		for range 10 {
			scrapers.Go(func() {
				if s := scrape(e); len(s.Records) != 150 || !s.Health.Up {
					t.Errorf("a scraper got %s", formatSnapshot(s))
				}
			})
		}
		scrapers.Wait()
		calls := c.takeCalls()
		slices.Sort(calls)
		wantEqual(t, fmt.Sprint(calls), "[list networks 100 networks 50]")
	})
}

func TestScrapeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) { c.latency = 20 * time.Second; c.desktops["d00000"] = "1.1.1.1" })
		start := time.Now()
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= up=true listed=true unresolved=0 stale=0")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("a scrape of 10s took %s", took)
		}
		time.Sleep(31 * time.Second)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000=1.1.1.1 up=true listed=true unresolved=0 stale=0")
	})
}

func TestNetworksMaxStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(2)
		c.desktops["d00000"] = "1.1.1.1"
		e := newTestEngine(t, c, nil)
		scrape(e)
		read := time.Now()
		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
			c.desktops["d00002"] = ""
		})
		time.Sleep(time.Minute)
		s := scrape(e)
		wantEqual(t, formatSnapshot(s), "d00000=1.1.1.1 d00001= d00002=? up=false listed=true unresolved=1 stale=2")
		if !s.Health.OldestData.Equal(read) || !s.Health.LastSuccess.Equal(read) {
			t.Errorf("oldest data %s, last success %s, want both %s", s.Health.OldestData, s.Health.LastSuccess, read)
		}
		// Without a refresh in between, stale values end as well, to the second.
		time.Sleep(15*time.Minute - time.Nanosecond)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000=1.1.1.1 d00001= d00002=? up=false listed=true unresolved=1 stale=2")
		time.Sleep(time.Nanosecond)
		s = e.Snapshot()
		wantEqual(t, formatSnapshot(s), "d00000=? d00001=? d00002=? up=false listed=true unresolved=3 stale=0")
		if !s.Health.OldestData.IsZero() {
			t.Errorf("nothing is shown, and its oldest is of %s", s.Health.OldestData)
		}
		c.set(func(c *fakeSource) { c.networks = nil })
		wantEqual(t, formatSnapshot(scrape(e)), "d00000=1.1.1.1 d00001= d00002= up=true listed=true unresolved=0 stale=0")
	})
}

func TestListMaxStaleness(t *testing.T) {
	for _, kind := range []inventory.FailureKind{inventory.Transient, inventory.Denied, inventory.Authentication, inventory.Disabled} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(1)
				e := newTestEngine(t, c, nil)
				scrape(e)
				c.takeCalls()
				c.set(func(c *fakeSource) { c.list = &inventory.Failure{Kind: kind, Operation: "ListDesktops"} })
				time.Sleep(time.Minute)
				stale, calls := 0, "[list networks 1]"
				if kind >= inventory.Disabled { // then requests for networks would fail as well
					stale, calls = 1, "[list]"
				}
				wantEqual(t, formatSnapshot(scrape(e)), fmt.Sprintf("d00000= up=false listed=true unresolved=0 stale=%d", stale))
				wantEqual(t, fmt.Sprint(c.takeCalls()), calls)
				time.Sleep(15 * time.Minute)
				wantEqual(t, formatSnapshot(e.Snapshot()), "up=false listed=false unresolved=0 stale=0")
				c.set(func(c *fakeSource) { c.list = nil })
				wantEqual(t, formatSnapshot(scrape(e)), "d00000= up=true listed=true unresolved=0 stale=0")
			})
		})
	}
}

func TestHangingListFailsAllDesktops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, nil)
		scrape(e)
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { c.latency = time.Hour })
		failed := time.Now()
		scrape(e)
		time.Sleep(2 * time.Minute)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000= up=false listed=true unresolved=0 stale=1")
		c.set(func(c *fakeSource) {
			c.latency = 0
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		scrape(e)
		time.Sleep(time.Until(failed.Add(15*time.Minute - time.Nanosecond)))
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000= up=false listed=true unresolved=0 stale=1")
		time.Sleep(time.Nanosecond)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000=? up=false listed=true unresolved=1 stale=0")
	})
}

func TestIncompleteListRemovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(3)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) {
			c.list = &inventory.Failure{Kind: inventory.Incomplete, Operation: "ListDesktops"}
			c.hidden["d00000"], c.hidden["d00002"] = true, true
			c.desktops["d00001"] = "1.1.1.1"
		})
		time.Sleep(time.Minute)
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001=1.1.1.1 d00002= up=false listed=true unresolved=0 stale=0")
		c.set(func(c *fakeSource) { c.hidden["d00002"] = false })
		time.Sleep(10 * time.Minute)
		scrape(e)
		time.Sleep(6 * time.Minute)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00001=1.1.1.1 d00002= up=false listed=true unresolved=0 stale=0")
	})
}

func TestIncompleteListAfterFailedListExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(2)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) { c.list = newFailure(inventory.Transient) })
		failed := time.Now()
		scrape(e)
		c.set(func(c *fakeSource) {
			c.list = &inventory.Failure{Kind: inventory.Incomplete, Operation: "ListDesktops"}
			c.hidden["d00000"] = true
		})
		time.Sleep(10 * time.Minute)
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001= up=false listed=true unresolved=0 stale=0")
		time.Sleep(time.Until(failed.Add(15 * time.Minute)))
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00001= up=false listed=true unresolved=0 stale=0")
	})
}

func TestFailedBatchAffectsOnlyItsDesktops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(250)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) {
			for id := range c.desktops {
				c.desktops[id] = "1.1.1.1"
			}
			c.networks = func(ids []string, _ bool) error {
				if slices.Contains(ids, "d00150") {
					return newFailure(inventory.Malformed)
				}
				return nil
			}
		})
		time.Sleep(time.Minute)
		s := scrape(e)
		var held []string
		for _, r := range s.Records {
			if r.Networks.EIPAddresses() == "" {
				held = append(held, r.Desktop.ID)
			}
		}
		if len(held) != 100 || !slices.Contains(held, "d00150") || s.Health.Stale != 100 || s.Health.Up {
			t.Errorf("held %d, stale %d, up %t; want 100, 100, false", len(held), s.Health.Stale, s.Health.Up)
		}
	})
}

func TestConsecutiveFailuresAbortTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(10_000)
		e := newTestEngine(t, c, nil)
		scrape(e)
		asked := 0
		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { asked++; return newFailure(inventory.Transient) }
		})
		e.opts.Concurrency = 1
		time.Sleep(time.Minute)
		s := scrape(e)
		if asked != 2 || s.Health.Stale != 10_000 {
			t.Errorf("%d batches asked of a dead cloud, %d stale; want 2, and all of them", asked, s.Health.Stale)
		}
	})
}

func TestRefusedDesktopsAreRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(2)
		c.refused["d00001"] = true
		e := newTestEngine(t, c, nil)
		asked := map[string]int{}
		c.networks = func(ids []string, _ bool) error {
			for _, id := range ids {
				asked[id]++
			}
			return nil
		}
		for range 120 {
			wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001=? up=true listed=true unresolved=1 stale=0")
			time.Sleep(30 * time.Second)
		}
		// At 0, 5, 15 and 35 minutes of the hour.
		if asked["d00000"] != 120 || asked["d00001"] != 4 {
			t.Errorf("asked %v, want d00000 each time and d00001 four times", asked)
		}
		// A hint at a change in the list causes a request at once.
		c.set(func(c *fakeSource) { c.refused = nil; c.names["d00001"] = "renamed" })
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001= up=true listed=true unresolved=0 stale=0")
	})
}

func TestRefusedBatchIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(2)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) { c.refused["d00000"], c.refused["d00001"] = true, true })
		time.Sleep(time.Minute)
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001= up=false listed=true unresolved=0 stale=2")
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { c.refused = nil })
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= d00001= up=true listed=true unresolved=0 stale=0")
	})
}

func TestMinInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, func(o *Options) { o.MinInterval = 30 * time.Second })
		scrape(e)
		c.takeCalls()
		time.Sleep(29 * time.Second)
		scrape(e)
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[]")
		time.Sleep(time.Second)
		scrape(e)
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[list networks 1]")
	})
}

func TestConfiguredIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, func(o *Options) { o.Discovered = false })
		if s := scrape(e); s.Records[0].Listed || s.Discovered {
			t.Errorf("record %+v of %t discovery, want not listed", s.Records[0], s.Discovered)
		}
	})
}

func TestResolveProjectIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		c.identity = &inventory.Failure{Kind: inventory.Misconfigured, Operation: "KeystoneListProjects"}
		e := newTestEngine(t, c, nil)
		wantEqual(t, formatSnapshot(scrape(e)), "up=false listed=false unresolved=0 stale=0")
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[]")
		c.set(func(c *fakeSource) { c.identity = nil })
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= up=true listed=true unresolved=0 stale=0")
		wantEqual(t, e.Snapshot().Project.ID, "p1")
	})
}

func TestCloseCancelsRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		c.latency = time.Hour
		e := newTestEngine(t, c, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go e.Refresh(ctx)
		synctest.Wait()
		e.Close()
		wantEqual(t, formatSnapshot(e.Refresh(ctx)), "up=false listed=false unresolved=0 stale=0")
	})
}

func TestStatusChangesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		var out bytes.Buffer
		e := newTestEngine(t, c, func(o *Options) { o.Logger = log.NewLogfmtLogger(&out) })
		step := func(n int, kind inventory.FailureKind) {
			c.set(func(c *fakeSource) {
				if c.list = nil; kind != inventory.Transient-1 {
					c.list = &inventory.Failure{Kind: kind, Operation: "ListDesktops", Status: 503}
				}
			})
			for range n {
				scrape(e)
				time.Sleep(time.Minute)
			}
		}
		step(3, inventory.Transient-1)
		step(20, inventory.Transient)
		step(2, inventory.Denied)
		step(3, inventory.Transient-1)
		wantEqual(t, out.String(), `level=info project=office region=r-1 msg="Project refreshed" desktops=1 unresolved=0 duration=0s
level=error project=office region=r-1 msg="Project refresh failed" err="ListDesktops: transient: HTTP 503" failures=1 stale=0 unresolved=0 failed_refreshes=1
level=error project=office region=r-1 msg="Project refresh still failing" err="ListDesktops: transient: HTTP 503" failures=1 stale=0 unresolved=0 failed_refreshes=16
level=error project=office region=r-1 msg="Project refresh failed" err="ListDesktops: denied: HTTP 503" failures=1 stale=0 unresolved=0 failed_refreshes=21
level=info project=office region=r-1 msg="Project refresh recovered" desktops=1 failed_refreshes=22 after=22m0s
`)
	})
}
