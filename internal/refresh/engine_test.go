// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// fakeSource is a Source whose results and errors a test sets.
type fakeSource struct {
	mu       sync.Mutex
	desktops map[string]string // ID to EIP address, "" for none
	names    map[string]string
	tasks    map[string]string

	latency  time.Duration
	identity error
	list     error // with an Incomplete failure, hidden desktops are left out
	hidden   map[string]bool
	bindings error
	networks func(ids []string, urgent bool) error // nil: success
	refused  map[string]bool

	calls []string
}

func newFakeSource(n int) *fakeSource {
	c := &fakeSource{
		desktops: map[string]string{}, names: map[string]string{}, tasks: map[string]string{},
		hidden: map[string]bool{}, refused: map[string]bool{},
	}
	for i := range n {
		c.desktops[fmt.Sprintf("d%05d", i)] = ""
	}
	return c
}

func (c *fakeSource) call(ctx context.Context, what string) error {
	c.mu.Lock()
	c.calls = append(c.calls, what)
	latency := c.latency
	c.mu.Unlock()
	select {
	case <-time.After(latency):
		return nil
	case <-ctx.Done():
		return &inventory.Failure{Kind: inventory.Transient, Operation: what, Detail: "no answer in time", Cause: ctx.Err()}
	}
}

func (c *fakeSource) ResolveProject(context.Context) (inventory.Project, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return inventory.Project{Name: "office", Region: "r-1", ID: "p1"}, c.identity
}

func (c *fakeSource) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	if err := c.call(ctx, "list"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	incomplete := false
	if f, ok := errors.AsType[*inventory.Failure](c.list); ok {
		incomplete = f.Kind == inventory.Incomplete
	}
	if c.list != nil && !incomplete {
		return nil, c.list
	}
	var l []inventory.Desktop
	for id := range c.desktops {
		if !incomplete || !c.hidden[id] {
			l = append(l, inventory.Desktop{ID: id, Name: "n" + c.names[id], Status: "ACTIVE", TaskStatus: c.tasks[id]})
		}
	}
	slices.SortFunc(l, func(a, b inventory.Desktop) int { return strings.Compare(a.ID, b.ID) })
	return l, c.list
}

func (c *fakeSource) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	if err := c.call(ctx, "eips"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bindings != nil {
		return nil, c.bindings
	}
	b := inventory.EIPBindings{}
	for id, address := range c.desktops {
		if address != "" {
			b[id] = address
		}
	}
	return b, nil
}

func (c *fakeSource) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	c.mu.Lock()
	decide := c.networks
	c.mu.Unlock()
	if decide != nil {
		if err := decide(ids, urgent); err != nil {
			return inventory.NetworksResult{}, err
		}
	}
	if err := c.call(ctx, fmt.Sprintf("networks %d", len(ids))); err != nil {
		return inventory.NetworksResult{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}}
	for _, id := range ids {
		address, ok := c.desktops[id]
		if !ok || c.refused[id] {
			a.Unresolved[id] = &inventory.Failure{Kind: inventory.Refused, Operation: "ShowDesktopNetworks", Status: 404}
			continue
		}
		n := &inventory.Networks{Name: "n" + c.names[id], Interfaces: []inventory.Interface{{PortID: "port-" + id}}}
		if address != "" {
			n.Interfaces[0].EIP = inventory.EIP{ID: "eip-" + address, Address: address}
		}
		a.Networks[id] = n
	}
	return a, nil
}

func (c *fakeSource) set(do func(c *fakeSource)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c)
}

// takeCalls returns the calls since the last takeCalls.
func (c *fakeSource) takeCalls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func newTestEngine(t *testing.T, c *fakeSource, change func(*Options)) *Engine {
	t.Helper()
	o := Options{
		Source: c, Project: inventory.Project{Name: "office", Region: "r-1"}, Discovered: true, ReadEIPList: true,
		Concurrency: 2, Timeout: 2 * time.Minute, MaxStaleness: 15 * time.Minute, Logger: log.NewNopLogger(),
	}
	if change != nil {
		change(&o)
	}
	e := New(o)
	t.Cleanup(e.Close)
	return e
}

// scrape refreshes with a timeout of ten seconds, like a scrape.
func scrape(e *Engine) *inventory.Snapshot {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return e.Refresh(ctx)
}

// formatSnapshot returns a snapshot as text: "d00000=address" for each desktop, "?"
// if its networks are unknown, and the health.
func formatSnapshot(s *inventory.Snapshot) string {
	var b strings.Builder
	for _, r := range s.Records {
		switch r.Networks {
		case nil:
			fmt.Fprintf(&b, "%s=? ", r.Desktop.ID)
		default:
			fmt.Fprintf(&b, "%s=%s ", r.Desktop.ID, r.Networks.EIPAddresses())
		}
	}
	h := s.Health
	fmt.Fprintf(&b, "up=%t listed=%t unresolved=%d stale=%d", h.Up, h.Listed, h.Unresolved, h.Stale)
	return b.String()
}

func wantEqual(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func newFailure(kind inventory.FailureKind) *inventory.Failure {
	return &inventory.Failure{Kind: kind, Operation: "ShowDesktopNetworks", Status: 500}
}

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

func TestConcurrentScrapesShareARefresh(t *testing.T) {
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

func TestFullyRefusedBatchIsAFailure(t *testing.T) {
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

func TestCloseCancelsARefresh(t *testing.T) {
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
