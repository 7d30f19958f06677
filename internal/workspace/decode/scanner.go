// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

var (
	// ErrTruncated is the error of a body that ends inside a JSON value.
	ErrTruncated = errors.New("response body is truncated")
	// ErrSyntax is the error of a body that is not JSON.
	ErrSyntax = errors.New("response body is not JSON")
)

// maxDepth limits the nesting of a document. Real responses have five levels.
const maxDepth = 128

// kind is the type of a JSON value, which its first byte determines.
type kind int

const (
	kindNone kind = iota // no value: the end of the document, or a byte that starts no value
	kindObject
	kindArray
	kindString
	kindNumber
	kindBool
	kindNull
)

// scanner reads one JSON document value by value. The caller requests the type
// that it expects. A value of another type is skipped and counted in
// mismatches. A syntax error stops the scanner and is stored in err.
type scanner struct {
	data        []byte
	pos         int
	first       bool // the next member or element is the first one of its container
	err         error
	key         []byte // key of the member that nextMember found
	buf         []byte // buffer of the last string that was not plain ASCII
	mismatches  int    // values of an unexpected type
	invalidUTF8 int    // strings that were not valid UTF-8
}

// peek returns the type of the next value without consuming it.
func (s *scanner) peek() kind {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		case '{':
			return kindObject
		case '[':
			return kindArray
		case '"':
			return kindString
		case 't', 'f':
			return kindBool
		case 'n':
			return kindNull
		default:
			if c == '-' || c >= '0' && c <= '9' {
				return kindNumber
			}
			return kindNone
		}
	}
	return kindNone
}

// enterObject reports whether the next value is an object, and enters it. The
// caller then calls nextMember until it returns false.
func (s *scanner) enterObject() bool { return s.enter(kindObject) }

// enterArray reports whether the next value is an array, and enters it. The
// caller then calls nextElement until it returns false.
func (s *scanner) enterArray() bool { return s.enter(kindArray) }

func (s *scanner) enter(want kind) bool {
	if s.peek() != want {
		s.skipMismatch()
		return false
	}
	s.pos++
	s.first = true
	return s.err == nil
}

// skipMismatch skips a value that is not of the expected type. It defines what
// counts as absent beside a missing key: null, "", {} and []. Any other value
// is a mismatch.
func (s *scanner) skipMismatch() {
	start := s.pos
	s.skip()
	switch value := s.data[start:s.pos]; {
	case string(value) == "null", len(value) == 2 && value[0] == '"':
	case len(value) >= 2 && (value[0] == '{' || value[0] == '[') && len(bytes.TrimSpace(value[1:len(value)-1])) == 0:
	default:
		s.mismatches++
	}
}

// nextMember moves to the value of the next member of an object.
func (s *scanner) nextMember() bool {
	if !s.next('}') {
		return false
	}
	if s.peek() != kindString {
		s.fail()
		return false
	}
	s.key = s.readBytes()
	s.peek()
	if s.pos >= len(s.data) || s.data[s.pos] != ':' {
		s.fail()
		return false
	}
	s.pos++
	return s.err == nil
}

// nextElement moves to the next element of an array.
func (s *scanner) nextElement() bool { return s.next(']') }

func (s *scanner) next(end byte) bool {
	if s.err != nil {
		return false
	}
	k := s.peek()
	first := s.first
	s.first = false
	switch {
	case k != kindNone && first:
		return true
	case k == kindNone && s.pos < len(s.data) && s.data[s.pos] == end:
		s.pos++
		return false
	case k == kindNone && !first && s.pos < len(s.data) && s.data[s.pos] == ',':
		s.pos++
		if s.peek() != kindNone {
			return true
		}
	}
	s.fail()
	return false
}

// readString reads a string. It returns "" for an absent value and for a value
// of another type. A nil interner copies the string.
func (s *scanner) readString(in *interner) string {
	if s.peek() != kindString {
		s.skipMismatch()
		return ""
	}
	return in.intern(s.readBytes())
}

// readCount reads a non-negative integer of 31 bits, or a string that contains
// one. It returns -1 for null and for an unreadable value, and ok = false for the
// latter: unlike other fields, a count that is "", {} or [] is not absent, because
// an absent count cannot contradict an empty list.
func (s *scanner) readCount() (n int, ok bool) {
	var digits []byte
	switch s.peek() {
	case kindNull:
		s.skip()
		return -1, true
	case kindNumber:
		digits = s.readNumber()
	case kindString:
		digits = s.readBytes()
	default:
		s.skip()
	}
	count, err := strconv.ParseUint(string(digits), 10, 31)
	if err != nil {
		s.mismatches++
		return -1, false
	}
	return int(count), true
}

// readBool reads a boolean. It returns false for null and for an unreadable value,
// and ok = false for the latter.
func (s *scanner) readBool() (value, ok bool) {
	switch s.peek() {
	case kindBool:
		value = s.data[s.pos] == 't'
	case kindNull:
	default:
		s.skip()
		s.mismatches++
		return false, false
	}
	s.skip()
	return value, true
}

// skip skips the next value of any type.
func (s *scanner) skip() {
	depth := 0
	for s.err == nil {
		switch s.peek() {
		case kindObject, kindArray:
			// Brackets are counted, not matched: a skipped value is not used.
			s.pos++
			depth++
			if depth > maxDepth {
				s.err = ErrSyntax
			}
			continue
		case kindString:
			s.skipString()
		case kindNumber:
			s.readNumber()
		case kindBool:
			if !s.skipLiteral("true") && !s.skipLiteral("false") {
				s.fail()
			}
		case kindNull:
			if !s.skipLiteral("null") {
				s.fail()
			}
		case kindNone:
			if s.pos >= len(s.data) || depth == 0 {
				s.fail()
				return
			}
			switch s.data[s.pos] {
			case '}', ']':
				depth--
			case ',', ':':
			default:
				s.fail()
			}
			s.pos++
		}
		if depth == 0 {
			return
		}
	}
}

func (s *scanner) skipLiteral(text string) bool {
	if s.pos+len(text) > len(s.data) || string(s.data[s.pos:s.pos+len(text)]) != text {
		return false
	}
	s.pos += len(text)
	return true
}

func (s *scanner) readNumber() []byte {
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.pos++
			continue
		}
		break
	}
	return s.data[start:s.pos]
}

// skipString skips a string without decoding it.
func (s *scanner) skipString() {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return
		}
	}
	s.err = ErrTruncated
}

// readBytes reads the string at pos as valid UTF-8. The bytes are valid until
// the next call. Raw control characters are accepted: RFC 8259 forbids them, but
// they must not make a whole page unreadable.
func (s *scanner) readBytes() []byte {
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[start:i]
		case c == '\\' || c >= utf8.RuneSelf:
			s.pos = i
			return s.unescape(s.data[start:i])
		}
	}
	s.err = ErrTruncated
	return nil
}

// fail sets the error of an invalid document: truncated at its end, otherwise
// a syntax error.
func (s *scanner) fail() {
	if s.err != nil {
		return
	}
	s.err = ErrSyntax
	if s.pos >= len(s.data) {
		s.err = ErrTruncated
	}
}
