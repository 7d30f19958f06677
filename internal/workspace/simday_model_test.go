// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// simProject is a project of the simulation: a refresh.Source whose requests
// reserve slots of the real rate limiters, like the real client, but are not sent.
type simProject struct {
	*ProjectClient // for the project, the limits and the reservations
	counter        *callCounter

	mu        sync.Mutex
	rng       *rand.Rand
	desktops  map[string]*simDesktop
	listed    []inventory.Desktop // content of the list, sorted by ID
	lastList  []inventory.Desktop // list that was returned last
	pagesRead int                 // pages of an interrupted list
	bindings  inventory.EIPBindings
	unshown   []*change // changes that no snapshot shows yet
	sequence  int       // for unique names
	scrapes   int       // started so far
	calls     map[string]int
	urgent    int           // urgent requests for networks
	firstRead time.Duration // time until all networks were read; 0: not yet

	cycle      int // number of the cycle in which every desktop is read once
	unread     int // desktops that are not yet read in this cycle
	cycleStart time.Time
	cycles     []time.Duration
}

// simDesktop is the part of a desktop that the list does not contain.
type simDesktop struct {
	networks *inventory.Networks
	lastRead time.Time // time of the last response with the networks
	cycle    int       // of the last response
	changing bool      // has a change that no snapshot shows yet
}

func newSimProject(p *ProjectClient, g *callCounter, desktops int, seed uint64) *simProject {
	s := &simProject{
		ProjectClient: p, counter: g, rng: rand.New(rand.NewPCG(seed, 1)), desktops: make(map[string]*simDesktop, desktops),
		bindings: inventory.EIPBindings{}, calls: map[string]int{}, cycleStart: time.Now(),
	}
	for range desktops {
		d, n := s.newDesktop()
		s.listed = append(s.listed, d)
		s.desktops[d.ID] = &simDesktop{networks: n, lastRead: s.cycleStart}
		if address := n.EIPAddresses(); address != "" {
			s.bindings[d.ID] = address
		}
	}
	slices.SortFunc(s.listed, func(a, b inventory.Desktop) int { return strings.Compare(a.ID, b.ID) })
	s.startCycle(s.cycleStart)
	return s
}

// next returns a unique name.
func (s *simProject) next(what string) string {
	s.sequence++
	return fmt.Sprintf("%s-%d", what, s.sequence)
}

// newDesktop returns a desktop with one interface. Two of five desktops have an EIP.
func (s *simProject) newDesktop() (inventory.Desktop, *inventory.Networks) {
	subnet := s.rng.IntN(32)
	d := inventory.Desktop{
		ID:   fmt.Sprintf("%016x-%04x-%014x", s.rng.Uint64(), s.rng.Uint32N(1<<16), s.rng.Uint64()>>8),
		Name: s.next("desktop"), Status: "ACTIVE", SubnetID: fmt.Sprintf("subnet-%02d", subnet),
	}
	n := &inventory.Networks{Name: d.Name, Interfaces: []inventory.Interface{{
		PortID: s.next("port"), VPC: inventory.VPC{ID: "vpc", Name: "vpc", CIDR: "10.0.0.0/8"},
		Subnet:         inventory.Subnet{ID: d.SubnetID, Name: d.SubnetID, CIDR: "10.0.0.0/20"},
		SecurityGroups: []inventory.SecurityGroup{{ID: "default", Name: "default"}},
	}}}
	if s.rng.IntN(5) < 2 {
		n.Interfaces[0].EIP = inventory.EIP{ID: "eip", Address: s.next("address")}
	}
	return d, n
}

// startCycle starts a new cycle.
func (s *simProject) startCycle(now time.Time) {
	s.cycle++
	s.unread, s.cycleStart = len(s.desktops), now
}

// markRead records that a response had the networks of a desktop.
func (s *simProject) markRead(m *simDesktop, now time.Time) {
	m.lastRead = now
	if m.cycle != s.cycle {
		m.cycle = s.cycle
		s.unread--
	}
	if s.unread == 0 {
		s.cycles = append(s.cycles, now.Sub(s.cycleStart))
		s.startCycle(now)
	}
}

// oldest returns the age of the oldest networks.
func (s *simProject) oldest(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := time.Duration(0)
	for _, m := range s.desktops {
		age = max(age, now.Sub(m.lastRead))
	}
	return age
}

