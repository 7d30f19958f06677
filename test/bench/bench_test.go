// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench measures the exposition against others that say the same: the
// stock collector of client_golang, the metrics store of kube-state-metrics,
// and the bound of copying and compressing finished text. It is a module of
// its own, so that theirs stay out of ours.
package bench

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// cpu gives the processor time, of all threads, that f takes.
func cpu(tb testing.TB, f func()) time.Duration {
	tb.Helper()
	start := spent(tb)
	f()
	return spent(tb) - start
}

func spent(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// typical gives the mean processor time of some runs after one to warm up:
// as many as fit into two seconds, at least two.
func typical(tb testing.TB, prepare, f func()) time.Duration {
	tb.Helper()
	prepare()
	f()
	runtime.GC()
	var total time.Duration
	runs := 0
	for start := time.Now(); runs < 2 || time.Since(start) < 2*time.Second; runs++ {
		prepare()
		total += cpu(tb, f)
	}
	return total / time.Duration(runs)
}

// liveHeap gives the bytes that are in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkScrape(b *testing.B) {
	for _, desktops := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("desktops=%d", desktops), func(b *testing.B) {
			for _, rate := range []int{0, 1, 100} {
				b.Run("changed="+percent(rate), func(b *testing.B) { measure(b, desktops, rate) })
			}
		})
	}
}

func measure(b *testing.B, desktops, rate int) {
	before := liveHeap()
	f := newFleet(desktops)
	current := f.snapshot()
	var changed []*inventory.Record
	refresh := func() {
		changed = f.change(rate)
		current = f.snapshot()
	}
	read := func() *inventory.Snapshot { return current }

	h := ours(read)
	scrape(b, h, &sink{header: http.Header{}})
	perDesktop := float64(liveHeap()-before) / float64(desktops)

	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	rival := stock(read)
	stockOut := &sink{header: http.Header{}}
	stockTime := typical(b, refresh, func() {
		stockOut.bytes = 0
		scrape(b, rival, stockOut)
	})
	kube, err := newKubeStore(f.records)
	fail(err)
	kubeTime := typical(b, refresh, func() {
		fail(kube.update(changed))
		fail(kube.write(&sink{}))
	})
	least, err := newBound(body(b, h))
	fail(err)
	boundTime := typical(b, func() {}, func() { fail(least.write(&sink{})) })
	kube, least = nil, nil
	runtime.GC()

	var total time.Duration
	out := &sink{header: http.Header{}}
	for b.Loop() {
		b.StopTimer()
		refresh()
		out.bytes = 0
		b.StartTimer()
		total += cpu(b, func() { scrape(b, h, out) })
	}
	mean := total / time.Duration(b.N)
	b.ReportMetric(0, "ns/op") // the processor time below says it better
	b.ReportMetric(float64(mean.Microseconds())/1e3, "cpu-ms/op")
	b.ReportMetric(float64(stockTime)/float64(mean), "x-stock")
	b.ReportMetric(float64(kubeTime)/float64(mean), "x-ksm")
	b.ReportMetric(float64(mean)/float64(boundTime), "of-bound")
	b.ReportMetric(perDesktop, "heap-B/desktop")
	b.ReportMetric(float64(out.bytes)/float64(desktops), "wire-B/desktop")
	b.ReportMetric(float64(out.bytes)/float64(stockOut.bytes), "wire-of-stock")
}

// body gives what a handler says, decoded.
func body(tb testing.TB, h http.Handler) []byte {
	tb.Helper()
	w := &buffer{sink: sink{header: http.Header{}}}
	scrape(tb, h, w)
	z, err := gzip.NewReader(&w.body)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

type buffer struct {
	sink
	body bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) { return b.body.Write(p) }

// The rivals would be easy to beat if they said less.
func TestRivalsSayTheSame(t *testing.T) {
	f := newFleet(100)
	current := f.snapshot()
	read := func() *inventory.Snapshot { return current }
	want := lines(body(t, ours(read)))
	if got := lines(body(t, stock(read))); !slices.Equal(got, want) {
		t.Errorf("stock says %d lines, ours %d, and they differ", len(got), len(want))
	}
	kube, err := newKubeStore(f.records)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := kube.write(&w); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&w)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	ofDesktops := slices.DeleteFunc(want, func(line string) bool { return !strings.Contains(line, "_workspace_desktop_") })
	if got := lines(text); !slices.Equal(got, ofDesktops) {
		t.Errorf("kube-state-metrics' store says %d lines, ours %d, and they differ", len(got), len(ofDesktops))
	}
}

// lines gives the lines of an exposition in order.
func lines(text []byte) []string {
	return slices.Sorted(strings.Lines(string(text)))
}
