// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/ratelimit"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// The flags of the simulated day at full size; docs/sizing.md has the commands and
// the results.
var (
	simdayHours    = flag.Int("day.hours", 0, "hours that TestSimulatedDay simulates, with projects of 100,000 desktops; 0: one hour with 20,000 desktops")
	simdayProjects = flag.Int("day.projects", 1, "number of projects in TestSimulatedDay, each with its own access key")
)

// simDay is the configuration of a simulation in virtual time: real refresh engines
// and rate limiters, with simulated projects in place of the API.
type simDay struct {
	projects   int
	desktops   int // per project
	limit      int // requests per minute
	length     time.Duration
	interval   time.Duration // between scrapes
	timeout    time.Duration // of a refresh
	changeRate float64       // multiplies the rate of changes
	sharedKey  bool          // all projects share one access key
	replicas   int           // number of Prometheus servers that scrape all projects, at different times
	probes     bool          // each project is scraped separately, at different times
}

// TestSimulatedDay simulates more desktops than the quota can read on every scrape,
// with random changes.
func TestSimulatedDay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute, and many under the race detector")
	}
	d := simDay{
		projects: *simdayProjects, desktops: 20_000, limit: 36, length: time.Hour,
		interval: time.Minute, timeout: 2 * time.Minute, changeRate: 5,
	}
	if *simdayHours > 0 {
		d.desktops, d.limit, d.changeRate, d.length = 100_000, 180, 1, time.Duration(*simdayHours)*time.Hour
	}
	r := d.run(t)
	t.Logf("\n%s", r)
	r.check(t, bounds{scrapes: 2, seesTasks: true, cycleFactor: 1.1})
}

// TestSimulatedDayVariants has the same bounds, with other scrape intervals, more
// projects and more changes. If lists are rare, changes of the list show later.
func TestSimulatedDayVariants(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute, and many under the race detector")
	}
	t.Parallel()
	for name, tt := range map[string]struct {
		simDay
		bounds
	}{
		"scraped every 15 seconds":                 {simDay{interval: 15 * time.Second}, bounds{scrapes: 6, seesTasks: true, cycleFactor: 1.3}},
		"scraped every 37 seconds":                 {simDay{interval: 37 * time.Second}, bounds{scrapes: 3, seesTasks: true, cycleFactor: 1.3}},
		"scraped every 5 minutes":                  {simDay{interval: 5 * time.Minute, timeout: 5 * time.Minute}, bounds{scrapes: 2, cycleFactor: 1.1}},
		"two Prometheus servers":                   {simDay{replicas: 2}, bounds{scrapes: 4, seesTasks: true, cycleFactor: 1.3}},
		"three projects share a key":               {simDay{projects: 3, desktops: 3700, sharedKey: true}, bounds{scrapes: 2, seesTasks: true, cycleFactor: 1.5}},
		"three projects with lists of two minutes": {simDay{projects: 3, desktops: 11_000, sharedKey: true, length: time.Hour}, bounds{scrapes: 6, cycleFactor: 1.4}},
		"twelve projects share a key, probed":      {simDay{projects: 12, desktops: 900, sharedKey: true, probes: true}, bounds{scrapes: 3, seesTasks: true, cycleFactor: 1.9}},
		"list of two minutes":                      {simDay{desktops: 33_000, length: time.Hour}, bounds{scrapes: 6, cycleFactor: 1.25}},
		"many changes":                             {simDay{changeRate: 80}, bounds{scrapes: 3, seesTasks: true, cycleFactor: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tt.simDay
			d.limit = 20
			d.projects, d.replicas = max(d.projects, 1), max(d.replicas, 1)
			if d.desktops == 0 {
				d.desktops = 11_000
			}
			if d.length == 0 {
				d.length = 40 * time.Minute
			}
			if d.interval == 0 {
				d.interval = time.Minute
			}
			if d.timeout == 0 {
				d.timeout = 2 * time.Minute
			}
			if d.changeRate == 0 {
				d.changeRate = 6
			}
			r := d.run(t)
			t.Logf("\n%s", r)
			r.check(t, tt.bounds)
		})
	}
}

