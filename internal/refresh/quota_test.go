// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// fakeQuota allows a number of networks requests a minute and reserves some of them
// for urgent ones.
type fakeQuota struct {
	mu      sync.Mutex
	perMin  int
	reserve int
	granted []time.Time
}

func (q *fakeQuota) spend(_ []string, urgent bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for len(q.granted) > 0 && now.Sub(q.granted[0]) >= time.Minute {
		q.granted = q.granted[1:]
	}
	limit := q.perMin
	if !urgent {
		limit -= q.reserve
	}
	if len(q.granted) >= limit {
		return &inventory.QuotaExceeded{Operation: "ShowDesktopNetworks", Until: q.granted[len(q.granted)-limit].Add(time.Minute)}
	}
	q.granted = append(q.granted, now)
	return nil
}

// newSlowSource returns a source whose quota pays for half of its 2,000 desktops a
// minute.
func newSlowSource() *fakeSource {
	c := newFakeSource(2000)
	c.latency = 100 * time.Millisecond
	c.networks = (&fakeQuota{perMin: 10, reserve: 1}).spend
	return c
}

func TestExceededQuotaIsNotAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestEngine(t, newSlowSource(), nil)
		start := time.Now()
		s := scrape(e)
		if took := time.Since(start); took > time.Second {
			t.Errorf("the scrape waited %s for quota", took)
		}
		if h := s.Health; !h.Up || h.Unresolved != 1100 || h.Stale != 0 || h.QuotaExceededUntil.IsZero() {
			t.Errorf("up %t, %d unresolved, %d stale, waiting %s; want true, 1100, 0 and a time", h.Up, h.Unresolved, h.Stale, h.QuotaExceededUntil)
		}
		// It continues without a scrape until its timeout.
		time.Sleep(62 * time.Second)
		if n := e.Snapshot().Health.Unresolved; n != 200 {
			t.Errorf("%d unresolved a minute later, want 200", n)
		}
		time.Sleep(time.Hour)
		if n := e.Snapshot().Health.Unresolved; n != 200 {
			t.Errorf("%d unresolved: a refresh must end at its timeout", n)
		}
		scrape(e)
		if n := e.Snapshot().Health.Unresolved; n != 0 {
			t.Errorf("%d unresolved after the next scrape, want none", n)
		}
	})
}

func TestOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestEngine(t, newSlowSource(), nil)
		// Two cycles of 2,000 desktops at 900 a minute need less than five
		// minutes; after that no desktop may be older than two cycles.
		for minute := range 30 {
			s := scrape(e)
			if minute < 5 {
				time.Sleep(time.Minute)
				continue
			}
			if age := time.Since(s.Health.OldestData); s.Health.Unresolved != 0 || age > 5*time.Minute {
				t.Fatalf("minute %d: %d unresolved, the oldest is %s old", minute, s.Health.Unresolved, age)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestChangeIsReadWithinTwoScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowSource()
		e := newTestEngine(t, c, nil)
		for range 6 {
			scrape(e)
			time.Sleep(30 * time.Second)
		}
		for i := range 20 {
			id := fmt.Sprintf("d%05d", i*97)
			address := fmt.Sprintf("1.1.1.%d", i)
			c.set(func(c *fakeSource) { c.desktops[id] = address })
			scrape(e)
			time.Sleep(30 * time.Second)
			s := scrape(e)
			shown := false
			for _, r := range s.Records {
				shown = shown || r.Desktop.ID == id && r.Networks != nil && r.Networks.EIPAddresses() == address
			}
			if !shown {
				t.Errorf("%s is not shown with %s in the scrape after next", id, address)
			}
			time.Sleep(30 * time.Second)
		}
	})
}

func TestNewAndBusyDesktopsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowSource()
		e := newTestEngine(t, c, nil)
		for range 5 {
			scrape(e)
			time.Sleep(time.Minute)
		}
		c.set(func(c *fakeSource) { c.desktops["new"] = "9.9.9.9"; c.tasks["d00007"] = "rebuilding" })
		scrape(e)
		c.set(func(c *fakeSource) { c.desktops["d00007"] = "8.8.8.8"; c.bindings = newFailure(inventory.Denied) })
		time.Sleep(time.Minute)
		var found []string
		for _, r := range scrape(e).Records {
			if r.Networks.EIPAddresses() != "" {
				found = append(found, r.Desktop.ID+"="+r.Networks.EIPAddresses())
			}
		}
		wantEqual(t, fmt.Sprint(found), "[d00007=8.8.8.8 new=9.9.9.9]")
	})
}

func TestFailedEIPListIsNotAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowSource()
		c.bindings = &inventory.Failure{Kind: inventory.Denied, Operation: "ListDesktopsEips", Status: 403}
		e := newTestEngine(t, c, nil)
		for range 6 {
			s := scrape(e)
			if !s.Health.Up || len(s.Health.Failures) != 0 {
				t.Fatalf("a refused EIP list counts as a failure: %v", s.Health.Failures)
			}
			time.Sleep(time.Minute)
		}
		if n := e.Snapshot().Health.Unresolved; n != 0 {
			t.Errorf("%d unresolved, want none", n)
		}
	})
}

func TestManyChangesDoNotStarveTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowSource()
		e := newTestEngine(t, c, nil)
		for range 5 {
			scrape(e)
			time.Sleep(time.Minute)
		}
		// A task runs on three quarters of the fleet, for an hour.
		c.set(func(c *fakeSource) {
			for i := range 1500 {
				c.tasks[fmt.Sprintf("d%05d", i)] = "rebuilding"
			}
		})
		for range 60 {
			s := scrape(e)
			if age := time.Since(s.Health.OldestData); age > 7*time.Minute {
				t.Fatalf("the oldest is %s old", age)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestWaitForListQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		c.list = &inventory.QuotaExceeded{Operation: "ListDesktops", Until: time.Now().Add(30 * time.Second)}
		e := newTestEngine(t, c, nil)
		wantEqual(t, formatSnapshot(scrape(e)), "up=true listed=false unresolved=0 stale=0")
		c.set(func(c *fakeSource) { c.list = nil })
		time.Sleep(31 * time.Second)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000= up=true listed=true unresolved=0 stale=0")
	})
}

func TestFirstSuccessIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		c.list = &inventory.QuotaExceeded{Operation: "ListDesktops", Until: time.Now().Add(30 * time.Second)}
		var out bytes.Buffer
		e := newTestEngine(t, c, func(o *Options) { o.Logger = log.NewLogfmtLogger(&out) })
		scrape(e)
		wantEqual(t, out.String(), "")
		c.set(func(c *fakeSource) { c.list = nil })
		time.Sleep(31 * time.Second)
		e.Snapshot()
		wantEqual(t, out.String(), "level=info project=office region=r-1 msg=\"Project refreshed\" desktops=1 unresolved=0 duration=30s\n")
	})
}

func TestWaitForResolveProjectQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		c.identity = &inventory.QuotaExceeded{Operation: "KeystoneListProjects", Until: time.Now().Add(30 * time.Second)}
		e := newTestEngine(t, c, nil)
		s := scrape(e)
		wantEqual(t, formatSnapshot(s), "up=true listed=false unresolved=0 stale=0")
		if s.Health.QuotaExceededUntil.IsZero() || len(s.Health.Failures) > 0 {
			t.Errorf("waiting until %s with failures %v, want a time and none", s.Health.QuotaExceededUntil, s.Health.Failures)
		}
		c.set(func(c *fakeSource) { c.identity = nil })
		time.Sleep(31 * time.Second)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000= up=true listed=true unresolved=0 stale=0")
	})
}

// An outage that ends in 429s lasts until a request succeeds.
func TestQuotaWaitIsNotARecovery(t *testing.T) {
	for name, tc := range map[string]struct {
		discovered bool
		down       string
		answer     func(*fakeSource, error)
	}{
		"the list": {true, "up=false listed=false unresolved=0 stale=0", func(c *fakeSource, err error) { c.list = err }},
		"configured IDs": {false, "d00000=? up=false listed=true unresolved=1 stale=0", func(c *fakeSource, err error) {
			c.networks = func([]string, bool) error { return err }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(1)
				e := newTestEngine(t, c, func(o *Options) { o.Discovered, o.ReadEIPList = tc.discovered, false })
				c.set(func(c *fakeSource) { tc.answer(c, newFailure(inventory.Transient)) })
				wantEqual(t, formatSnapshot(scrape(e)), tc.down)
				c.set(func(c *fakeSource) { tc.answer(c, &inventory.QuotaExceeded{Until: time.Now().Add(30 * time.Second)}) })
				s := scrape(e)
				wantEqual(t, formatSnapshot(s), tc.down)
				if h := s.Health; h.QuotaExceededUntil.IsZero() || len(h.Failures) != 1 || !h.LastSuccess.IsZero() {
					t.Errorf("waiting until %s with failures %v, the last success %s; want a time, one and none", h.QuotaExceededUntil, h.Failures, h.LastSuccess)
				}
				c.set(func(c *fakeSource) { tc.answer(c, nil) })
				time.Sleep(31 * time.Second)
				s = e.Snapshot()
				wantEqual(t, formatSnapshot(s), "d00000= up=true listed=true unresolved=0 stale=0")
				if h := s.Health; len(h.Failures) > 0 || h.LastSuccess.IsZero() {
					t.Errorf("failures %v, the last success %s; want none and a time", h.Failures, h.LastSuccess)
				}
			})
		})
	}
}

func TestExceededListQuotaKeepsLastList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.takeCalls()
		c.set(func(c *fakeSource) {
			c.list = &inventory.QuotaExceeded{Operation: "ListDesktops", Until: time.Now().Add(time.Minute)}
			c.desktops["d00000"] = "1.1.1.1"
		})
		wantEqual(t, formatSnapshot(scrape(e)), "d00000=1.1.1.1 up=true listed=true unresolved=0 stale=0")
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[list networks 1]")
	})
}
