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

// world is a simulated cloud with one project and one key, and a client of it.
type world struct {
	t         *testing.T
	sim       *simulator.Cloud
	url       string
	cloud     *Cloud
	telemetry *counters
	env       map[string]string // of the client
}

type worldOptions struct {
	simulator simulator.Options
	cloud     Options
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	if o.simulator.Now == nil {
		o.simulator.Now = o.cloud.Now
	}
	sim := simulator.New(o.simulator)
	url, stop, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	w := &world{t: t, sim: sim, url: url, telemetry: newCounters()}
	o.cloud.Telemetry = w.telemetry
	if o.cloud.Getenv == nil {
		o.cloud.Getenv = w.getenv
	}
	w.cloud = NewCloud(o.cloud)
	t.Cleanup(func() {
		w.cloud.Close()
		sim.Close()
		stop()
	})
	return w
}

func (w *world) getenv(name string) string { return w.env[name] }

// config is a configuration that works; change makes it another.
func (w *world) config(change func(*config.Project)) config.Project {
	cfg := config.Project{
		Name: "test", Region: testRegion, ProjectID: testProject, Endpoint: w.url, IAMEndpoint: w.url,
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

func (w *world) project(change func(*config.Project)) *ProjectClient {
	w.t.Helper()
	p, err := w.cloud.Project(w.config(change), false, false)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	return p
}

// fill puts n desktops into the project and gives their IDs, sorted.
func (w *world) fill(n int) []string {
	fleet := simulator.GenerateDesktops(n, 1)
	w.sim.SetDesktops(testProject, fleet)
	l := make([]string, n)
	for i := range fleet {
		l[i] = fleet[i].ID
	}
	return configuredIDs(l)
}

func configuredIDs(ids []string) []string { return idsOf(configuredDesktops(ids)) }

func idsOf(l []inventory.Desktop) []string {
	ids := make([]string, len(l))
	for i := range l {
		ids[i] = l[i].ID
	}
	return ids
}

// read reads a project whole, in batches, as the engine does.
func read(ctx context.Context, p *ProjectClient) (map[string]*inventory.Networks, error) {
	l, err := p.ListDesktops(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	all := map[string]*inventory.Networks{}
	for ids := idsOf(l); len(ids) > 0; {
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

// counters is a Telemetry for tests.
type counters struct {
	mu        sync.Mutex
	requests  map[string]int // by operation and code
	retries   map[string]int
	waited    map[string]time.Duration
	dropped   map[string]int
	sanitized int
}

func newCounters() *counters {
	return &counters{
		requests: map[string]int{}, retries: map[string]int{},
		waited: map[string]time.Duration{}, dropped: map[string]int{},
	}
}

func (c *counters) Request(_, operation, code string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[operation+" "+code]++
}

func (c *counters) Retry(_, operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retries[operation]++
}

func (c *counters) ThrottleWait(_, operation string, waited time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited[operation] += waited
}

func (c *counters) Dropped(reason string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped[reason] += n
}

func (c *counters) Sanitized(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sanitized += n
}

// inMemory makes a world in virtual time, on pipes instead of sockets.
func inMemory(t *testing.T, o simulator.Options) *world {
	t.Helper()
	sim := simulator.New(o)
	dial, stop := sim.StartInMemory()
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	w := &world{t: t, sim: sim, url: "http://workspace.test", telemetry: newCounters()}
	w.cloud = NewCloud(Options{Telemetry: w.telemetry, Dial: dial, Getenv: w.getenv})
	t.Cleanup(func() {
		w.cloud.Close()
		sim.Close()
		stop()
	})
	return w
}
