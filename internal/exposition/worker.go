// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// job is a chunk, or the shared objects, of a scope to encode.
type job struct {
	scope   *collector.Scope
	project *projectCache
	chunk   *chunk
	shared  *sharedObjects
}

// run does the jobs, on several cores if there are many.
func (fc *formatCache) run(jobs []job) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxWorkers, (len(jobs)+3)/4) {
		wg.Go(func() {
			w := worker{cache: fc, compressor: fc.newCompressor()}
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				w.do(jobs[i])
			}
			fc.release(w.compressor)
		})
	}
	wg.Wait()
}

// worker does jobs in one goroutine. It reuses its buffers.
type worker struct {
	cache      *formatCache
	compressor compressor
	raw        []byte
	data       []byte
	offsets    []offset
}

func (w *worker) do(j job) {
	if j.shared != nil {
		j.shared.encoded = w.encode(j, collector.SharedKind, nil)
	} else {
		j.chunk.encoded = w.encode(j, collector.DesktopKind, j.chunk.records)
	}
}

// encode encodes the samples of the families of a kind.
func (w *worker) encode(j job, kind collector.Kind, records []*inventory.Record) encoded {
	var writer sampleWriter
	e := collector.NewEmitter(j.scope, func(row []string, value float64) {
		w.raw = writer.append(w.raw, row, value)
	})
	w.data, w.offsets = w.data[:0], w.offsets[:0]
	for i := range w.cache.families {
		f := &w.cache.families[i]
		if f.Kind() != kind {
			continue
		}
		w.raw, writer = w.raw[:0], j.project.writers[i]
		f.Emit(e, records)
		var sum checksum
		if len(w.raw) > 0 {
			w.data, sum = w.compressor.compress(w.data, w.raw)
		}
		w.offsets = append(w.offsets, offset{len(w.data), sum})
	}
	return encoded{data: slices.Clone(w.data), offsets: slices.Clone(w.offsets)}
}
