// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// countReads makes a source count how often the networks of each desktop are read.
func countReads(c *fakeSource) (times func(id string) int) {
	var mu sync.Mutex
	counts := map[string]int{}
	decide := c.networks
	c.networks = func(ids []string, urgent bool) error {
		mu.Lock()
		defer mu.Unlock()
		err := decide(ids, urgent)
		if err == nil {
			for _, id := range ids {
				counts[id]++
			}
		}
		return err
	}
	return func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		return counts[id]
	}
}

// eipAddresses returns the EIP addresses of a desktop in a snapshot.
func eipAddresses(s *inventory.Snapshot, id string) string {
	for _, r := range s.Records {
		if r.Desktop.ID == id && r.Networks != nil {
			return r.Networks.EIPAddresses()
		}
	}
	return "?"
}

// TestCompletedTaskIsAChange asserts that the networks of a desktop are read when the list
// no longer shows its task, and later by age again.
func TestCompletedTaskIsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(10_000) // a cycle takes eleven minutes
		c.latency = 100 * time.Millisecond
		c.networks = (&fakeQuota{perMin: 10, reserve: 1}).spend
		e := newTestEngine(t, c, func(o *Options) { o.ReadEIPList = false })
		times := countReads(c)
		for range 13 {
			scrape(e)
			time.Sleep(time.Minute)
		}
		c.set(func(c *fakeSource) { c.tasks["d09999"] = "rebuilding" })
		scrape(e)
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { delete(c.tasks, "d09999"); c.desktops["d09999"] = "1.1.1.1" })
		scrape(e)
		time.Sleep(time.Minute)
		if got := eipAddresses(scrape(e), "d09999"); got != "1.1.1.1" {
			t.Errorf("EIP %q after the task, want 1.1.1.1", got)
		}
		before := times("d09999")
		for range 5 {
			scrape(e)
			time.Sleep(time.Minute)
		}
		if n := times("d09999") - before; n > 1 {
			t.Errorf("asked for %d times in five minutes after the task", n)
		}
	})
}

// TestSlowCloudIsListedForEveryScrape asserts that a scrape lists the desktops and
// has the changes even if a full read takes minutes, because the cloud is slow.
func TestSlowCloudIsListedForEveryScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(10_000)
		c.latency = 4 * time.Second // 100 batches, two concurrently: 200 seconds
		e := newTestEngine(t, c, nil)
		s := scrape(e)
		if n := s.Health.Unresolved; n != 10_000-200 || len(s.Records) != 10_000 {
			t.Errorf("%d of %d unresolved after 10s, want all but the two batches that were read", n, len(s.Records))
		}
		for range 5 {
			time.Sleep(50 * time.Second)
			scrape(e)
		}
		if n := e.Snapshot().Health.Unresolved; n != 0 {
			t.Errorf("%d unresolved after five minutes", n)
		}
		c.takeCalls()
		for i := range 10 {
			id := fmt.Sprintf("d%05d", i*999)
			c.set(func(c *fakeSource) { c.desktops[id] = "1.1.1.1" })
			time.Sleep(50 * time.Second)
			scrape(e)
			time.Sleep(50 * time.Second)
			if got := eipAddresses(scrape(e), id); got != "1.1.1.1" {
				t.Errorf("%s: EIP %q in the scrape after next, want 1.1.1.1", id, got)
			}
		}
		lists := 0
		for _, call := range c.takeCalls() {
			if call == "list" {
				lists++
			}
		}
		if lists != 20 {
			t.Errorf("%d lists for 20 scrapes", lists)
		}
	})
}

// TestScrapeWaitsForChangedDesktopsOnly asserts that a scrape does not wait for other
// desktops, for which the quota is too small, and still reports failures.
func TestScrapeWaitsForChangedDesktopsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(10_000)
		c.latency = time.Second
		c.networks = (&fakeQuota{perMin: 20, reserve: 1}).spend
		e := newTestEngine(t, c, nil)
		took := func() time.Duration {
			start := time.Now()
			scrape(e)
			return time.Since(start)
		}
		if got := took(); got != 10*time.Second {
			t.Errorf("the first scrape took %s, want its timeout, because nothing is known", got)
		}
		time.Sleep(10 * time.Minute)
		for range 8 {
			scrape(e)
			time.Sleep(time.Minute)
		}
		// A request of the previous refresh may be in flight.
		if got := took(); got > 2*time.Second {
			t.Errorf("took %s, want the time of the lists", got)
		}
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { c.desktops["d00001"] = "1.1.1.1"; c.desktops["d09999"] = "2.2.2.2" })
		if got := took(); got > 3*time.Second || eipAddresses(e.Snapshot(), "d09999") != "2.2.2.2" {
			t.Errorf("took %s and shows %q, want the time of the lists and of one request, and the change", got, eipAddresses(e.Snapshot(), "d09999"))
		}
		time.Sleep(time.Minute)
		c.set(func(c *fakeSource) { c.list = newFailure(inventory.Transient) })
		scrape(e)
		if h := e.Snapshot().Health; h.Up || len(h.Failures) != 1 {
			t.Errorf("up %t with failures %v, want the list's", h.Up, h.Failures)
		}
	})
}

