// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescape goes on with a text whose first, plain part is given: escapes are
// resolved, and what is no valid UTF-8 becomes U+FFFD.
func (s *scanner) unescape(plain []byte) []byte {
	buf := append(s.buf[:0], plain...)
	broken := false
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			s.buf = buf
			if broken {
				s.repaired++
			}
			return buf
		case c == '\\':
			r, ok := s.escape()
			broken = broken || !ok
			buf = utf8.AppendRune(buf, r)
		case c < utf8.RuneSelf:
			s.pos++
			buf = append(buf, c)
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			s.pos += size
			broken = broken || r == utf8.RuneError && size == 1
			buf = utf8.AppendRune(buf, r)
		}
	}
	s.buf = buf
	s.err = errTruncated
	return nil
}

// escape reads what follows a backslash; false: it means nothing.
func (s *scanner) escape() (rune, bool) {
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
		return s.codeUnits()
	}
	return utf8.RuneError, false
}

// codeUnits reads the digits of \u, and the second half of a surrogate pair.
func (s *scanner) codeUnits() (rune, bool) {
	r, ok := s.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	back := s.pos
	if s.literal(`\u`) {
		if low, ok := s.hex(); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, true
			}
		}
	}
	s.pos = back // what follows speaks for itself
	return utf8.RuneError, false
}

func (s *scanner) hex() (rune, bool) {
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

// interner gives one string for equal texts of one answer: most desktops share
// their VPC, subnet and groups. A nil interner copies.
type interner struct {
	known map[string]string
}

// maxInterned bounds the length of texts worth remembering, and their number.
const maxInterned = 256

func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if in == nil || len(b) > maxInterned {
		return string(b)
	}
	if s, ok := in.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if in.known == nil {
		in.known = map[string]string{}
	}
	in.known[s] = s
	return s
}
