// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// report is what came of a day.
type report struct {
	day
	gate  *gate
	sites []*site

	mu       sync.Mutex
	scrapes  int
	first    time.Duration // until all networks of all projects were known
	oldest   time.Duration // the oldest that was shown after that
	longest  time.Duration // the longest scrape
	lateness map[string][]lateness
	failures []*inventory.Failure
}

// lateness is how long after a change it was shown.
type lateness struct {
	scrapes int // that began after it, up to the one that showed it
	time    time.Duration
}

// promise is what depends on the kind of day. The others hold on all: no 429, an
// EIP change shows in the scrape after next, no desktop is older than two cycles.
type promise struct {
	lists int     // in so many scrapes shows what the list tells of
	tasks bool    // the list comes often enough to show each task that takes two minutes
	cycle float64 // so many times what the quota allows does a full cycle take
}

func (r *report) check(t *testing.T, want promise) {
	t.Helper()
	if len(r.failures) > 0 {
		t.Errorf("%d failures: %v", len(r.failures), r.failures[0])
	}
	if r.gate.refused > 0 {
		t.Errorf("%d calls would have been answered by 429", r.gate.refused)
	}
	for op, peak := range r.gate.peak {
		if peak > r.limit {
			t.Errorf("%s: %d calls in a minute, want at most %d", op, peak, r.limit)
		}
	}
	for _, k := range kinds {
		worst := slices.MaxFunc(append(r.lateness[k.name], lateness{}), func(a, b lateness) int { return cmp.Compare(a.scrapes, b.scrapes) })
		most := want.lists
		switch k.name {
		case "EIP bound", "EIP unbound":
			most = 2
		case rebuilt:
			if !want.tasks {
				most = r.unseen()
			}
		case inAnotherGroup:
			most = r.unseen()
		}
		if len(r.lateness[k.name]) == 0 || worst.scrapes > most {
			t.Errorf("%s: the last of %d shown after %d scrapes (%s), want some, and at most %d", k.name, len(r.lateness[k.name]), worst.scrapes, worst.time, most)
		}
	}
	if r.first == 0 || r.first > 2*r.ideal() {
		t.Errorf("first full read after %s, want at most twice %s", r.first, r.ideal())
	}
	if r.oldest > 2*r.ideal() {
		t.Errorf("the oldest that was shown was %s old, want at most twice %s", r.oldest, r.ideal())
	}
	if all := r.cycles(); len(all) == 0 || slices.Max(all) > time.Duration(want.cycle*float64(r.ideal())) {
		t.Errorf("full cycles of %v, want some, and at most %.2f × %s", all, want.cycle, r.ideal())
	}
}

// unseen is the number of scrapes after which shows what no list tells of.
func (r *report) unseen() int { return int(2*r.ideal()/r.interval)*max(1, r.replicas) + 1 }

// ideal is how long the quota takes to pay for every desktop once.
func (r *report) ideal() time.Duration {
	batches := (r.desktops + maxBatch - 1) / maxBatch
	if r.shared {
		batches *= r.projects
	}
	return time.Duration(float64(batches) / float64(r.limit) * float64(time.Minute))
}

// cycles gives the lengths of all full cycles but the first of each project,
// sorted.
func (r *report) cycles() []time.Duration {
	var all []time.Duration
	for _, s := range r.sites {
		all = append(all, s.cycles[min(1, len(s.cycles)):]...)
	}
	slices.Sort(all)
	return all
}

// String writes the report as docs/sizing.md shows it.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d × %d desktops, %d calls a minute, %s, %d scrapes, one every %s\n",
		r.projects, r.desktops, r.limit, r.length, r.scrapes, r.interval)
	fmt.Fprintf(&b, "  %-18s %8s    in scrape      %s\n", "change", "count", "after")
	fmt.Fprintf(&b, "  %-18s %8s  50%%  99%% worst    50%%     99%%   worst\n", "", "")
	for _, k := range kinds {
		late := slices.Clone(r.lateness[k.name])
		n := len(late)
		if n == 0 {
			continue
		}
		slices.SortFunc(late, func(a, b lateness) int { return cmp.Compare(a.scrapes, b.scrapes) })
		fmt.Fprintf(&b, "  %-18s %8d %4d %4d %5d", k.name, n, late[n/2].scrapes, late[n*99/100].scrapes, late[n-1].scrapes)
		slices.SortFunc(late, func(a, b lateness) int { return cmp.Compare(a.time, b.time) })
		for _, at := range []int{n / 2, n * 99 / 100, n - 1} {
			fmt.Fprintf(&b, " %7s", late[at].time.Round(time.Second))
		}
		b.WriteByte('\n')
	}
	minutes := r.length.Minutes() * float64(r.projects)
	urgent := 0
	for _, op := range []string{opList, opBindings, opNetworks} {
		n := 0
		for _, s := range r.sites {
			n += s.calls[op]
		}
		fmt.Fprintf(&b, "  %-19s %8d calls, %5.1f a minute for a project, at most %d in any minute of a key\n", op, n, float64(n)/minutes, r.gate.peak[op])
	}
	for _, s := range r.sites {
		urgent += s.urgent
	}
	fmt.Fprintf(&b, "  urgent questions    %8d\n", urgent)
	fmt.Fprintf(&b, "  429                 %8d, were the quota %d calls a minute\n", r.gate.refused, r.gate.limit)
	if all := r.cycles(); len(all) > 0 {
		sum := time.Duration(0)
		for _, c := range all {
			sum += c
		}
		ratio := func(d time.Duration) float64 { return float64(d) / float64(r.ideal()) }
		mean, longest := sum/time.Duration(len(all)), all[len(all)-1]
		fmt.Fprintf(&b, "  full cycles         %8d, %s each, %s the longest: %.3f and %.3f times the %s that the quota allows\n",
			len(all), mean.Round(time.Second), longest.Round(time.Second), ratio(mean), ratio(longest), r.ideal().Round(time.Second))
	}
	fmt.Fprintf(&b, "  first full read after %s; oldest data shown after that: %s; longest scrape: %s\n",
		r.first.Round(time.Second), r.oldest.Round(time.Second), r.longest.Round(10*time.Millisecond))
	return b.String()
}
