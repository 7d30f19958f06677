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

// simReport is the result of a simulation.
type simReport struct {
	simDay
	counter     *callCounter
	simProjects []*simProject

	mu        sync.Mutex
	scrapes   int
	firstRead time.Duration // time until all networks of all projects were read
	oldest    time.Duration // age of the oldest data in a snapshot after that
	longest   time.Duration // duration of the longest scrape
	delays    map[string][]delay
	failures  []*inventory.Failure
}

// delay is the delay between a change and the first snapshot that shows it.
type delay struct {
	scrapes int // started after the change, the one that shows it included
	time    time.Duration
}

// bounds are the limits of a simulation. These apply to all: no 429, an EIP change
// shows in the second scrape, no data is older than two cycles.
type bounds struct {
	scrapes     int     // until a change of the list shows
	seesTasks   bool    // the list is read often enough to show every task of two minutes
	cycleFactor float64 // maximum duration of a full cycle, as a multiple of what the quota allows
}

func (r *simReport) check(t *testing.T, want bounds) {
	t.Helper()
	if len(r.failures) > 0 {
		t.Errorf("%d failures: %v", len(r.failures), r.failures[0])
	}
	if r.counter.overLimit > 0 {
		t.Errorf("%d requests would be refused with 429", r.counter.overLimit)
	}
	for op, peak := range r.counter.peak {
		if peak > r.limit {
			t.Errorf("%s: %d calls in a minute, want at most %d", op, peak, r.limit)
		}
	}
	for _, k := range changeKinds {
		worst := slices.MaxFunc(append(r.delays[k.name], delay{}), func(a, b delay) int { return cmp.Compare(a.scrapes, b.scrapes) })
		limit := want.scrapes
		switch k.name {
		case "EIP bound", "EIP unbound":
			limit = 2
		case rebuilt:
			if !want.seesTasks {
				limit = r.scrapesOfTwoCycles()
			}
		case securityGroupChanged:
			limit = r.scrapesOfTwoCycles()
		}
		if len(r.delays[k.name]) == 0 || worst.scrapes > limit {
			t.Errorf("%s: the last of %d shown after %d scrapes (%s), want some, and at most %d", k.name, len(r.delays[k.name]), worst.scrapes, worst.time, limit)
		}
	}
	if r.firstRead == 0 || r.firstRead > 2*r.ideal() {
		t.Errorf("first full read after %s, want at most twice %s", r.firstRead, r.ideal())
	}
	if r.oldest > 2*r.ideal() {
		t.Errorf("the oldest data shown was %s old, want at most twice %s", r.oldest, r.ideal())
	}
	if all := r.cycles(); len(all) == 0 || slices.Max(all) > time.Duration(want.cycleFactor*float64(r.ideal())) {
		t.Errorf("full cycles of %v, want some, and at most %.2f × %s", all, want.cycleFactor, r.ideal())
	}
}

// scrapesOfTwoCycles returns the number of scrapes after which a change shows
// that is not in the list.
func (r *simReport) scrapesOfTwoCycles() int {
	return int(2*r.ideal()/r.interval)*max(1, r.replicas) + 1
}

// ideal returns the time in which the quota allows to read every desktop once.
func (r *simReport) ideal() time.Duration {
	batches := (r.desktops + maxBatch - 1) / maxBatch
	if r.sharedKey {
		batches *= r.projects
	}
	return time.Duration(float64(batches) / float64(r.limit) * float64(time.Minute))
}

// cycles returns the durations of all full cycles but the first of each project,
// sorted.
func (r *simReport) cycles() []time.Duration {
	var all []time.Duration
	for _, s := range r.simProjects {
		all = append(all, s.cycles[min(1, len(s.cycles)):]...)
	}
	slices.Sort(all)
	return all
}

// String returns the report in the format of docs/sizing.md.
func (r *simReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d × %d desktops, %d calls a minute, %s, %d scrapes, one every %s\n",
		r.projects, r.desktops, r.limit, r.length, r.scrapes, r.interval)
	fmt.Fprintf(&b, "  %-18s %8s    in scrape      %s\n", "change", "count", "after")
	fmt.Fprintf(&b, "  %-18s %8s  50%%  99%% worst    50%%     99%%   worst\n", "", "")
	for _, k := range changeKinds {
		late := slices.Clone(r.delays[k.name])
		n := len(late)
		if n == 0 {
			continue
		}
		slices.SortFunc(late, func(a, b delay) int { return cmp.Compare(a.scrapes, b.scrapes) })
		fmt.Fprintf(&b, "  %-18s %8d %4d %4d %5d", k.name, n, late[n/2].scrapes, late[n*99/100].scrapes, late[n-1].scrapes)
		slices.SortFunc(late, func(a, b delay) int { return cmp.Compare(a.time, b.time) })
		for _, at := range []int{n / 2, n * 99 / 100, n - 1} {
			fmt.Fprintf(&b, " %7s", late[at].time.Round(time.Second))
		}
		b.WriteByte('\n')
	}
	minutes := r.length.Minutes() * float64(r.projects)
	urgent := 0
	for _, op := range []string{inventory.ListDesktops, inventory.ListDesktopsEips, inventory.ShowDesktopNetworks} {
		n := 0
		for _, s := range r.simProjects {
			n += s.calls[op]
		}
		fmt.Fprintf(&b, "  %-19s %8d calls, %5.1f a minute for a project, at most %d in any minute of a key\n", op, n, float64(n)/minutes, r.counter.peak[op])
	}
	for _, s := range r.simProjects {
		urgent += s.urgent
	}
	fmt.Fprintf(&b, "  urgent questions    %8d\n", urgent)
	fmt.Fprintf(&b, "  429                 %8d, were the quota %d calls a minute\n", r.counter.overLimit, r.counter.limit)
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
		r.firstRead.Round(time.Second), r.oldest.Round(time.Second), r.longest.Round(10*time.Millisecond))
	return b.String()
}
