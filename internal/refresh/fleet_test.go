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

// named makes a target for a cloud; made counts the engines made.
func named(name, key string, c *cloud, made *[]string) Target {
	return Target{Key: key, Name: name, New: func() Options {
		*made = append(*made, key)
		return Options{
			Source: c, Project: inventory.Project{Name: name}, Discovered: true, Concurrency: 1,
			Timeout: time.Minute, MaxStaleness: time.Minute, Logger: log.NewNopLogger(),
		}
	}}
}

func summary(snapshots []*inventory.Snapshot) string {
	text := ""
	for _, s := range snapshots {
		text += fmt.Sprintf("%s: %s; ", s.Project.ID, told(s))
	}
	return text
}

func TestFleetKeepsWhatAReloadDoesNotTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a, b := newCloud(1), newCloud(2)
		a.latency, b.latency = time.Second, time.Second
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{named("b", "b1", b, &made), named("a", "a1", a, &made)})
		want(t, fmt.Sprint(f.Names(), made), "[a b] [b1 a1]")
		if f.Ready() {
			t.Error("ready before any refresh")
		}
		time.Sleep(5 * time.Second) // each begins to read by itself
		want(t, fmt.Sprint(a.took(), b.took()), "[list networks 1] [list networks 2]")
		const first = "p1: d00000= up=true listed=true unresolved=0 stale=0; p1: d00000= d00001= up=true listed=true unresolved=0 stale=0; "
		want(t, summary(f.Refresh(t.Context())), first)
		if !f.Ready() {
			t.Error("not ready after a refresh of all")
		}
		before := f.Snapshots()

		f.SetTargets([]Target{named("a", "a1", a, &made), named("b", "b2", b, &made), named("c", "c1", newCloud(0), &made)})
		want(t, fmt.Sprint(f.Names(), made), "[a b c] [b1 a1 b2 c1]")
		after := f.Snapshots()
		if before[0] != after[0] {
			t.Error("an untouched project lost its snapshot")
		}
		want(t, told(after[1]), "up=false listed=false unresolved=0 stale=0")
		if f.Ready() {
			t.Error("ready before the new project's first refresh")
		}
		time.Sleep(5 * time.Second)
		want(t, fmt.Sprint(f.Has("b"), f.Has("z")), "true false")

		a.took()
		b.took()
		want(t, summary(f.Refresh(t.Context(), "b")), "p1: d00000= d00001= up=true listed=true unresolved=0 stale=0; ")
		want(t, fmt.Sprint(a.took(), b.took()), "[] [list networks 2]")

		f.SetTargets(nil)
		want(t, summary(f.Refresh(t.Context())), "")
	})
}

func TestOneProjectsFailureTouchesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		good, hanging, refused := newCloud(1), newCloud(1), newCloud(1)
		hanging.latency = time.Hour
		refused.identity = failure(inventory.Authentication)
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{named("1 good", "1", good, &made), named("2 hanging", "2", hanging, &made), named("3 refused", "3", refused, &made)})
		start := time.Now()
		e := make(chan string, 1)
		go func() { e <- summary(f.Refresh(t.Context(), "1 good")) }()
		want(t, <-e, "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
		if took := time.Since(start); took != 0 {
			t.Errorf("the good one took %s", took)
		}
		want(t, summary(f.Refresh(t.Context())),
			"p1: d00000= up=true listed=true unresolved=0 stale=0; "+
				"p1: up=false listed=false unresolved=0 stale=0; "+
				": up=false listed=false unresolved=0 stale=0; ")
	})
}

func TestAnOptionalProjectWithoutWorkspaceIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		c := newCloud(1)
		c.list = &inventory.Failure{Kind: inventory.Disabled, Operation: "ListDesktops", Status: 403, Code: "WKS.00010099"}
		target := named("a", "a", c, &made)
		target.Optional = true
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{target})
		for range 20 {
			synctest.Wait()
			want(t, summary(f.Refresh(t.Context())), "")
			time.Sleep(time.Minute)
		}
		want(t, fmt.Sprint(c.took()), "[list list]") // not on every scrape
		c.set(func(c *cloud) { c.list = nil })
		want(t, summary(f.Refresh(t.Context())), "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
	})
}

