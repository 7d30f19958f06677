// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

func TestEveryFormatEqualsPromhttp(t *testing.T) {
	t.Parallel()
	exporter := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: `A "help" with \ in it.`})
	exporter.MustRegister(counter)
	for name, fleet := range fleets() {
		for _, exporter := range []prometheus.Gatherer{nil, exporter} {
			e := NewEncoder(Options{Metrics: allOptions()})
			for _, accept := range accepts {
				wantHeader, want := scrape(t, reference(allOptions(), fleet, exporter), accept, "")
				for _, encoding := range encodings {
					header, got := scrape(t, e.Handler(always(fleet...), exporter), accept, encoding)
					if diff := firstDifference(want, got); diff != "" {
						t.Errorf("%s as %q in %q: %s", name, accept, encoding, diff)
					}
					for _, h := range []string{"Content-Type", "Vary"} {
						if !slices.Equal(header[h], wantHeader[h]) {
							t.Errorf("%s as %q in %q: %s is %q, want %q", name, accept, encoding, h, header[h], wantHeader[h])
						}
					}
				}
			}
		}
	}
}

func TestNameFilter(t *testing.T) {
	t.Parallel()
	exporter := prometheus.NewRegistry()
	exporter.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."}),
		prometheus.NewCounter(prometheus.CounterOpts{Name: "b_total", Help: "B."}))
	h := NewEncoder(Options{}).Handler(always(inventorytest.SmallFleet()...), exporter)
	for query, want := range map[string][]string{
		"name[]=a_total": {"a_total"},
		"name[]=huaweicloud_workspace_up&name[]=a_total":   {"huaweicloud_workspace_up", "a_total"},
		"name[]=huaweicloud_workspace_vpc_info":            {"huaweicloud_workspace_vpc_info"},
		"name[]=huaweicloud_workspace_desktop_eips":        {"huaweicloud_workspace_desktop_eips"},
		"name[]=huaweicloud_workspace_no_such&name[]=none": nil,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics?"+query, nil))
		var got []string
		for line := range strings.Lines(w.Body.String()) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				got = append(got, strings.Fields(name)[0])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	h := NewEncoder(Options{}).Handler(always(inventorytest.SmallFleet()...), nil)
	get, head := httptest.NewRecorder(), httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	h.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/metrics", nil))
	if head.Body.Len() > 0 || get.Body.Len() == 0 {
		t.Errorf("HEAD has a body of %d bytes, GET one of %d", head.Body.Len(), get.Body.Len())
	}
	if diff := cmp.Diff(get.Header(), head.Header()); diff != "" {
		t.Errorf("headers differ (-GET +HEAD):\n%s", diff)
	}
}

// brokenWriter accepts a few bytes, then fails.
type brokenWriter struct {
	http.ResponseWriter
	room, writes int
}

func (w *brokenWriter) Write(b []byte) (int, error) {
	w.writes++
	if w.room -= len(b); w.room < 0 {
		return 0, errors.New("connection reset")
	}
	return len(b), nil
}

func TestFailedWriteEndsResponse(t *testing.T) {
	t.Parallel()
	h := NewEncoder(Options{}).Handler(always(inventorytest.NewGenerator(1).Fleet("office", 2000)), nil)
	w := &brokenWriter{ResponseWriter: httptest.NewRecorder(), room: 100_000}
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.writes != 2 {
		t.Errorf("%d writes of 64 KiB into room for 100 kB, want one that succeeds and one that fails", w.writes)
	}
}

