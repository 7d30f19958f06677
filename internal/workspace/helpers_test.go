// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const (
	testRegion  = "la-north-2"
	testProject = "0123456789abcdef0123456789abcdef"
	testAccess  = "AKTEST0000000000CANARY"
	testSecret  = "SKTEST-canary-secret-key"
)

// fixture is a simulated cloud with one project and one key, and a client of it.
type fixture struct {
	t         *testing.T
	sim       *simulator.Cloud
	url       string
	client    *Client
	telemetry *fakeTelemetry
	env       map[string]string // of the client
}

type fixtureOptions struct {
	simulator simulator.Options
	client    Options
}

func newFixture(t *testing.T, o fixtureOptions) *fixture {
	t.Helper()
	if o.simulator.Now == nil {
		o.simulator.Now = o.client.Now
	}
	sim := simulator.New(o.simulator)
	url, stop, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	fx := &fixture{t: t, sim: sim, url: url, telemetry: newFakeTelemetry()}
	o.client.Telemetry = fx.telemetry
	if o.client.Getenv == nil {
		o.client.Getenv = fx.getenv
	}
	fx.client = NewClient(o.client)
	t.Cleanup(func() {
		fx.client.Close()
		sim.Close()
		stop()
	})
	return fx
}

func (fx *fixture) getenv(name string) string { return fx.env[name] }

// config returns a valid configuration, modified by change.
func (fx *fixture) config(change func(*config.Project)) config.Project {
	cfg := config.Project{
		Name: "test", Region: testRegion, ProjectID: testProject, Endpoint: fx.url, IAMEndpoint: fx.url,
		Credentials: config.Credentials{
			Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret),
		},
		Limits: config.Limits{RequestsPerMinute: 180, Concurrency: 8},
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func (fx *fixture) project(change func(*config.Project)) *ProjectClient {
	fx.t.Helper()
	p, err := fx.client.Project(fx.config(change), false, false)
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.t.Cleanup(p.Close)
	return p
}

// setDesktops generates n desktops in the project and returns their sorted IDs.
func (fx *fixture) setDesktops(n int) []string {
	fleet := simulator.GenerateDesktops(n, 1)
	fx.sim.SetDesktops(testProject, fleet)
	l := make([]string, n)
	for i := range fleet {
		l[i] = fleet[i].ID
	}
	return sortedIDs(l)
}

func sortedIDs(ids []string) []string { return desktopIDs(configuredDesktops(ids)) }

func desktopIDs(l []inventory.Desktop) []string {
	ids := make([]string, len(l))
	for i := range l {
		ids[i] = l[i].ID
	}
	return ids
}

// readProject reads all desktops of a project in batches, like the refresh engine.
func readProject(ctx context.Context, p *ProjectClient) (map[string]*inventory.Networks, error) {
	l, err := p.ListDesktops(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	all := map[string]*inventory.Networks{}
	for ids := desktopIDs(l); len(ids) > 0; {
		n := min(maxBatch, len(ids))
		a, err := p.ReadNetworks(ctx, ids[:n], false)
		if err != nil {
			return nil, fmt.Errorf("networks: %w", err)
		}
		maps.Copy(all, a.Networks)
		ids = ids[n:]
	}
	return all, nil
}

// fakeTelemetry is a Telemetry for tests.
type fakeTelemetry struct {
	mu        sync.Mutex
	requests  map[string]int // by operation and code
	retries   map[string]int
	waited    map[string]time.Duration
	dropped   map[string]int
	sanitized int
}

func newFakeTelemetry() *fakeTelemetry {
	return &fakeTelemetry{
		requests: map[string]int{}, retries: map[string]int{},
		waited: map[string]time.Duration{}, dropped: map[string]int{},
	}
}

func (c *fakeTelemetry) Request(_, operation, code string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[operation+" "+code]++
}

func (c *fakeTelemetry) Retry(_, operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retries[operation]++
}

func (c *fakeTelemetry) ThrottleWait(_, operation string, waited time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited[operation] += waited
}

func (c *fakeTelemetry) Dropped(reason string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped[reason] += n
}

func (c *fakeTelemetry) Sanitized(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sanitized += n
}

// newInMemoryFixture returns a fixture in virtual time, with pipes in place of
// sockets.
func newInMemoryFixture(t *testing.T, o simulator.Options) *fixture {
	t.Helper()
	sim := simulator.New(o)
	dial, stop := sim.StartInMemory()
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	fx := &fixture{t: t, sim: sim, url: "http://workspace.test", telemetry: newFakeTelemetry()}
	fx.client = NewClient(Options{Telemetry: fx.telemetry, Dial: dial, Getenv: fx.getenv})
	t.Cleanup(func() {
		fx.client.Close()
		sim.Close()
		stop()
	})
	return fx
}
