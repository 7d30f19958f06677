// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// bufferSize is the number of bytes that are buffered before a write. It bounds
// the memory of a response of any size.
const bufferSize = 64 << 10

// encoder is a streaming JSON encoder. After a write error it writes nothing more,
// and err is that error.
type encoder struct {
	w     io.Writer
	buf   []byte
	comma bool // the next key or value needs a comma before it
	err   error
}

func newEncoder(w io.Writer) *encoder {
	return &encoder{w: w, buf: make([]byte, 0, bufferSize+8<<10)}
}

// separator appends the comma that a key or a value may need before it.
func (e *encoder) separator() {
	if e.comma {
		e.buf = append(e.buf, ',')
	}
	e.comma = true
}

// begin appends the opening bracket of an object or array.
func (e *encoder) begin(bracket byte) {
	e.separator()
	e.buf = append(e.buf, bracket)
	e.comma = false
}

// end appends the closing bracket of an object or array.
func (e *encoder) end(bracket byte) {
	e.buf = append(e.buf, bracket)
	e.comma = true
}

// newline appends a line break, and writes the buffer when it is full.
func (e *encoder) newline() {
	e.separator()
	e.buf = append(e.buf, '\n')
	e.comma = false
	if len(e.buf) >= bufferSize {
		e.flush()
	}
}

// flush writes the buffer.
func (e *encoder) flush() {
	if e.err == nil && len(e.buf) > 0 {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// key appends the key of an object's member. The name must be ASCII without
// characters that JSON escapes.
func (e *encoder) key(name string) {
	e.separator()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
	e.comma = false
}

func (e *encoder) object(name string) { e.key(name); e.begin('{') }
func (e *encoder) array(name string)  { e.key(name); e.begin('[') }

func (e *encoder) string(name, value string) { e.key(name); e.stringValue(value) }

// stringOrNull appends a member with a string value, or null if it is empty.
func (e *encoder) stringOrNull(name, value string) {
	if value == "" {
		e.null(name)
	} else {
		e.string(name, value)
	}
}

func (e *encoder) stringValue(value string) {
	e.separator()
	e.buf = appendString(e.buf, value)
}

func (e *encoder) null(name string) { e.raw(name, "null") }

func (e *encoder) raw(name, json string) {
	e.key(name)
	e.buf = append(e.buf, json...)
	e.comma = true
}

func (e *encoder) bool(name string, b bool) { e.raw(name, strconv.FormatBool(b)) }
func (e *encoder) int(name string, n int)   { e.raw(name, strconv.Itoa(n)) }

// time appends a member with a time in UTC, or null if it is zero.
func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		e.null(name)
	} else {
		e.string(name, t.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
}

// appendString appends s as a JSON string. Invalid UTF-8, which snapshots do not
// contain, is replaced by U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