func TestExporterMetricsErrorKeepsRest(t *testing.T) {
	t.Parallel()
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		good := prometheus.NewRegistry()
		good.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."}))
		families, _ := good.Gather()
		return append(families, &dto.MetricFamily{}), errors.New("no /proc")
	})
	_, got := scrape(t, NewEncoder(Options{}).Handler(always(inventorytest.SmallFleet()...), broken), "", "gzip")
	_, want := scrape(t, NewEncoder(Options{}).Handler(always(inventorytest.SmallFleet()...), nil), "", "")
	want += "# HELP a_total A.\n# TYPE a_total counter\na_total 0\n"
	if diff := firstDifference(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnusedCachesAreDeleted(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	e := NewEncoder(Options{Now: func() time.Time { return now }})
	metrics := e.Handler(always(inventorytest.NewGenerator(1).Fleet("office", 10), inventorytest.NewGenerator(1).Fleet("plant", 10)), nil)
	probe := e.Handler(always(inventorytest.NewGenerator(1).Fleet("office", 10)), nil)
	count := func() (caches, projects int) {
		for _, c := range e.caches {
			caches, projects = caches+1, projects+len(c.projects)
		}
		return caches, projects
	}
	scrape(t, metrics, "", "gzip")
	scrape(t, metrics, "", "identity")
	if caches, projects := count(); caches != 2 || projects != 4 {
		t.Errorf("%d caches, %d projects, want 2 of 2 projects each", caches, projects)
	}
	now = now.Add(cacheTTL)
	scrape(t, probe, "", "gzip")
	if caches, projects := count(); caches != 2 || projects != 4 {
		t.Errorf("%d caches, %d projects before the TTL, want 2 and 4", caches, projects)
	}
	now = now.Add(1)
	scrape(t, probe, "", "gzip")
	if caches, projects := count(); caches != 1 || projects != 1 {
		t.Errorf("%d caches, %d projects, want the one that is used", caches, projects)
	}
}

func TestConcurrentScrapes(t *testing.T) {
	t.Parallel()
	g := inventorytest.NewGenerator(7)
	e := NewEncoder(Options{})
	fleet := g.Fleet("office", 200)
	var wg sync.WaitGroup
	for round := range 20 {
		current := g.Mutate(fleet)
		fleet = current
		_, want := scrape(t, reference(collector.Options{}, []*inventory.Snapshot{current}, nil), "", "")
		for worker := range 4 {
			wg.Go(func() {
				encoding := encodings[1+(round+worker)%3]
				if _, got := scrape(t, e.Handler(always(current), nil), "", encoding); got != want {
					t.Errorf("round %d in %s: %s", round, encoding, firstDifference(want, got))
				}
			})
		}
	}
	wg.Wait()
}

func TestCacheFollowsChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			g := inventorytest.NewGenerator(seed)
			e := NewEncoder(Options{Metrics: allOptions()})
			fleet := []*inventory.Snapshot{g.Fleet("office", g.IntN(250)), g.Fleet("plant", g.IntN(40)), g.Fleet("again", 20)}
			fleet[2].Project.ID = fleet[0].Project.ID
			for round := range 25 {
				i := g.IntN(len(fleet))
				fleet[i] = g.Mutate(fleet[i])
				accept, encoding := accepts[g.IntN(8)], encodings[g.IntN(4)]
				_, got := scrape(t, e.Handler(always(fleet...), nil), accept, encoding)
				_, want := scrape(t, reference(allOptions(), fleet, nil), accept, "")
				if diff := firstDifference(want, got); diff != "" {
					t.Fatalf("round %d as %q in %q: cached and uncached differ: %s", round, accept, encoding, diff)
				}
			}
		})
	}
}

func TestDuplicatesAreCountedOncePerChange(t *testing.T) {
	t.Parallel()
	dropped := 0
	e := NewEncoder(Options{Dropped: func(reason string, n int) {
		if reason != "desktop_in_several_projects" {
			t.Errorf("reason %s", reason)
		}
		dropped += n
	}})
	fleet := inventorytest.Fleets()["overlap"] // of 20 desktops
	for range 3 {
		scrape(t, e.Handler(always(fleet...), nil), "", "gzip")
		scrape(t, e.Handler(always(fleet[1]), nil), "", "gzip") // as /probe does
	}
	if dropped != 20 {
		t.Errorf("three scrapes of one state: %d, want 20", dropped)
	}
	refreshed := *fleet[1]
	scrape(t, e.Handler(always(fleet[0], &refreshed), nil), "", "gzip")
	if dropped != 40 {
		t.Errorf("after a refresh: %d, want 40", dropped)
	}
}
