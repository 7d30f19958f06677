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

// The simulated day at full size; docs/sizing.md has the commands and results.
var (
	dayHours    = flag.Int("day.hours", 0, "TestDay simulates so many hours of projects of 100,000 desktops; 0: one hour of a fifth of that")
	dayProjects = flag.Int("day.projects", 1, "so many projects, each with a key of its own")
)

// day is some time in the life of a fleet: the real engines and limiters before
// a cloud that is only counted, in virtual time.
type day struct {
	projects int
	desktops int // of a project
	limit    int // calls a minute
	length   time.Duration
	interval time.Duration // of the scrapes
	timeout  time.Duration // of a refresh
	often    float64       // so much more often than usual do things happen
	shared   bool          // all projects have one key
	replicas int           // so many Prometheus scrape all, at times of their own
	probes   bool          // each project is scraped by itself, at a time of its own
}

// TestDay has a fleet that the quota cannot read on every scrape, and changes
// that arrive at random.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute, and many under the race detector")
	}
	d := day{
		projects: *dayProjects, desktops: 20_000, limit: 36, length: time.Hour,
		interval: time.Minute, timeout: 2 * time.Minute, often: 5,
	}
	if *dayHours > 0 {
		d.desktops, d.limit, d.often, d.length = 100_000, 180, 1, time.Duration(*dayHours)*time.Hour
	}
	r := d.run(t)
	t.Logf("\n%s", r)
	r.check(t, promise{lists: 2, tasks: true, cycle: 1.1})
}

// TestOtherDays keep the same promises, with other intervals, more projects and
// more changes. Where lists come seldom, what only they tell shows later.
func TestOtherDays(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute, and many under the race detector")
	}
	t.Parallel()
	for name, tt := range map[string]struct {
		day
		promise
	}{
		"scraped every 15 seconds":      {day{interval: 15 * time.Second}, promise{lists: 6, tasks: true, cycle: 1.3}},
		"scraped every 37 seconds":      {day{interval: 37 * time.Second}, promise{lists: 3, tasks: true, cycle: 1.3}},
		"scraped every 5 minutes":       {day{interval: 5 * time.Minute, timeout: 5 * time.Minute}, promise{lists: 2, cycle: 1.1}},
		"two Prometheus":                {day{replicas: 2}, promise{lists: 4, tasks: true, cycle: 1.3}},
		"three projects share a key":    {day{projects: 3, desktops: 3700, shared: true}, promise{lists: 2, tasks: true, cycle: 1.5}},
		"their lists take two minutes":  {day{projects: 3, desktops: 11_000, shared: true, length: time.Hour}, promise{lists: 6, cycle: 1.4}},
		"a dozen share a key, by probe": {day{projects: 12, desktops: 900, shared: true, probes: true}, promise{lists: 3, tasks: true, cycle: 1.9}},
		"a list takes two minutes":      {day{desktops: 33_000, length: time.Hour}, promise{lists: 6, cycle: 1.25}},
		"a flood of changes":            {day{often: 80}, promise{lists: 3, tasks: true, cycle: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tt.day
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
			if d.often == 0 {
				d.often = 6
			}
			r := d.run(t)
			t.Logf("\n%s", r)
			r.check(t, tt.promise)
		})
	}
}

// run lives through a day.
func (d day) run(t *testing.T) *report {
	r := &report{day: d, gate: newGate(d.limit + d.limit/9), lateness: map[string][]lateness{}}
	synctest.Test(t, func(t *testing.T) {
		cloud := NewCloud(Options{Getenv: func(string) string { return "" }})
		defer cloud.Close()
		var fleet refresh.Fleet
		defer fleet.Close()
		sites := map[string]*site{}
		var targets []refresh.Target
		for i := range d.projects {
			cfg := d.config(i)
			p, err := cloud.Project(cfg, false, false)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			s := newSite(p, r.gate, d.desktops, uint64(i))
			sites[cfg.Name], r.sites = s, append(r.sites, s)
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
		var busy sync.WaitGroup
		for _, s := range r.sites {
			busy.Go(func() { s.churn(ctx, d.often) })
		}
		start := time.Now()
		scraper := func(phase time.Duration, names ...string) {
			busy.Go(func() {
				for at := start.Add(phase); ratelimit.Sleep(ctx, time.Until(at)) == nil; at = at.Add(d.interval) {
					r.scrape(ctx, &fleet, sites, start, names)
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
		busy.Wait()
	})
	return r
}

func (d day) config(i int) config.Project {
	key := i
	if d.shared {
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

// scrape asks as a Prometheus with the usual timeout does, and notes what the
// answer shows.
func (r *report) scrape(ctx context.Context, fleet *refresh.Fleet, sites map[string]*site, start time.Time, names []string) {
	for name, s := range sites {
		if len(names) == 0 || slices.Contains(names, name) {
			s.mu.Lock()
			s.scrapes++
			s.mu.Unlock()
		}
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 9500*time.Millisecond)
	snapshots := fleet.Refresh(ctx, names...)
	cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.scrapes++
	r.longest = max(r.longest, now.Sub(began))
	for _, snapshot := range snapshots {
		s := sites[snapshot.Project.Name]
		h := &snapshot.Health
		if h.Refreshed && !h.Up {
			r.failures = append(r.failures, h.Failures...)
		}
		if h.Listed && h.Unresolved == 0 && s.known == 0 {
			s.known = now.Sub(start)
			r.first = max(r.first, s.known)
		}
		s.settle(snapshot, func(c *change, scrapes int) {
			if s.known > 0 && c.at.Sub(start) > s.known { // before that all is new
				r.lateness[c.kind] = append(r.lateness[c.kind], lateness{scrapes, now.Sub(c.at)})
			}
		})
		if s.known == 0 {
			continue
		}
		if h.Unresolved == 0 {
			r.oldest = max(r.oldest, now.Sub(h.OldestData))
		}
		if r.scrapes%10 == 0 { // what the metric says is true
			r.oldest = max(r.oldest, s.oldest(now))
		}
	}
}
