// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
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
