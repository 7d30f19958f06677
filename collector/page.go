// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bufio"
	"io"
)

// page is one response: what editions keep, strung together.
type page struct {
	encoding encoding
	press    press
	views    []view
	parts    []part
	body     int // bytes of all spans
	sum      sum
}

// part is a span that was made for this page and, where there is one, the body
// of a family that the views share.
type part struct {
	span
	body func(view, func(span))
}

// each gives the spans of a part.
func (p *page) each(pt part, yield func(span)) {
	if pt.size > 0 {
		yield(pt.span)
	}
	if pt.body != nil {
		for _, v := range p.views {
			pt.body(v, yield)
		}
	}
}

// add takes a part in.
func (p *page) add(pt part) {
	p.parts = append(p.parts, pt)
	p.each(pt, func(s span) {
		p.body += len(s.data)
		p.sum = p.sum.append(s.sum)
	})
}

// append takes in text of its own, behind all else.
func (p *page) append(raw []byte) {
	if len(raw) > 0 {
		p.add(part{span: p.seal(raw)})
	}
}

func (p *page) seal(raw []byte) span {
	data, s := p.press.seal(nil, raw)
	return span{data, s}
}

// desktopsBody is the body of the n-th family of desktops.
func desktopsBody(n int) func(view, func(span)) {
	return func(v view, yield func(span)) {
		for _, c := range v.chunks {
			if s := c.span(n); s.size > 0 {
				yield(s)
			}
		}
	}
}

// objectsBody is the body of the n-th family of objects.
func objectsBody(n int) func(view, func(span)) {
	return func(v view, yield func(span)) {
		if s := v.objects.span(n); s.size > 0 {
			yield(s)
		}
	}
}

// family takes in a family, unless there is nothing to say of it.
func (p *page) family(d dialect, m *Metric, body func(view, func(span))) {
	size := 0
	p.each(part{body: body}, func(s span) { size += s.size })
	if size > 0 {
		p.add(part{p.seal(d.header(m, size)), body})
	}
}

// size is how long the page is on the wire.
func (p *page) size() int {
	return len(p.encoding.begin()) + p.body + len(p.encoding.end(p.sum))
}

// writeTo sends the page. It ends with the first write that fails.
func (p *page) writeTo(w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	_, err := out.Write(p.encoding.begin())
	for _, pt := range p.parts {
		p.each(pt, func(s span) {
			if err == nil {
				_, err = out.Write(s.data)
			}
		})
	}
	if err == nil {
		_, err = out.Write(p.encoding.end(p.sum))
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}