// run runs the simulation.
func (d simDay) run(t *testing.T) *simReport {
	r := &simReport{simDay: d, counter: newCallCounter(d.limit + d.limit/9), delays: map[string][]delay{}}
	synctest.Test(t, func(t *testing.T) {
		cloud := NewClient(Options{Getenv: func(string) string { return "" }})
		defer cloud.Close()
		var fleet refresh.Fleet
		defer fleet.Close()
		simProjects := map[string]*simProject{}
		var targets []refresh.Target
		for i := range d.projects {
			cfg := d.config(i)
			p, err := cloud.Project(cfg, false, false)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			s := newSimProject(p, r.counter, d.desktops, uint64(i))
			simProjects[cfg.Name], r.simProjects = s, append(r.simProjects, s)
			targets = append(targets, refresh.Target{Key: cfg.Name, Name: cfg.Name, New: func() refresh.Options {
				return refresh.Options{
					Source: s, Project: inventory.Project{Name: cfg.Name, Region: cfg.Region, ID: cfg.ProjectID}, Discovered: true,
					ReadEIPList: true, Concurrency: cfg.Limits.Concurrency, Timeout: d.timeout, MaxStaleness: 15 * time.Minute,
					Logger: log.NewNopLogger(),
				}
			}})
		}
		fleet.SetTargets(targets)
		ctx, cancel := context.WithTimeout(t.Context(), d.length)
		defer cancel()
		var running sync.WaitGroup
		for _, s := range r.simProjects {
			running.Go(func() { s.churn(ctx, d.changeRate) })
		}
		start := time.Now()
		scraper := func(phase time.Duration, names ...string) {
			running.Go(func() {
				for at := start.Add(phase); ratelimit.Sleep(ctx, time.Until(at)) == nil; at = at.Add(d.interval) {
					r.scrape(ctx, &fleet, simProjects, start, names)
				}
			})
		}
		switch {
		case d.probes:
			for i, target := range targets {
				scraper(time.Duration(i)*d.interval/time.Duration(d.projects), target.Name)
			}
		default:
			for i := range max(1, d.replicas) {
				scraper(time.Duration(i) * d.interval * 2 / 7)
			}
		}
		running.Wait()
	})
	return r
}

func (d simDay) config(i int) config.Project {
	key := i
	if d.sharedKey {
		key = 0
	}
	return config.Project{
		Name: fmt.Sprintf("p%02d", i), Region: testRegion, ProjectID: fmt.Sprintf("%032d", i), Endpoint: "https://workspace.test",
		Credentials: config.Credentials{
			Source: config.SourceStatic, AccessKey: fmt.Sprintf("AK%d", key), SecretKey: config.NewSecret(testSecret),
		},
		Limits: config.Limits{RequestsPerMinute: d.limit, Concurrency: 8},
	}
}

// scrape scrapes like a Prometheus server with the default timeout, and records
// what the snapshots show.
func (r *simReport) scrape(ctx context.Context, fleet *refresh.Fleet, simProjects map[string]*simProject, start time.Time, names []string) {
	for name, s := range simProjects {
		if len(names) == 0 || slices.Contains(names, name) {
			s.mu.Lock()
			s.scrapes++
			s.mu.Unlock()
		}
	}
	scrapeStart := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 9500*time.Millisecond)
	snapshots := fleet.Refresh(ctx, names...)
	cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.scrapes++
	r.longest = max(r.longest, now.Sub(scrapeStart))
	for _, snapshot := range snapshots {
		s := simProjects[snapshot.Project.Name]
		h := &snapshot.Health
		if h.Refreshed && !h.Up {
			r.failures = append(r.failures, h.Failures...)
		}
		if h.Listed && h.Unresolved == 0 && s.firstRead == 0 {
			s.firstRead = now.Sub(start)
			r.firstRead = max(r.firstRead, s.firstRead)
		}
		s.removeShown(snapshot, func(c *change, scrapes int) {
			if s.firstRead > 0 && c.at.Sub(start) > s.firstRead { // before, every desktop is new
				r.delays[c.kind] = append(r.delays[c.kind], delay{scrapes, now.Sub(c.at)})
			}
		})
		if s.firstRead == 0 {
			continue
		}
		if h.Unresolved == 0 {
			r.oldest = max(r.oldest, now.Sub(h.OldestData))
		}
		if r.scrapes%10 == 0 { // compare the metric with the truth
			r.oldest = max(r.oldest, s.oldest(now))
		}
	}
}
