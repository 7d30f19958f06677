// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var soak = flag.Duration("soak", 2*time.Minute, "how long the soak lasts")

// measures is how often the soak stops to measure; the first ones warm up.
const (
	measures = 8
	warm     = 2
)

// usage is the memory, goroutines and connections of an idle exporter.
type usage struct{ heap, goroutines, descriptors float64 }

// TestSoak lets a fleet change, a cloud fail in every way that there is, and
// scrapers come and leave early, for minutes. What the exporter holds in the
// pauses between must not grow, and when the cloud is well again, so must the
// page be.
func TestSoak(t *testing.T) {
	t.Parallel()
	cloud, yaml := startCloud(t, 1500, "limits: {requests_per_minute: 10000, concurrency: 8}")
	// A journal that is full after the first round, for all are to hold the same.
	x := exporterWithConfig(t, yaml+"changes: {keep: 1000}\nrefresh: {timeout: 1s, max_staleness: 3s}\nmetrics: {tags: [team, round], users: true}\n", "--web.enable-pprof")
	rng := rand.New(rand.NewPCG(1, 2))
	ids := make([]string, 0, 1500)
	for _, d := range cloud.Desktops(projectID) {
		ids = append(ids, d.ID)
	}

	var scrapes, broken atomic.Int64
	var used []usage
	for round := range measures {
		fail(cloud)
		ctx, cancel := context.WithTimeout(t.Context(), *soak/measures)
		var busy sync.WaitGroup
		for range 4 {
			busy.Go(func() {
				for ctx.Err() == nil {
					if x.scrapeWithin(ctx, rand.N(2*time.Second)) {
						scrapes.Add(1)
					} else {
						broken.Add(1)
					}
				}
			})
		}
		for ctx.Err() == nil {
			change(cloud, ids, rng)
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		cancel()
		busy.Wait()
		cloud.ClearFaults()
		used = append(used, x.measureIdle(t))
		t.Logf("round %d: live heap %.2f MB, %.0f goroutines, %.0f file descriptors", round, used[round].heap/1e6, used[round].goroutines, used[round].descriptors)
	}
	// What the most of the first half exceeds once in the second is no leak.
	before, after := used[warm-1], used[measures-1]
	for _, u := range used[warm : measures/2] {
		before = usage{max(before.heap, u.heap), max(before.goroutines, u.goroutines), max(before.descriptors, u.descriptors)}
	}
	for _, u := range used[measures/2 : measures-1] {
		after = usage{min(after.heap, u.heap), min(after.goroutines, u.goroutines), min(after.descriptors, u.descriptors)}
	}
	if after.heap > 1.1*before.heap+1e6 || after.goroutines > before.goroutines+5 || after.descriptors > before.descriptors+5 {
		t.Errorf("from %+v it has grown to %+v", before, after)
	}

	page := x.metrics(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "30")
	compare(t, page, cloud.Desktops(projectID))
	codes := map[string]float64{}
	for _, s := range samplesNamed(page, prefix+"exporter_api_requests_total") {
		codes[s.labels.Get("code")] += s.value
	}
	for _, code := range []string{"200", "429", "500", "502", "error"} {
		if codes[code] == 0 {
			t.Errorf("no call ended with %s; the soak was too kind", code)
		}
	}
	t.Logf("in %s: %d scrapes answered, %d given up; calls of the cloud by outcome: %v; objects dropped: %.0f",
		*soak, scrapes.Load(), broken.Load(), codes, sum(page, prefix+"exporter_objects_dropped_total"))
	if scrapes.Load() == 0 || broken.Load() == 0 {
		t.Error("scrapers must have succeeded and given up")
	}
}

// fail switches everything on that can go wrong with a cloud but refused keys,
// which would silence the exporter for minutes.
func fail(cloud *simulator.Cloud) {
	for _, f := range []simulator.Fault{
		{Probability: .2, Latency: 50 * time.Millisecond},
		{Probability: .01, Status: http.StatusInternalServerError},
		{Probability: .01, Status: http.StatusBadGateway, Body: []byte("<html><body>Bad Gateway</body></html>"), Header: http.Header{"Content-Type": {"text/html"}}},
		{Probability: .01, Times: 3, Status: http.StatusTooManyRequests},
		{Probability: .01, Status: http.StatusFound, Header: http.Header{"Location": {"/"}}},
		{Probability: .01, Status: http.StatusNoContent},
		{Probability: .01, ResetConnection: true},
		{Probability: .003, HangBeforeHeader: true},
		{Probability: .003, HangAfterHeader: true},
		{Probability: .003, HangInBody: true},
		{Probability: .01, TruncateBody: true},
		{Probability: .02, SlowBody: 20 * time.Millisecond},
		{Probability: .01, RewriteBody: func([]byte) []byte { return []byte(`{"error_code":"WKS.0001","error_msg":"busy"}`) }},
		{Probability: .01, RewriteBody: func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"id":"`), []byte(`"id":7,"x":"`)) }},
		{Operation: simulator.ListDesktops, Probability: .05, TotalCountDelta: 3},
		{Operation: simulator.ListDesktops, Probability: .05, RepeatPage: true},
		{Operation: simulator.ListDesktops, Probability: .05, EmptyPage: true},
		{Operation: simulator.ShowDesktopNetworks, Probability: .02, Status: http.StatusNotFound},
	} {
		cloud.AddFault(f)
	}
}

// change makes one thing happen to the fleet that has never been before: a cache
// that stores every ID, name and tag grows.
func change(cloud *simulator.Cloud, ids []string, rng *rand.Rand) {
	at := rng.IntN(len(ids))
	fresh := strconv.FormatUint(rng.Uint64(), 36)
	cloud.UpdateDesktop(projectID, ids[at], func(d *simulator.Desktop) {
		switch rng.IntN(5) {
		case 0:
			d.Name = fresh
		case 1:
			d.Tags = []simulator.Tag{{Key: "team", Value: "design"}, {Key: "round", Value: fresh}}
		case 2:
			d.Interfaces[0].EIP = nil
		case 3:
			d.Interfaces[0].EIP = &simulator.EIP{ID: fresh, Address: "203.0.113.1"}
		case 4:
			d.Interfaces[0].Groups = []simulator.Group{{ID: fresh, Name: fresh}}
		}
	})
	if rng.IntN(5) == 0 { // another desktop takes its place
		d, _ := cloud.Desktop(projectID, ids[at])
		cloud.DeleteDesktop(projectID, ids[at])
		d.ID, ids[at] = fresh, fresh
		cloud.PutDesktop(projectID, d)
	}
}

// scrapeWithin scrapes with the given timeout; ok reports whether the response was complete.
func (p *process) scrapeWithin(ctx context.Context, limit time.Duration) (ok bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(rand.Float64()))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_, err = bytes.NewBuffer(nil).ReadFrom(response.Body)
	_ = response.Body.Close()
	return err == nil && response.StatusCode == http.StatusOK
}

var (
	heapAlloc  = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutines = regexp.MustCompile(`^goroutine profile: total (\d+)`)
)

// measureIdle waits until everything was read again, for which quota may be waited for after
// 429s, and returns the usage at that time.
func (p *process) measureIdle(t testing.TB) usage {
	t.Helper()
	begin := float64(time.Now().UnixMilli()) / 1e3
	p.eventually(t, waitTimeout, "recovered", func() bool {
		page := p.metrics(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "10")
		// sum and not value: after a long wait there may be no data that has an age.
		return sum(page, prefix+"up") == 1 && sum(page, prefix+"desktops_stale") == 0 &&
			sum(page, prefix+"oldest_data_timestamp_seconds") >= begin
	})
	number := func(path string, pattern *regexp.Regexp) float64 {
		m := pattern.FindStringSubmatch(p.get(t, path).body)
		if m == nil {
			t.Fatalf("%s is missing", path)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var u usage
	u.descriptors = value(t, p.metrics(t, "/metrics"), "process_open_fds")
	const heap = "/debug/pprof/heap?gc=1&debug=1"
	number(heap, heapAlloc) // what pools keep goes with the second collection
	u.heap, u.goroutines = number(heap, heapAlloc), number("/debug/pprof/goroutine?debug=1", goroutines)
	return u
}

// compare compares a page with the desktops that there are. Those that the
// cloud refused while it failed may be unresolved for a while, but not wrong.
func compare(t testing.TB, page []sample, desktops []simulator.Desktop) {
	t.Helper()
	names, addresses := map[string]string{}, map[string]string{}
	for _, s := range samplesNamed(page, prefix+"desktop_info") {
		names[s.labels.Get("desktop_id")] = s.labels.Get("desktop_name")
	}
	for _, s := range samplesNamed(page, prefix+"desktop_network_info") {
		addresses[s.labels.Get("desktop_id")] = s.labels.Get("eip_id")
	}
	unresolved := 0
	for _, d := range desktops {
		eip := ""
		if d.Interfaces[0].EIP != nil {
			eip = d.Interfaces[0].EIP.ID
		}
		if name, ok := names[d.ID]; !ok || name != d.Name {
			t.Errorf("%s is named %q, want %q", d.ID, name, d.Name)
		}
		switch got, ok := addresses[d.ID]; {
		case !ok:
			unresolved++
		case got != eip:
			t.Errorf("%s has the EIP %q, want %q", d.ID, got, eip)
		}
	}
	if len(names) != len(desktops) || len(addresses) != len(desktops)-unresolved {
		t.Errorf("%d desktops with names, %d with addresses, want %d and %d", len(names), len(addresses), len(desktops), len(desktops)-unresolved)
	}
	if said := value(t, page, prefix+"desktops_unresolved"); said != float64(unresolved) || unresolved > len(desktops)/20 {
		t.Errorf("%d desktops are unresolved, the page has %.0f", unresolved, said)
	}
}
