// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// copyState returns a deep copy of the state of an engine, nil if it has none.
func copyState(t *testing.T, e *Engine) *State {
	t.Helper()
	known, ok := e.exportState(time.Now())
	if !ok {
		return nil
	}
	var file bytes.Buffer
	if err := gob.NewEncoder(&file).Encode(known); err != nil {
		t.Fatal(err)
	}
	var m State
	if err := gob.NewDecoder(&file).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// restart closes an engine and returns another one, started later with its state.
func restart(t *testing.T, e *Engine, c *fakeSource, after time.Duration) *Engine {
	t.Helper()
	e.Close()
	m := copyState(t, e)
	time.Sleep(after)
	c.takeCalls()
	return newTestEngine(t, c, func(o *Options) { o.State = m })
}

func TestRestartKeepsData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(3)
		c.desktops["d00001"] = "1.1.1.1"
		c.refused["d00002"] = true
		e := newTestEngine(t, c, nil)
		before := scrape(e)
		e = restart(t, e, c, time.Minute)
		s := e.Snapshot()
		wantEqual(t, formatSnapshot(s), "d00000= d00001=1.1.1.1 d00002=? up=false listed=true unresolved=1 stale=0")
		wantEqual(t, fmt.Sprint(c.takeCalls()), "[]")
		if s.Health.Refreshed || !s.Health.ListComplete || !s.Health.OldestData.Equal(before.Health.OldestData) || !s.Health.LastSuccess.Equal(before.Health.LastSuccess) {
			t.Errorf("the health is %+v, and was %+v", s.Health, before.Health)
		}
		// Unchanged networks do not change the record when they are read again.
		after := scrape(e)
		wantEqual(t, formatSnapshot(after), "d00000= d00001=1.1.1.1 d00002=? up=true listed=true unresolved=1 stale=0")
		if after.Records[1] != s.Records[1] {
			t.Error("an unchanged desktop got a new record")
		}
		// A restart without a refresh keeps the data as well.
		e = restart(t, restart(t, e, c, time.Second), c, time.Second)
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000= d00001=1.1.1.1 d00002=? up=false listed=true unresolved=1 stale=0")
	})
}

func TestRestartDoesNotExtendStaleness(t *testing.T) {
	const known = "d00000= d00001= up=false listed=true unresolved=0"
	down := func(c *fakeSource) {
		c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
	}
	unlisted := func(c *fakeSource) { c.list = newFailure(inventory.Transient) }
	incomplete := func(c *fakeSource) {
		c.list = &inventory.Failure{Kind: inventory.Incomplete, Operation: "ListDesktops"}
		c.hidden["d00000"] = true
	}
	for _, tt := range []struct {
		name  string
		fault func(c *fakeSource)
		until time.Duration // from the first failure to the restart
		away  time.Duration
		then  time.Duration // from the restart on
		want  string
		stale int
	}{
		{"down for less than max staleness", nil, 0, 15*time.Minute - 1, 0, known, 0},
		{"down for max staleness", nil, 0, 15 * time.Minute, 0, "up=false listed=false unresolved=0", 0},
		{"networks fail, not yet expired", down, 5 * time.Minute, 5 * time.Minute, 5*time.Minute - 1, known, 2},
		{"networks fail, expired", down, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute, "d00000=? d00001=? up=false listed=true unresolved=2", 0},
		{"the list fails, expired", unlisted, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute, "up=false listed=false unresolved=0", 0},
		{"the list is incomplete, not yet expired", incomplete, 5 * time.Minute, 5 * time.Minute, 5*time.Minute - 1, known, 0},
		{"the list is incomplete, expired", incomplete, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute, "d00001= up=false listed=true unresolved=0", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeSource(2)
				e := newTestEngine(t, c, nil)
				scrape(e)
				if tt.fault != nil {
					c.set(tt.fault)
					scrape(e)
				}
				time.Sleep(tt.until)
				e = restart(t, e, c, tt.away)
				time.Sleep(tt.then)
				wantEqual(t, formatSnapshot(e.Snapshot()), fmt.Sprintf("%s stale=%d", tt.want, tt.stale))
			})
		})
	}
}

// A state file may be written while a reload restores from the same state: this
// test fails under the race detector if restore modifies it.
func TestRestoreDoesNotModifyTheState(t *testing.T) {
	e := newTestEngine(t, newFakeSource(2), nil)
	scrape(e)
	m := copyState(t, e)
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := gob.NewEncoder(io.Discard).Encode(m); err != nil {
			t.Error(err)
		}
	})
	again := e.opts
	again.State = m
	New(again).Close()
	writing.Wait()
}

func TestExportStateDoesNotHideExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) {
			c.networks = func([]string, bool) error { return newFailure(inventory.Transient) }
		})
		wantEqual(t, formatSnapshot(scrape(e)), "d00000= up=false listed=true unresolved=0 stale=1")
		time.Sleep(15 * time.Minute)
		if m, known := e.exportState(time.Now()); !known || m.Desktops[0].Networks != nil {
			t.Errorf("%+v is exported, although it has expired", m)
		}
		wantEqual(t, formatSnapshot(e.Snapshot()), "d00000=? up=false listed=true unresolved=1 stale=0")
	})
}

func TestRestartKeepsSuspectedChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(250)
		e := newTestEngine(t, c, nil)
		scrape(e)
		c.set(func(c *fakeSource) {
			c.names["d00249"] = "renamed"
			c.networks = func([]string, bool) error { return &inventory.QuotaExceeded{Until: time.Now().Add(time.Hour)} }
		})
		scrape(e)
		e = restart(t, e, c, time.Minute)
		asked := make(chan string, 10)
		c.set(func(c *fakeSource) {
			c.networks = func(ids []string, urgent bool) error {
				asked <- fmt.Sprint(ids[0], " urgent=", urgent)
				return nil
			}
		})
		scrape(e)
		close(asked)
		urgent := "" // two concurrent batches, in either order
		for batch := range asked {
			if strings.HasSuffix(batch, "urgent=true") {
				urgent += batch
			}
		}
		wantEqual(t, urgent, "d00249 urgent=true")
	})
}

func TestRestoredStateOfAnotherProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeSource(1)
		e := newTestEngine(t, c, nil)
		scrape(e)
		e.Close()
		m := copyState(t, e)
		m.Project.ID = "other"
		e = newTestEngine(t, c, func(o *Options) { o.State = m })
		c.set(func(c *fakeSource) { c.list = newFailure(inventory.Transient) })
		s := scrape(e)
		wantEqual(t, formatSnapshot(s), "up=false listed=false unresolved=0 stale=0")
		wantEqual(t, s.Project.ID, "p1")
	})
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		good, bad := newFakeSource(2), newFakeSource(1)
		bad.list = newFailure(inventory.Transient)
		known, unlisted, anonymous := newTarget("known", "1", good, &made), newTarget("unlisted", "2", bad, &made), newTarget("anonymous", "3", good, &made)
		known.StateKey, unlisted.StateKey = "K", "U"
		f := &Fleet{}
		f.SetTargets([]Target{known, unlisted, anonymous})
		f.Refresh(t.Context())
		f.Close()
		states := f.States()
		if m := states["K"]; len(states) != 1 || len(m.Desktops) != 2 || !m.SavedAt.Equal(time.Now()) {
			t.Errorf("the states are %+v", states)
		}
	})
}