func TestASkippedProjectIsNoNewsAndStillAnswersToItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		var lines bytes.Buffer
		c := newCloud(1)
		c.list = &inventory.Failure{Kind: inventory.Disabled, Operation: "ListDesktops"}
		target := named("a", "a", c, &made)
		options := target.New
		target.New = func() Options {
			o := options()
			o.Logger = log.NewLogfmtLogger(&lines)
			return o
		}
		target.Optional = true
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{target, named("b", "b", newCloud(0), &made)})
		for range 24 {
			synctest.Wait()
			f.Refresh(t.Context())
			time.Sleep(10 * time.Minute)
		}
		want(t, lines.String(), "level=info project=a region= msg=\"Project skipped, Workspace is not enabled\"\n")
		want(t, fmt.Sprint(f.Names(), f.Skipped(), f.Has("a")), "[b] [a] true")
		want(t, summary(f.Refresh(t.Context(), "a")), "p1: up=false listed=false unresolved=0 stale=0; ")
		c.set(func(c *cloud) { c.list = nil })
		time.Sleep(10 * time.Minute)
		f.Refresh(t.Context())
		want(t, fmt.Sprint(f.Names(), f.Skipped()), "[a b] []")
	})
}

func TestAChangedProjectKeepsWhatIsKnownOfItsLineage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a := newCloud(2)
		with := func(key, name, lineage string) Target {
			target := named(name, key, a, &made)
			target.DataKey = lineage
			return target
		}
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{with("a1", "a", "p")})
		synctest.Wait() // the refresh that it began has ended
		before := f.Snapshots()[0]
		a.set(func(c *cloud) { c.latency = time.Second })

		// The new engine, of another name, has it all at once, and reads on.
		f.SetTargets([]Target{with("a2", "z", "p")})
		after := f.Snapshots()[0]
		want(t, told(after), told(before))
		want(t, after.Project.Name, "z")
		if !f.Ready() || after.Records[0] != before.Records[0] {
			t.Error("the records were made anew")
		}
		synctest.Wait() // it asks for the list, and gets what is true when it is answered
		want(t, fmt.Sprint(a.took()), "[list networks 2 list]")
		a.set(func(c *cloud) { delete(c.desktops, "d00001") })
		want(t, summary(f.Refresh(t.Context())), "p1: d00000= up=true listed=true unresolved=0 stale=0; ")
		want(t, fmt.Sprint(a.took()), "[networks 1]")

		// What is read now is another thing.
		f.SetTargets([]Target{with("a3", "z", "q")})
		want(t, summary(f.Snapshots()), ": up=false listed=false unresolved=0 stale=0; ")
	})
}

func TestAScrapeWaitsForWhoComesWithAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		a, b := newCloud(1), newCloud(2)
		a.latency, b.latency = time.Second, 3*time.Second
		f := &Fleet{}
		defer f.Close()
		f.SetTargets([]Target{named("a", "a1", a, &made), named("b", "b1", b, &made)})
		scraped := make(chan string)
		go func() { scraped <- summary(f.Refresh(t.Context())) }()
		time.Sleep(5 * time.Second) // a is read, and b is at its networks
		f.SetTargets([]Target{named("a", "a1", a, &made), named("b", "b2", newCloud(3), &made)})
		want(t, <-scraped, "p1: d00000= up=true listed=true unresolved=0 stale=0; "+
			"p1: d00000= d00001= d00002= up=true listed=true unresolved=0 stale=0; ")
		want(t, fmt.Sprint(a.took()), "[list networks 1]") // who stayed is not asked twice
	})
}

func TestScrapesAndReloadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		c := newCloud(3)
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
			f.SetTargets([]Target{named("a", "a", c, &made), named("b", fmt.Sprint(i), c, &made)})
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		if len(made) != 51 {
			t.Errorf("%d engines made, want 51", len(made))
		}
		f.Close()
		f.SetTargets([]Target{named("late", "late", c, &made)})
		want(t, fmt.Sprint(f.Names()), "[a b]")
	})
}
