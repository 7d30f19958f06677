// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// mismatchedSource is a Source whose EIP list may differ from its networks.
type mismatchedSource struct {
	*fakeSource
	listed   map[string]string // addresses in the EIP list, by desktop ID, if they differ
	nameless string            // a desktop whose EIP has an ID but no address
}

func (b *mismatchedSource) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	a, err := b.fakeSource.ReadNetworks(ctx, ids, urgent)
	if n := a.Networks[b.nameless]; n != nil {
		n.Interfaces[0].EIP = inventory.EIP{ID: "e"}
	}
	return a, err
}

func (b *mismatchedSource) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	bound, err := b.fakeSource.ListEIPBindings(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, addresses := range b.listed {
		if bound != nil {
			bound[id] = addresses
		}
	}
	return bound, err
}

// formatFindings returns the findings of a snapshot and the reasons that were not
// checked.
func formatFindings(s *inventory.Snapshot) string {
	var all []string
	for _, f := range s.Findings {
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", f.Reason, f.Subject, f.Other, f.Value)), " "))
	}
	for _, r := range inventory.FindingReasons() {
		if !slices.Contains(s.CheckedReasons, r) {
			all = append(all, string(r)+"?")
		}
	}
	return strings.Join(all, ", ")
}

// scrapeFor scrapes every minute for some time and returns the last snapshot.
func scrapeFor(e *Engine, d time.Duration) *inventory.Snapshot {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
		scrape(e)
	}
	return scrape(e)
}

const noEIPList = "eip_not_listed?, eip_not_shown?"

func TestEIPListMismatch(t *testing.T) {
	for name, tt := range map[string]struct {
		listed map[string]string
		change func(*Options)
		want   string
	}{
		"both agree":                 {want: ""},
		"the networks lack it":       {listed: map[string]string{"d00000": "9.9.9.9"}, want: "eip_not_shown d00000 9.9.9.9"},
		"the list lacks it":          {listed: map[string]string{"d00001": ""}, want: "eip_not_listed d00001 1.1.1.1"},
		"another one":                {listed: map[string]string{"d00001": "9.9.9.9"}, want: "eip_not_listed d00001 1.1.1.1, eip_not_shown d00001 9.9.9.9"},
		"one of two":                 {listed: map[string]string{"d00001": "1.1.1.1,9.9.9.9"}, want: "eip_not_shown d00001 9.9.9.9"},
		"of an unknown desktop":      {listed: map[string]string{"other": "9.9.9.9"}, want: ""},
		"an EIP is shown, by its ID": {listed: map[string]string{"d00002": "9.9.9.9"}, want: ""},
		"the list is not read":       {change: func(o *Options) { o.ReadEIPList = false }, listed: map[string]string{"d00001": ""}, want: noEIPList},
		"the list may lack some": {
			change: func(o *Options) { o.EIPListPartial = true },
			listed: map[string]string{"d00000": "9.9.9.9", "d00001": ""}, want: "eip_not_shown d00000 9.9.9.9, eip_not_listed?",
		},
	} {
		for size, c := range map[string]*fakeSource{"small": newFakeSource(3), "large": newSlowSource()} {
			t.Run(name+"/"+size, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := &mismatchedSource{fakeSource: c, listed: tt.listed, nameless: "d00002"}
					c.desktops["d00001"] = "1.1.1.1"
					e := newTestEngine(t, c, func(o *Options) {
						o.Source = b
						if tt.change != nil {
							tt.change(o)
						}
					})
					s := scrapeFor(e, 20*time.Minute)
					wantEqual(t, formatFindings(s), tt.want)
					if !s.Health.Up {
						t.Errorf("down: %v", s.Health.Failures)
					}
				})
			})
		}
	}
}

