// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// chunk is how much is gathered before it is written: an answer of any size
// needs no more memory than that.
const chunk = 64 << 10

// encoder writes JSON piece by piece. It writes no more after an error.
type encoder struct {
	w     io.Writer
	buf   []byte
	comma bool // something stands before in the same object or array
	err   error
}

func newEncoder(w io.Writer) *encoder {
	return &encoder{w: w, buf: make([]byte, 0, chunk+8<<10)}
}

// separate goes before a value or a key.
func (e *encoder) separate() {
	if e.comma {
		e.buf = append(e.buf, ',')
	}
	e.comma = true
}

func (e *encoder) open(bracket byte) {
	e.separate()
	e.buf = append(e.buf, bracket)
	e.comma = false
}

func (e *encoder) end(bracket byte) {
	e.buf = append(e.buf, bracket)
	e.comma = true
}

// line begins a new line, and writes what has been gathered if it is enough.
func (e *encoder) line() {
	e.separate()
	e.buf = append(e.buf, '\n')
	e.comma = false
	if len(e.buf) >= chunk {
		e.flush()
	}
}

func (e *encoder) flush() {
	if e.err == nil && len(e.buf) > 0 {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// key goes before a value in an object. It must be plain ASCII.
func (e *encoder) key(name string) {
	e.separate()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
	e.comma = false
}

func (e *encoder) object(name string) { e.key(name); e.open('{') }
func (e *encoder) array(name string)  { e.key(name); e.open('[') }

func (e *encoder) text(name, value string) { e.key(name); e.value(value) }

// optional writes an empty text as null.
func (e *encoder) optional(name, value string) {
	if value == "" {
		e.null(name)
	} else {
		e.text(name, value)
	}
}

func (e *encoder) value(text string) {
	e.separate()
	e.buf = appendString(e.buf, text)
}

func (e *encoder) null(name string) { e.raw(name, "null") }

func (e *encoder) raw(name, json string) {
	e.key(name)
	e.buf = append(e.buf, json...)
	e.comma = true
}

func (e *encoder) bool(name string, b bool) { e.raw(name, strconv.FormatBool(b)) }
func (e *encoder) int(name string, n int)   { e.raw(name, strconv.Itoa(n)) }

// time writes a time in UTC, and that which is not known as null.
func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		e.null(name)
	} else {
		e.text(name, t.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
}

// appendString appends a text as JSON spells it. What is no UTF-8, which
// snapshots do not hold, becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
