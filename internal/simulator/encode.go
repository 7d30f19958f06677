// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import "slices"

// encoder appends JSON to a buffer. It is no encoding/json, because names must
// reach the wire with the very bytes that they have, invalid UTF-8 included,
// and absent values in the way that the cloud is told to use.
type encoder struct {
	buf    []byte
	absent Absent
}

func (e *encoder) open(bracket byte) {
	e.comma()
	e.buf = append(e.buf, bracket)
}

func (e *encoder) end(bracket byte) { e.buf = append(e.buf, bracket) }

// comma separates from what stands before.
func (e *encoder) comma() {
	if n := len(e.buf); n > 0 {
		switch e.buf[n-1] {
		case '{', '[', ':':
		default:
			e.buf = append(e.buf, ',')
		}
	}
}

// key writes a name of our own, which needs no escaping.
func (e *encoder) key(name string) {
	e.comma()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

func (e *encoder) raw(name, value string) {
	e.key(name)
	e.buf = append(e.buf, value...)
}

// text writes a text; an empty one is absent.
func (e *encoder) text(name, value string) {
	if value == "" {
		e.none(name, `""`)
		return
	}
	e.key(name)
	e.buf = appendText(e.buf, value)
}

// none writes a value that is not there; empty is its empty form.
func (e *encoder) none(name, empty string) {
	switch e.absent {
	case LeaveOut:
	case WriteNull:
		e.raw(name, "null")
	case WriteEmpty, WriteBlank:
		e.raw(name, empty)
	}
}

// value writes an element of an array.
func (e *encoder) value(raw []byte) {
	e.comma()
	e.buf = append(e.buf, raw...)
}

// appendText quotes a text, keeping bytes that are no UTF-8.
func appendText(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	from := 0
	for i := range len(s) {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		buf = append(buf, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			buf = append(buf, '\\', b)
		case '\n':
			buf = append(buf, '\\', 'n')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	buf = append(buf, s[from:]...)
	return append(buf, '"')
}

// array opens an array under a name.
func (e *encoder) array(name string) {
	e.key(name)
	e.buf = append(e.buf, '[')
}

// field is a text of an object.
type field struct{ name, value string }

// object writes an object of texts; one that has none is absent.
func (e *encoder) object(name string, fields ...field) {
	if !slices.ContainsFunc(fields, func(f field) bool { return f.value != "" }) && e.absent != WriteBlank {
		e.none(name, "{}")
		return
	}
	e.key(name)
	e.buf = append(e.buf, '{')
	for _, f := range fields {
		e.text(f.name, f.value)
	}
	e.buf = append(e.buf, '}')
}
