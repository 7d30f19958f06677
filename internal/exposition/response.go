// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bufio"
	"io"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
)

// response is the body of one response: fragments of a formatCache, and some
// that are encoded for this response.
type response struct {
	compression compression
	compressor  compressor
	projects    []projectView
	segments    []segment
	bodyLength  int // bytes of all fragments
	sum         checksum
}

// segment is a fragment that was encoded for this response, then, if cached is
// set, the cached fragments of a family in all projects.
type segment struct {
	fragment
	cached func(projectView, func(fragment))
}

// each calls yield with the fragments of a segment.
func (r *response) each(s segment, yield func(fragment)) {
	if s.size > 0 {
		yield(s.fragment)
	}
	if s.cached != nil {
		for _, p := range r.projects {
			s.cached(p, yield)
		}
	}
}

func (r *response) add(s segment) {
	r.segments = append(r.segments, s)
	r.each(s, func(f fragment) {
		r.bodyLength += len(f.data)
		r.sum = r.sum.append(f.checksum)
	})
}

// append compresses raw and appends it.
func (r *response) append(raw []byte) {
	if len(raw) > 0 {
		r.add(segment{fragment: r.compress(raw)})
	}
}

func (r *response) compress(raw []byte) fragment {
	data, sum := r.compressor.compress(nil, raw)
	return fragment{data, sum}
}

// desktopFragments returns a function that yields the cached fragments of the
// n-th family of desktops.
func desktopFragments(n int) func(projectView, func(fragment)) {
	return func(p projectView, yield func(fragment)) {
		for _, c := range p.chunks {
			if f := c.fragment(n); f.size > 0 {
				yield(f)
			}
		}
	}
}

// sharedFragments returns a function that yields the cached fragment of the n-th
// family of shared objects.
func sharedFragments(n int) func(projectView, func(fragment)) {
	return func(p projectView, yield func(fragment)) {
		if f := p.shared.fragment(n); f.size > 0 {
			yield(f)
		}
	}
}

// appendFamily appends a family with its cached fragments, unless it has none.
func (r *response) appendFamily(f format, m *collector.Metric, cached func(projectView, func(fragment))) {
	size := 0
	r.each(segment{cached: cached}, func(f fragment) { size += f.size })
	if size > 0 {
		r.add(segment{r.compress(f.header(m, size)), cached})
	}
}

// length returns the length of the compressed body in bytes.
func (r *response) length() int {
	return len(r.compression.header()) + r.bodyLength + len(r.compression.trailer(r.sum))
}

// writeTo writes the compressed body, up to the first write that fails.
func (r *response) writeTo(w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	_, err := out.Write(r.compression.header())
	for _, s := range r.segments {
		r.each(s, func(f fragment) {
			if err == nil {
				_, err = out.Write(f.data)
			}
		})
	}
	if err == nil {
		_, err = out.Write(r.compression.trailer(r.sum))
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}