// call simulates a request: a slot, the way to the cloud, and the way back.
func (s *simProject) call(ctx context.Context, op string, urgent bool, taken *ratelimit.Reservation, arrive func()) error {
	k, err := s.api.authenticator.keys.Key(ctx)
	if err != nil {
		return err
	}
	limiter := *s.api.rateLimiter
	limiter.next = callerFunc(func(context.Context, *request) (*apierror.Response, error) {
		s.mu.Lock()
		outbound := 50*time.Millisecond + time.Duration(s.rng.Int64N(int64(100*time.Millisecond)))
		inbound := 50*time.Millisecond + time.Duration(s.rng.Int64N(int64(100*time.Millisecond)))
		s.calls[op]++
		s.mu.Unlock()
		time.Sleep(outbound)
		s.counter.count(op+" "+s.accessKey(), time.Now())
		s.mu.Lock()
		arrive()
		s.mu.Unlock()
		time.Sleep(inbound)
		return nil, nil
	})
	_, err = limiter.do(ctx, &request{operation: operation{name: op}, urgent: urgent, reserved: taken, key: k})
	return err
}

func (s *simProject) accessKey() string { return s.cfg.Credentials.AccessKey }

// ListDesktops needs a request for each page. The next call continues a list that
// was interrupted by the quota.
func (s *simProject) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	taken, err := s.reservePages(ctx, s.pagesRead)
	if err != nil {
		return nil, err
	}
	defer taken.Release()
	page := func(arrive func()) error {
		return s.call(ctx, inventory.ListDesktops, true, taken, arrive)
	}
	if s.pagesRead == 0 {
		if err := page(func() {
			// Changes between the pages are not simulated.
			s.lastList = append(s.lastList[:0], s.listed...)
			s.pagesRead = 1
		}); err != nil {
			return nil, err
		}
		s.setLastPages(s.listPages())
	}
	if err := s.inParallel(s.listPages()-s.pagesRead, func() error { return page(func() { s.pagesRead++ }) }); err != nil {
		return nil, err
	}
	s.pagesRead = 0
	return s.lastList, nil
}

// listPages returns the number of pages, which overlap by one desktop.
func (s *simProject) listPages() int { return max(1, (len(s.lastList)-2+maxPage-1)/(maxPage-1)) }

// inParallel makes n calls with the configured concurrency.
func (s *simProject) inParallel(n int, call func() error) error {
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		failed  error
	)
	for range s.cfg.Limits.Concurrency {
		workers.Go(func() {
			for {
				mu.Lock()
				n--
				done := n < 0 || failed != nil
				mu.Unlock()
				if done {
					return
				}
				if err := call(); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return failed
}

// ListEIPBindings needs one request.
func (s *simProject) ListEIPBindings(ctx context.Context) (b inventory.EIPBindings, err error) {
	err = s.call(ctx, inventory.ListDesktopsEips, true, nil, func() { b = maps.Clone(s.bindings) })
	return b, err
}

// ReadNetworks needs one request, and a second one if a desktop is deleted.
func (s *simProject) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	result := inventory.NetworksResult{
		Networks:   make(map[string]*inventory.Networks, len(ids)),
		Unresolved: map[string]*inventory.Failure{},
	}
	if urgent {
		s.mu.Lock()
		s.urgent++
		s.mu.Unlock()
	}
	for attempt := 1; attempt <= 2 && len(result.Networks) < len(ids); attempt++ {
		if err := s.call(ctx, inventory.ShowDesktopNetworks, urgent, nil, func() {
			now := time.Now()
			for _, id := range ids {
				if m := s.desktops[id]; m != nil {
					result.Networks[id] = m.networks
					s.markRead(m, now)
				}
			}
		}); err != nil {
			return result, err
		}
	}
	for _, id := range ids {
		if result.Networks[id] == nil {
			result.Unresolved[id] = &inventory.Failure{Kind: inventory.Refused, Operation: inventory.ShowDesktopNetworks, Status: 200}
		}
	}
	return result, nil
}

// callCounter counts the requests that arrive at the cloud, independently of the
// rate limiters.
type callCounter struct {
	mu        sync.Mutex
	limit     int
	recent    map[string][]time.Time // times of the last minute, by operation and key
	peak      map[string]int         // maximum requests in a minute, by operation
	overLimit int                    // requests that the cloud would refuse with 429
}

func newCallCounter(limit int) *callCounter {
	return &callCounter{limit: limit, recent: map[string][]time.Time{}, peak: map[string]int{}}
}

func (g *callCounter) count(what string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	times := g.recent[what]
	for len(times) > 0 && now.Sub(times[0]) > time.Minute {
		times = times[1:]
	}
	times = append(times, now)
	g.recent[what] = times
	op, _, _ := strings.Cut(what, " ")
	g.peak[op] = max(g.peak[op], len(times))
	if len(times) > g.limit {
		g.overLimit++
	}
}