// TestMovedEIPsAreNotReported moves EIPs between desktops at any moment, while calls
// take a while. EIP list and networks are always right when they are read, so
// there must be no finding, although they are read minutes apart.
func TestMovedEIPsAreNotReported(t *testing.T) {
	for _, size := range []int{3, 250, 2000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(size), 3))
				c := newFakeSource(size)
				c.latency = 3 * time.Second
				if size == 2000 {
					c.networks = newSlowSource().networks
				}
				var seen map[inventory.FindingReason]bool
				e := newTestEngine(t, c, func(o *Options) {
					o.OnSnapshot = func(s *inventory.Snapshot) {
						for _, f := range s.Findings {
							t.Errorf("%v at %s", f, time.Now())
						}
						if seen == nil {
							seen = map[inventory.FindingReason]bool{}
						}
						for _, r := range s.CheckedReasons {
							seen[r] = true
						}
					}
				})
				stop := make(chan struct{})
				go rebind(c, rng, min(size, 40), stop)
				scrapeFor(e, 3*time.Hour)
				close(stop)
				if len(seen) != len(inventory.FindingReasons()) {
					t.Errorf("looked for %v only: the test proves little", seen)
				}
			})
		})
	}
}

// rebind binds, unbinds and moves EIPs between the first n desktops. No EIP returns
// to a previous desktop.
func rebind(c *fakeSource, rng *rand.Rand, n int, stop <-chan struct{}) {
	for next := 0; ; next++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(rng.IntN(20_000)) * time.Millisecond):
		}
		c.set(func(c *fakeSource) {
			id := fmt.Sprintf("d%05d", rng.IntN(n))
			switch address := c.desktops[id]; {
			case address == "":
				c.desktops[id] = fmt.Sprintf("1.1.%d.%d", next/250, next%250)
			case rng.IntN(2) == 0:
				c.desktops[id] = ""
			default:
				for other := rng.IntN(n); other > 0; other-- { // desktops before id may have had it
					if to := fmt.Sprintf("d%05d", other); to > id && c.desktops[to] == "" {
						c.desktops[id], c.desktops[to] = "", address
						return
					}
				}
			}
		})
	}
}

// TestEIPListInterval asserts that the EIP list is read at intervals between the
// scrapes, which neither wait for it nor fail with it.
func TestEIPListInterval(t *testing.T) {
	for name, tt := range map[string]struct {
		refusal error
		hang    bool
		spent   bool
		calls   int // in two hours
		want    string
	}{
		"success":    {calls: 13, want: ""},
		"refused":    {refusal: &inventory.Failure{Kind: inventory.Denied, Status: 403}, calls: 2, want: noEIPList},
		"fails":      {refusal: newFailure(inventory.Transient), calls: 12, want: noEIPList},
		"never ends": {hang: true, calls: 12, want: noEIPList},
		"spent":      {spent: true, calls: 1, want: noEIPList},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(3)
				c.bindings = tt.refusal
				if tt.spent {
					c.bindings = &inventory.QuotaExceeded{Until: time.Now().Add(3 * time.Hour)}
				}
				e := newTestEngine(t, c, func(o *Options) {
					if tt.hang {
						o.Source = hangingEIPList{c}
					}
				})
				for end := time.Now().Add(2 * time.Hour); time.Now().Before(end); time.Sleep(time.Minute) {
					start := time.Now()
					if s := scrape(e); !s.Health.Up || time.Since(start) != 0 {
						t.Fatalf("up %t, after %s", s.Health.Up, time.Since(start))
					}
					if early := start.Sub(end.Add(-2*time.Hour)) < firstEIPReadDelay; early && slices.Contains(c.calls, "eips") {
						t.Fatal("the EIP list was asked for at once")
					}
				}
				eips := 0
				for _, call := range c.takeCalls() {
					if call == "eips" {
						eips++
					}
				}
				if eips != tt.calls {
					t.Errorf("asked for the EIP list %d times, want %d", eips, tt.calls)
				}
				wantEqual(t, formatFindings(scrape(e)), tt.want)
			})
		})
	}
}

// hangingEIPList is a Source that never returns the EIP list.
type hangingEIPList struct{ *fakeSource }

func (h hangingEIPList) ListEIPBindings(ctx context.Context) (inventory.EIPBindings, error) {
	h.set(func(c *fakeSource) { c.calls = append(c.calls, "eips") })
	<-ctx.Done()
	return nil, newFailure(inventory.Transient)
}

