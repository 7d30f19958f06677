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
)

// site is a project of the simulated day: desktops to which things happen, and
// a refresh.Source whose calls take slots from the real limiters, in the way
// the real client does, but carry no bytes.
type site struct {
	*ProjectClient // the real one: its identity, its limits, its way to take slots
	gate           *gate

	mu       sync.Mutex
	rng      *rand.Rand
	machines map[string]*machine
	listed   []inventory.Desktop // what the list says, sorted by ID
	copied   []inventory.Desktop // what the list said to the engine last
	have     int                 // pages of a list that was broken off
	bound    inventory.EIPBindings
	pending  []*change // that the exporter does not show yet
	made     int       // things made up so far
	scrapes  int       // begun so far
	calls    map[string]int
	urgent   int           // questions for networks
	known    time.Duration // until all networks were known; 0: they are not yet

	cycle  int // every desktop is read once in a cycle
	left   int // desktops not yet read in this one
	began  time.Time
	cycles []time.Duration
}

// machine is a desktop beside what the list says of it.
type machine struct {
	networks *inventory.Networks
	asked    time.Time // when networks were given last
	cycle    int       // the last in which they were
	busy     bool      // something happened that is not shown yet
}

func newSite(p *ProjectClient, g *gate, desktops int, seed uint64) *site {
	s := &site{
		ProjectClient: p, gate: g, rng: rand.New(rand.NewPCG(seed, 1)), machines: make(map[string]*machine, desktops),
		bound: inventory.EIPBindings{}, calls: map[string]int{}, began: time.Now(),
	}
	for range desktops {
		d, n := s.makeUp()
		s.listed = append(s.listed, d)
		s.machines[d.ID] = &machine{networks: n, asked: s.began}
		if address := n.EIPAddresses(); address != "" {
			s.bound[d.ID] = address
		}
	}
	slices.SortFunc(s.listed, func(a, b inventory.Desktop) int { return strings.Compare(a.ID, b.ID) })
	s.turnOver(s.began)
	return s
}

// next gives a text that was not given before.
func (s *site) next(what string) string {
	s.made++
	return fmt.Sprintf("%s-%d", what, s.made)
}

// makeUp makes a desktop with one interface, two of five with an EIP.
func (s *site) makeUp() (inventory.Desktop, *inventory.Networks) {
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

// turnOver begins a new cycle.
func (s *site) turnOver(now time.Time) {
	s.cycle++
	s.left, s.began = len(s.machines), now
}

// read notes that the networks of a machine were given.
func (s *site) read(m *machine, now time.Time) {
	m.asked = now
	if m.cycle != s.cycle {
		m.cycle = s.cycle
		s.left--
	}
	if s.left == 0 {
		s.cycles = append(s.cycles, now.Sub(s.began))
		s.turnOver(now)
	}
}

// oldest gives how long ago the networks were given that nobody asked for since.
func (s *site) oldest(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := time.Duration(0)
	for _, m := range s.machines {
		age = max(age, now.Sub(m.asked))
	}
	return age
}

// call takes a slot, arrives in the cloud some time later, and comes back.
func (s *site) call(ctx context.Context, op string, urgent bool, taken *ratelimit.Reservation, arrive func()) error {
	permit, ok := taken.Take()
	if !ok {
		k, err := s.api.keys.Key(ctx)
		if err != nil {
			return err
		}
		granted, err := s.api.reserve(ctx, k, op, urgent, 1)
		if err != nil {
			return err
		}
		permit, _ = granted.Take()
	}
	defer permit.Done()
	s.mu.Lock()
	there := 50*time.Millisecond + time.Duration(s.rng.Int64N(int64(100*time.Millisecond)))
	back := 50*time.Millisecond + time.Duration(s.rng.Int64N(int64(100*time.Millisecond)))
	s.calls[op]++
	s.mu.Unlock()
	time.Sleep(there)
	s.gate.arrive(op+" "+s.access(), time.Now())
	s.mu.Lock()
	arrive()
	s.mu.Unlock()
	time.Sleep(back)
	return nil
}

func (s *site) access() string { return s.cfg.Credentials.AccessKey }

// ListDesktops costs the pages of a list. One that the quota does not pay for goes on
// when it is asked for again.
func (s *site) ListDesktops(ctx context.Context) ([]inventory.Desktop, error) {
	line, err := s.line(ctx)
	if err != nil {
		return nil, err
	}
	taken, err := s.reservePages(ctx, line, s.have)
	if err != nil {
		return nil, err
	}
	defer taken.Release()
	page := func(arrive func()) error {
		return s.call(ctx, opList, true, taken, arrive)
	}
	if s.have == 0 {
		if err := page(func() {
			// The other pages come later; nothing that happens meanwhile is seen.
			s.copied = append(s.copied[:0], s.listed...)
			s.have = 1
		}); err != nil {
			return nil, err
		}
		s.setLastPages(s.listPages())
	}
	if err := s.parallel(s.listPages()-s.have, func() error { return page(func() { s.have++ }) }); err != nil {
		return nil, err
	}
	s.have = 0
	return s.copied, nil
}

// listPages is the number of pages that overlap by one desktop.
func (s *site) listPages() int { return max(1, (len(s.copied)-2+maxPage-1)/(maxPage-1)) }

// parallel makes n calls, so many at once as is configured.
func (s *site) parallel(n int, call func() error) error {
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

// ListEIPBindings costs one call.
func (s *site) ListEIPBindings(ctx context.Context) (b inventory.EIPBindings, err error) {
	err = s.call(ctx, opBindings, true, nil, func() { b = maps.Clone(s.bound) })
	return b, err
}

// ReadNetworks costs one call, and another one where a desktop is gone.
func (s *site) ReadNetworks(ctx context.Context, ids []string, urgent bool) (inventory.NetworksResult, error) {
	a := inventory.NetworksResult{
		Networks:   make(map[string]*inventory.Networks, len(ids)),
		Unresolved: map[string]*inventory.Failure{},
	}
	if urgent {
		s.mu.Lock()
		s.urgent++
		s.mu.Unlock()
	}
	for try := 1; try <= 2 && len(a.Networks) < len(ids); try++ {
		if err := s.call(ctx, opNetworks, urgent, nil, func() {
			now := time.Now()
			for _, id := range ids {
				if m := s.machines[id]; m != nil {
					a.Networks[id] = m.networks
					s.read(m, now)
				}
			}
		}); err != nil {
			return a, err
		}
	}
	for _, id := range ids {
		if a.Networks[id] == nil {
			a.Unresolved[id] = &inventory.Failure{Kind: inventory.Refused, Operation: opNetworks, Status: 200}
		}
	}
	return a, nil
}

// gate is the cloud's own count of calls, which knows nothing of the limiters.
type gate struct {
	mu      sync.Mutex
	limit   int
	arrived map[string][]time.Time // of the last minute, by operation and key
	peak    map[string]int         // the most calls in a minute, by operation
	refused int                    // calls that a cloud with that limit had answered 429
}

func newGate(limit int) *gate {
	return &gate{limit: limit, arrived: map[string][]time.Time{}, peak: map[string]int{}}
}

func (g *gate) arrive(what string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	times := g.arrived[what]
	for len(times) > 0 && now.Sub(times[0]) > time.Minute {
		times = times[1:]
	}
	times = append(times, now)
	g.arrived[what] = times
	op, _, _ := strings.Cut(what, " ")
	g.peak[op] = max(g.peak[op], len(times))
	if len(times) > g.limit {
		g.refused++
	}
}
