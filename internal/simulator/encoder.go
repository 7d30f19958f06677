// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import "slices"

// encoder appends JSON to a buffer. It is ours because encoding/json replaces
// invalid UTF-8, which tests send, and has no choice of encodings for absent values.
type encoder struct {
	buf    []byte
	absent AbsentValues
}

func (e *encoder) open(bracket byte) {
	e.comma()
	e.buf = append(e.buf, bracket)
}

func (e *encoder) close(bracket byte) { e.buf = append(e.buf, bracket) }

// comma appends a comma unless the next value is the first one.
func (e *encoder) comma() {
	if n := len(e.buf); n > 0 {
		switch e.buf[n-1] {
		case '{', '[', ':':
		default:
			e.buf = append(e.buf, ',')
		}
	}
}

// key appends a name, which must not need escaping.
func (e *encoder) key(name string) {
	e.comma()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

func (e *encoder) rawField(name, value string) {
	e.key(name)
	e.buf = append(e.buf, value...)
}

// stringField appends a string; "" is absent.
func (e *encoder) stringField(name, value string) {
	if value == "" {
		e.absentValue(name, `""`)
		return
	}
	e.key(name)
	e.buf = appendQuoted(e.buf, value)
}

// absentValue appends an absent value; empty is the empty value of its type.
func (e *encoder) absentValue(name, empty string) {
	switch e.absent {
	case OmitKey:
	case WriteNull:
		e.rawField(name, "null")
	case WriteEmpty, WriteBlank:
		e.rawField(name, empty)
	}
}

// rawElement appends JSON as an element of an array.
func (e *encoder) rawElement(raw []byte) {
	e.comma()
	e.buf = append(e.buf, raw...)
}

// appendQuoted appends a JSON string, with invalid UTF-8 unchanged.
func appendQuoted(buf []byte, s string) []byte {
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

// arrayField opens an array with a name.
func (e *encoder) arrayField(name string) {
	e.key(name)
	e.buf = append(e.buf, '[')
}

// field is a string field of an object.
type field struct{ name, value string }

// objectField appends an object of strings; one with empty strings only is absent.
func (e *encoder) objectField(name string, fields ...field) {
	if !slices.ContainsFunc(fields, func(f field) bool { return f.value != "" }) && e.absent != WriteBlank {
		e.absentValue(name, "{}")
		return
	}
	e.key(name)
	e.buf = append(e.buf, '{')
	for _, f := range fields {
		e.stringField(f.name, f.value)
	}
	e.buf = append(e.buf, '}')
}