// TestEIPListMaxStaleness asserts that the EIP list is unknown when it is stale for
// MaxStaleness.
func TestEIPListMaxStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(3)
		b := &mismatchedSource{fakeSource: c, listed: map[string]string{"d00000": "9.9.9.9"}}
		e := newTestEngine(t, c, func(o *Options) { o.Source = b })
		wantEqual(t, formatFindings(scrape(e)), noEIPList)
		const finding = "eip_not_shown d00000 9.9.9.9"
		wantEqual(t, formatFindings(scrapeFor(e, 20*time.Minute)), finding)

		c.set(func(c *fakeSource) { c.bindings = newFailure(inventory.Transient) })
		wantEqual(t, formatFindings(scrapeFor(e, 20*time.Minute)), finding)
		wantEqual(t, formatFindings(scrapeFor(e, 10*time.Minute)), noEIPList)
		c.set(func(c *fakeSource) { c.bindings = nil })
		wantEqual(t, formatFindings(scrapeFor(e, 20*time.Minute)), finding)

		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		wantEqual(t, formatFindings(scrapeFor(e, 14*time.Minute)), finding)
		wantEqual(t, formatFindings(scrapeFor(e, 2*time.Minute)),
			"address_outside_subnet?, address_used_twice?, eip_not_listed?, eip_not_shown?, eip_used_twice?, subnet_outside_vpc?, vpcs_overlap?")
		c.set(func(c *fakeSource) { c.networks = nil })
		wantEqual(t, formatFindings(scrapeFor(e, 20*time.Minute)), finding)

		c.set(func(c *fakeSource) { delete(c.desktops, "d00000") })
		wantEqual(t, formatFindings(scrape(e)), "")
	})
}

// TestEIPOnTwoDesktops asserts that an EIP of two desktops is a finding at once if
// both have had it from the start. Otherwise it may have moved from one to the
// other between two reads, and the next read confirms it.
func TestEIPOnTwoDesktops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(250) // three batches
		c.latency = 200 * time.Millisecond
		c.desktops["d00001"], c.desktops["d00249"] = "1.1.1.1", "1.1.1.1"
		e := newTestEngine(t, c, func(o *Options) { o.ReadEIPList = false })
		next := func() string {
			time.Sleep(time.Minute)
			return strings.TrimSuffix(formatFindings(scrape(e)), ", "+noEIPList)
		}
		wantEqual(t, next(), "eip_used_twice d00001 d00249 1.1.1.1")
		c.set(func(c *fakeSource) { c.desktops["d00249"], c.desktops["d00100"] = "", "1.1.1.1" })
		wantEqual(t, next(), noEIPList)
		wantEqual(t, next(), "eip_used_twice d00001 d00100 1.1.1.1")
		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		wantEqual(t, next(), "eip_used_twice d00001 d00100 1.1.1.1")
		c.set(func(c *fakeSource) { c.networks, c.desktops["new"] = nil, "1.1.1.1" })
		wantEqual(t, next(), "eip_used_twice d00001 d00100 1.1.1.1")
		wantEqual(t, next(), "eip_used_twice d00001 d00100 1.1.1.1, eip_used_twice d00100 new 1.1.1.1")
		c.set(func(c *fakeSource) { delete(c.desktops, "d00100"); delete(c.desktops, "d00001") })
		wantEqual(t, next(), noEIPList)
	})
}

// TestResultsForRemovedDesktops asserts that a result for desktops that expired
// during the request does not bring them back.
func TestResultsForRemovedDesktops(t *testing.T) {
	t.Parallel()
	s := newEngineState(Options{Discovered: true, MaxStaleness: time.Minute})
	now := time.Unix(1_800_000_000, 0)
	s.mergeList([]inventory.Desktop{{ID: "d1"}, {ID: "d2"}}, true, now)
	asked := slices.Clone(s.desktops)
	s.listFailedAt = now
	if got := s.snapshot(now.Add(time.Hour)); len(got.Records) != 0 {
		t.Fatalf("%d desktops are held", len(got.Records))
	}
	for _, d := range asked {
		s.setNetworks(d, &inventory.Networks{Interfaces: []inventory.Interface{{VPC: inventory.VPC{ID: "v"}, EIP: inventory.EIP{Address: "1.1.1.1"}}}}, now, nil)
	}
	s.mergeList(nil, true, now)
	s.listFailedAt, s.recordsDirty = time.Time{}, true
	if got := s.snapshot(now); len(got.VPCs)+len(got.Findings) != 0 || len(got.CheckedReasons) == 0 {
		t.Errorf("VPCs %v, findings %v, looked for %v; want none of anything", got.VPCs, got.Findings, got.CheckedReasons)
	}
}
