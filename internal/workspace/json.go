// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

// Why a scanner of our own: the standard decoder and the SDK's give up on a
// whole answer for one value of a wrong type, and cost five times as much.

var (
	errTruncated = errors.New("the answer ends before its end")
	errSyntax    = errors.New("the answer is not JSON")
)

// maxDepth bounds the nesting of an answer; the real ones have five levels.
const maxDepth = 128

// kind is the type of a JSON value, as its first byte tells it.
type kind int

const (
	kindNone kind = iota // no value: the end, or a byte that begins none
	kindObject
	kindArray
	kindText
	kindNumber
	kindBool
	kindNull
)

// scanner walks through one JSON document, value by value. The caller says what
// it expects; a value of another type is skipped and counted as strange. A
// fault in the document itself ends the walk: err then says why.
type scanner struct {
	data     []byte
	pos      int
	first    bool // the next member or element is the first of its container
	err      error
	key      []byte // of the member that nextMember found
	buf      []byte // of the last text that was not plain ASCII
	strange  int    // values of a wrong type
	repaired int    // texts that were not valid UTF-8
}

// peek tells the type of the next value and stays in front of it.
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
			return kindText
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

// object enters an object, if the next value is one: nextMember follows then,
// until it says false.
func (s *scanner) object() bool { return s.enter(kindObject) }

// array enters an array, if the next value is one: nextElement follows then,
// until it says false.
func (s *scanner) array() bool { return s.enter(kindArray) }

func (s *scanner) enter(want kind) bool {
	if s.peek() != want {
		s.nothing()
		return false
	}
	s.pos++
	s.first = true
	return s.err == nil
}

// nothing goes past a value that is not of the type expected. It decides what
// absence is: null, "", {} and [], beside the key that is not there at all.
// Anything else is strange.
func (s *scanner) nothing() {
	start := s.pos
	s.skip()
	switch value := s.data[start:s.pos]; {
	case string(value) == "null", len(value) == 2 && value[0] == '"':
	case len(value) >= 2 && (value[0] == '{' || value[0] == '[') && len(bytes.TrimSpace(value[1:len(value)-1])) == 0:
	default:
		s.strange++
	}
}

// nextMember goes to the value of the next member of an object.
func (s *scanner) nextMember() bool {
	if !s.next('}') {
		return false
	}
	if s.peek() != kindText {
		s.fail()
		return false
	}
	s.key = s.raw()
	s.peek()
	if s.pos >= len(s.data) || s.data[s.pos] != ':' {
		s.fail()
		return false
	}
	s.pos++
	return s.err == nil
}

// nextElement goes to the next element of an array.
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

// text reads a text; absence and a value of another type give "".
func (s *scanner) text(known *interner) string {
	if s.peek() != kindText {
		s.nothing()
		return ""
	}
	return known.text(s.raw())
}

// count reads a number of things; -1 stands for absent, strange or too large.
func (s *scanner) count() int {
	if s.peek() != kindNumber {
		s.nothing()
		return -1
	}
	n, err := strconv.ParseUint(string(s.number()), 10, 31)
	if err != nil {
		s.strange++
		return -1
	}
	return int(n)
}

// skip goes past the next value, whatever it is.
func (s *scanner) skip() {
	depth := 0
	for s.err == nil {
		switch s.peek() {
		case kindObject, kindArray:
			// Brackets are counted, not paired: what is skipped is not used.
			s.pos++
			depth++
			if depth > maxDepth {
				s.err = errSyntax
			}
			continue
		case kindText:
			s.pass()
		case kindNumber:
			s.number()
		case kindBool:
			if !s.literal("true") && !s.literal("false") {
				s.fail()
			}
		case kindNull:
			if !s.literal("null") {
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

func (s *scanner) literal(text string) bool {
	if s.pos+len(text) > len(s.data) || string(s.data[s.pos:s.pos+len(text)]) != text {
		return false
	}
	s.pos += len(text)
	return true
}

func (s *scanner) number() []byte {
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

// pass goes past a text without reading it.
func (s *scanner) pass() {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return
		}
	}
	s.err = errTruncated
}

// raw reads the text at pos as valid UTF-8. The bytes are good until the next
// call. Control characters stand for themselves: the standard forbids them, but
// they are no reason to lose a fleet.
func (s *scanner) raw() []byte {
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
	s.err = errTruncated
	return nil
}

// fail records where the document is broken: at its end, or before.
func (s *scanner) fail() {
	if s.err != nil {
		return
	}
	s.err = errSyntax
	if s.pos >= len(s.data) {
		s.err = errTruncated
	}
}
