// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench compares the exposition with baselines for the same samples:
// promhttp, the metrics store of kube-state-metrics, and copying and compressing
// finished text. It is a separate module for the sake of its dependencies.
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

// cpu returns the processor time of f in all threads.
func cpu(tb testing.TB, f func()) time.Duration {
	tb.Helper()
	start := processorTime(tb)
	f()
	return processorTime(tb) - start
}

func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// meanCPU returns the mean processor time of f after one run to warm up, of as
// many runs as fit into two seconds, at least two.
func meanCPU(tb testing.TB, prepare, f func()) time.Duration {
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

// liveHeap returns the bytes in use.
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

	h := exporterHandler(read)
	scrape(b, h, &countingWriter{header: http.Header{}})
	perDesktop := float64(liveHeap()-before) / float64(desktops)

	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	baseline := promhttpHandler(read)
	promhttpOut := &countingWriter{header: http.Header{}}
	promhttpTime := meanCPU(b, refresh, func() {
		promhttpOut.bytes = 0
		scrape(b, baseline, promhttpOut)
	})
	kube, err := newKubeStore(f.records)
	fail(err)
	kubeTime := meanCPU(b, refresh, func() {
		fail(kube.update(changed))
		fail(kube.write(&countingWriter{}))
	})
	least, err := newLowerBound(body(b, h))
	fail(err)
	boundTime := meanCPU(b, func() {}, func() { fail(least.write(&countingWriter{})) })
	kube, least = nil, nil
	runtime.GC()

	var total time.Duration
	out := &countingWriter{header: http.Header{}}
	for b.Loop() {
		b.StopTimer()
		refresh()
		out.bytes = 0
		b.StartTimer()
		total += cpu(b, func() { scrape(b, h, out) })
	}
	mean := total / time.Duration(b.N)
	b.ReportMetric(0, "ns/op") // replaced by the processor time below
	b.ReportMetric(float64(mean.Microseconds())/1e3, "cpu-ms/op")
	b.ReportMetric(float64(promhttpTime)/float64(mean), "x-promhttp")
	b.ReportMetric(float64(kubeTime)/float64(mean), "x-ksm")
	b.ReportMetric(float64(mean)/float64(boundTime), "of-bound")
	b.ReportMetric(perDesktop, "heap-B/desktop")
	b.ReportMetric(float64(out.bytes)/float64(desktops), "network-B/desktop")
	b.ReportMetric(float64(out.bytes)/float64(promhttpOut.bytes), "network-of-promhttp")
}

// body returns the decoded body of a response.
func body(tb testing.TB, h http.Handler) []byte {
	tb.Helper()
	w := &bufferWriter{countingWriter: countingWriter{header: http.Header{}}}
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

type bufferWriter struct {
	countingWriter
	body bytes.Buffer
}

func (b *bufferWriter) Write(p []byte) (int, error) { return b.body.Write(p) }

// A baseline with fewer samples would be faster.
func TestBaselinesHaveTheSameSamples(t *testing.T) {
	f := newFleet(100)
	current := f.snapshot()
	read := func() *inventory.Snapshot { return current }
	want := lines(body(t, exporterHandler(read)))
	if got := lines(body(t, promhttpHandler(read))); !slices.Equal(got, want) {
		t.Errorf("promhttp has %d lines, the exporter %d, and they differ", len(got), len(want))
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
		t.Errorf("kube-state-metrics has %d lines, the exporter %d, and they differ", len(got), len(ofDesktops))
	}
}

// lines returns the sorted lines of text.
func lines(text []byte) []string {
	return slices.Sorted(strings.Lines(string(text)))
}
