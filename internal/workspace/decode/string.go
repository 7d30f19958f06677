// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescape reads the rest of a string whose prefix is plain ASCII. It resolves
// escape sequences and replaces invalid UTF-8 by U+FFFD.
func (s *scanner) unescape(prefix []byte) []byte {
	buf := append(s.buf[:0], prefix...)
	invalid := false
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			s.buf = buf
			if invalid {
				s.invalidUTF8++
			}
			return buf
		case c == '\\':
			r, ok := s.readEscape()
			invalid = invalid || !ok
			buf = utf8.AppendRune(buf, r)
		case c < utf8.RuneSelf:
			s.pos++
			buf = append(buf, c)
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			s.pos += size
			invalid = invalid || r == utf8.RuneError && size == 1
			buf = utf8.AppendRune(buf, r)
		}
	}
	s.buf = buf
	s.err = ErrTruncated
	return nil
}

// readEscape reads an escape sequence. It returns false if the sequence is
// invalid.
func (s *scanner) readEscape() (rune, bool) {
	s.pos++
	if s.pos >= len(s.data) {
		return utf8.RuneError, false
	}
	c := s.data[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return s.readCodeUnits()
	}
	return utf8.RuneError, false
}

// readCodeUnits reads the digits of a \u escape, and the second half of a
// surrogate pair.
func (s *scanner) readCodeUnits() (rune, bool) {
	r, ok := s.readHex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	start := s.pos
	if s.skipLiteral(`\u`) {
		if low, ok := s.readHex(); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, true
			}
		}
	}
	s.pos = start // the following escape is a character of its own
	return utf8.RuneError, false
}

func (s *scanner) readHex() (rune, bool) {
	if s.pos+4 > len(s.data) {
		return utf8.RuneError, false
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return utf8.RuneError, false
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r, true
}

// interner returns the same string for equal bytes of one response: most
// desktops share their VPC, subnet and security groups. A nil interner copies.
type interner struct {
	strings map[string]string
}

// maxInterned limits the length of interned strings in bytes.
const maxInterned = 256

func (in *interner) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if in == nil || len(b) > maxInterned {
		return string(b)
	}
	if s, ok := in.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	if in.strings == nil {
		in.strings = map[string]string{}
	}
	in.strings[s] = s
	return s
}
