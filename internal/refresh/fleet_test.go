// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// newTarget returns a target of a source. It appends the key to made for each new
// engine.
func newTarget(name, key string, c *fakeSource, made *[]string) Target {
	return Target{Key: key, Name: name, New: func() Options {
		*made = append(*made, key)
		return Options{
			Source: c, Project: inventory.Project{Name: name}, Discovered: true, Concurrency: 1,
			Timeout: time.Minute, MaxStaleness: time.Minute, Logger: log.NewNopLogger(),
		}
	}}
}

func formatFleet(snapshots []*inventory.Snapshot) string {
	text := ""
	for _, s := range snapshots {
		text += fmt.Sprintf("%s: %s; ", s.Project.ID, formatSnapshot(s))
	}
	return text
}

func TestSetTargetsKeepsUnchangedEngines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a, b := newFakeSource(1), newFakeSource(2)
		a.latency, b.latency = time.Second, time.Second
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{newTarget("b", "b1", b, &made), newTarget("a", "a1", a, &made)})
		wantEqual(t, fmt.Sprint(f.Names(), made), "[a b] [b1 a1]")
		if f.Ready() {
			t.Error("ready before any refresh")
		}
		time.Sleep(5 * time.Second) // each engine starts by itself
		wantEqual(t, fmt.Sprint(a.takeCalls(), b.takeCalls()), "[list networks 1] [list networks 2]")
		const first = "p1: d00000= up=true listed=true unresolved=0 stale=0; p1: d00000= d00001= up=true listed=true unresolved=0 stale=0; "
		wantEqual(t, formatFleet(f.Refresh(t.Context())), first)
		if !f.Ready() {
			t.Error("not ready after a refresh of all")
		}
		before := f.Snapshots()

		f.SetTargets([]Target{newTarget("a", "a1", a, &made), newTarget("b", "b2", b, &made), newTarget("c", "c1", newFakeSource(0), &made)})
		wantEqual(t, fmt.Sprint(f.Names(), made), "[a b c] [b1 a1 b2 c1]")
		after := f.Snapshots()
		if before[0] != after[0] {
			t.Error("an untouched project lost its snapshot")
		}
		wantEqual(t, formatSnapshot(after[1]), "up=false listed=false unresolved=0 stale=0")
		if f.Ready() {
			t.Error("ready before the new project's first refresh")
		}
		time.Sleep(5 * time.Second)
		wantEqual(t, fmt.Sprint(f.Has("b"), f.Has("z")), "true false")

		a.takeCalls()
		b.takeCalls()
		wantEqual(t, formatFleet(f.Refresh(t.Context(), "b")), "p1: d00000= d00001= up=true listed=true unresolved=0 stale=0; ")
		wantEqual(t, fmt.Sprint(a.takeCalls(), b.takeCalls()), "[] [list networks 2]")

		f.SetTargets(nil)
		wantEqual(t, formatFleet(f.Refresh(t.Context())), "")
	})
}

func TestFailureAffectsOneProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		good, hanging, refused := newFakeSource(1), newFakeSource(1), newFakeSource(1)
		hanging.latency = time.Hour
		refused.identity = newFailure(inventory.Authentication)
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{newTarget("1 good", "1", good, &made), newTarget("2 hanging", "2", hanging, &made), newTarget("3 refused", "3", refused, &made)})
		start := time.Now()
		e := make(chan string, 1)
		go func() { e <- formatFleet(f.Refresh(t.Context(), "1 good")) }()
		wantEqual(t, <-e, "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
		if took := time.Since(start); took != 0 {
			t.Errorf("the good one took %s", took)
		}
		wantEqual(t, formatFleet(f.Refresh(t.Context())),
			"p1: d00000= up=true listed=true unresolved=0 stale=0; "+
				"p1: up=false listed=false unresolved=0 stale=0; "+
				": up=false listed=false unresolved=0 stale=0; ")
	})
}

func TestOptionalProjectWithoutWorkspace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		c := newFakeSource(1)
		c.list = &inventory.Failure{Kind: inventory.Disabled, Operation: "ListDesktops", Status: 403, Code: "WKS.00010099"}
		target := newTarget("a", "a", c, &made)
		target.Optional = true
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{target})
		for range 20 {
			synctest.Wait()
			wantEqual(t, formatFleet(f.Refresh(t.Context())), "")
			time.Sleep(time.Minute)
		}
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[list list]") // not on every scrape
		c.set(func(c *fakeSource) { c.list = nil })
		wantEqual(t, formatFleet(f.Refresh(t.Context())), "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
	})
}

func TestSkippedProjectByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		var lines bytes.Buffer
		c := newFakeSource(1)
		c.list = &inventory.Failure{Kind: inventory.Disabled, Operation: "ListDesktops"}
		target := newTarget("a", "a", c, &made)
		options := target.New
		target.New = func() Options {
			o := options()
			o.Logger = log.NewLogfmtLogger(&lines)
			return o
		}
		target.Optional = true
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{target, newTarget("b", "b", newFakeSource(0), &made)})
		for range 24 {
			synctest.Wait()
			f.Refresh(t.Context())
			time.Sleep(10 * time.Minute)
		}
		wantEqual(t, lines.String(), "level=info project=a region= msg=\"Project skipped, Workspace is not enabled\"\n")
		wantEqual(t, fmt.Sprint(f.Names(), f.Skipped(), f.Has("a")), "[b] [a] true")
		wantEqual(t, formatFleet(f.Refresh(t.Context(), "a")), "p1: up=false listed=false unresolved=0 stale=0; ")
		c.set(func(c *fakeSource) { c.list = nil })
		time.Sleep(10 * time.Minute)
		f.Refresh(t.Context())
		wantEqual(t, fmt.Sprint(f.Names(), f.Skipped()), "[a b] []")
	})
}

func TestChangedProjectInheritsData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a := newFakeSource(2)
		with := func(key, name, lineage string) Target {
			target := newTarget(name, key, a, &made)
			target.DataKey = lineage
			return target
		}
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{with("a1", "a", "p")})
		synctest.Wait() // its first refresh has ended
		before := f.Snapshots()[0]
		a.set(func(c *fakeSource) { c.latency = time.Second })

		// The new engine, of another name, has all data at once and continues.
		f.SetTargets([]Target{with("a2", "z", "p")})
		after := f.Snapshots()[0]
		wantEqual(t, formatSnapshot(after), formatSnapshot(before))
		wantEqual(t, after.Project.Name, "z")
		if !f.Ready() || after.Records[0] != before.Records[0] {
			t.Error("the records were created again")
		}
		synctest.Wait() // it requests the list, whose content is that of the response's time
		wantEqual(t, fmt.Sprint(a.takeCalls()), "[list networks 2 list]")
		a.set(func(c *fakeSource) { delete(c.desktops, "d00001") })
		wantEqual(t, formatFleet(f.Refresh(t.Context())), "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
		wantEqual(t, fmt.Sprint(a.takeCalls()), "[networks 1]")

		// Now other data is read.
		f.SetTargets([]Target{with("a3", "z", "q")})
		wantEqual(t, formatFleet(f.Snapshots()), ": up=false listed=false unresolved=0 stale=0; ")
	})
}

func TestScrapeWaitsForReplacedEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a, b := newFakeSource(1), newFakeSource(2)
		a.latency, b.latency = time.Second, 3*time.Second
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{newTarget("a", "a1", a, &made), newTarget("b", "b1", b, &made)})
		scraped := make(chan string)
		go func() { scraped <- formatFleet(f.Refresh(t.Context())) }()
		time.Sleep(5 * time.Second) // a is read, and b requests networks
		f.SetTargets([]Target{newTarget("a", "a1", a, &made), newTarget("b", "b2", newFakeSource(3), &made)})
		wantEqual(t, <-scraped, "p1: d00000= up=true listed=true unresolved=0 stale=0; "+
			"p1: d00000= d00001= d00002= up=true listed=true unresolved=0 stale=0; ")
		wantEqual(t, fmt.Sprint(a.takeCalls()), "[list networks 1]") // a stayed and is not read twice
	})
}

func TestConcurrentScrapesAndReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		c := newFakeSource(3)
		c.latency = time.Millisecond
		f := &Fleet{}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 20 {
					f.Refresh(t.Context())
					f.Ready()
				}
			})
		}
		for i := range 50 {
			f.SetTargets([]Target{newTarget("a", "a", c, &made), newTarget("b", fmt.Sprint(i), c, &made)})
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		if len(made) != 51 {
			t.Errorf("%d engines made, want 51", len(made))
		}
		f.Close()
		f.SetTargets([]Target{newTarget("late", "late", c, &made)})
		wantEqual(t, fmt.Sprint(f.Names()), "[a b]")
	})
}