// TestRefreshContinuesThePreviousOne asserts that no desktop is read twice before all
// are read once, whatever the timeout of a refresh is. With concurrent batches, the
// last one of a cycle and the first one of the next may change places.
func TestRefreshContinuesThePreviousOne(t *testing.T) {
	for _, tt := range []struct {
		timeout              time.Duration
		concurrency, further int
	}{
		{timeout: 15 * time.Second, concurrency: 1, further: 1},
		{timeout: 15 * time.Second, concurrency: 2, further: 1},
		{timeout: 2 * time.Minute, concurrency: 1, further: 1},
		{timeout: 2 * time.Minute, concurrency: 8, further: 2},
	} {
		t.Run(fmt.Sprintf("%s, %d at once", tt.timeout, tt.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(5000)
				c.latency = 2 * time.Second
				c.networks = (&fakeQuota{perMin: 10}).spend
				times := countReads(c)
				e := newTestEngine(t, c, func(o *Options) { o.Timeout, o.Concurrency, o.ReadEIPList = tt.timeout, tt.concurrency, false })
				for range 20 {
					scrape(e)
					n := make([]int, 0, len(c.desktops))
					for id := range c.desktops {
						n = append(n, times(id))
					}
					if slices.Max(n)-slices.Min(n) > tt.further {
						t.Fatalf("one desktop was read %d times, another %d times", slices.Max(n), slices.Min(n))
					}
					time.Sleep(30 * time.Second)
				}
				if n := e.Snapshot().Health.Unresolved; n != 0 {
					t.Errorf("%d unresolved at the end", n)
				}
			})
		})
	}
}

// TestUrgentRequests asserts that changed desktops may use the reserved quota, and so
// may desktops with a running task, if they are few. If they are many, they are read
// before the oldest, but wait for quota.
func TestUrgentRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		taskRunning, changed int
		want                 string
	}{
		"nothing":               {0, 0, "100 100 100 100 100"},
		"a few at work":         {5, 0, "100! 100 100 100 100"},
		"many at work":          {150, 0, "100 100 100 100 100"},
		"changed":               {0, 3, "100! 100 100 100 100"},
		"many at work, changed": {150, 3, "100! 100 100 100 100"},
		"all changed":           {0, 500, "100! 100! 100! 100! 100!"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(500)
				e := newTestEngine(t, c, func(o *Options) { o.Concurrency = 1 })
				scrape(e)
				var got []string
				var first []string
				c.set(func(c *fakeSource) {
					for i := range tt.taskRunning {
						c.tasks[fmt.Sprintf("d%05d", 100+i)] = "rebuilding"
					}
					for i := range tt.changed {
						c.desktops[fmt.Sprintf("d%05d", 499-i)] = "1.1.1.1"
					}
					c.networks = func(ids []string, urgent bool) error {
						mark := ""
						if urgent {
							mark = "!"
						}
						if got = append(got, fmt.Sprint(len(ids), mark)); len(got) == 1 {
							first = slices.Clone(ids)
						}
						return nil
					}
				})
				e.state.quotaLimited = true // so that the EIP list is read
				time.Sleep(time.Minute)
				scrape(e)
				settle := len(got)
				if tt.taskRunning > 0 { // the start of the task was the change
					got, first = nil, nil
					c.set(func(c *fakeSource) {
						for i := range tt.changed {
							c.desktops[fmt.Sprintf("d%05d", 499-i)] = "2.2.2.2"
						}
					})
					e.state.quotaLimited = true
					time.Sleep(time.Minute)
					scrape(e)
				}
				wantEqual(t, strings.Join(got, " "), tt.want)
				if settle != 5 {
					t.Errorf("%d requests in the first run, want 5", settle)
				}
				if tt.changed == 3 && !slices.Contains(first, "d00499") || tt.changed == 0 && tt.taskRunning > 0 && !slices.Contains(first, "d00100") {
					t.Errorf("the first question was for %s to %s", first[0], first[len(first)-1])
				}
			})
		})
	}
}
