// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// decodeAny decodes a document into the same values as encoding/json.
func decodeAny(s *scanner) any {
	switch s.peek() {
	case kindObject:
		object := map[string]any{}
		for in := s.enterObject(); in && s.nextMember(); {
			key := string(s.key)
			object[key] = decodeAny(s)
		}
		return object
	case kindArray:
		array := []any{}
		for in := s.enterArray(); in && s.nextElement(); {
			array = append(array, decodeAny(s))
		}
		return array
	case kindString:
		return s.readString(nil)
	case kindNumber:
		return json.Number(s.readNumber())
	case kindBool:
		value := s.data[s.pos] == 't'
		s.skip()
		return value
	case kindNull, kindNone:
	}
	s.skip()
	return nil
}

func TestScannerMatchesEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `-1.5e+3`, `true`, `false`, `null`,
		` { "a" : [ 1 , 2 , { "b" : null } ] , "c" : "d" } `,
		"\t[\n1,\r\n2]", `[[],[[]],{}]`, `{"":""}`,
		`"\"\\\/\b\f\n\r\t"`, `"\u00e9\u4e2d\uD83D\ude00"`, `"é中😀"`, `{"\u0061":1}`,
	} {
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		s := scanner{data: []byte(text)}
		got := decodeAny(&s)
		if s.err != nil || s.mismatches+s.invalidUTF8 != 0 {
			t.Errorf("%s: error %v, %d mismatches, %d invalid strings", text, s.err, s.mismatches, s.invalidUTF8)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		skipped := scanner{data: []byte(text)}
		skipped.skip()
		if skipped.err != nil || len(bytes.TrimSpace(skipped.data[skipped.pos:])) != 0 {
			t.Errorf("%s: skipped to %d with error %v", text, skipped.pos, skipped.err)
		}
	}
}

func TestScannerErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		``:                           ErrTruncated,
		`{`:                          ErrTruncated,
		`{"a`:                        ErrTruncated,
		`{"a"`:                       ErrTruncated,
		`{"a":`:                      ErrTruncated,
		`{"a":1`:                     ErrTruncated,
		`{"a":1,`:                    ErrTruncated,
		`["\`:                        ErrTruncated,
		`["\u12`:                     ErrTruncated,
		`["é`:                        ErrTruncated,
		`[[[`:                        ErrTruncated,
		`{"a" 1}`:                    ErrSyntax,
		`{a:1}`:                      ErrSyntax,
		`{,}`:                        ErrSyntax,
		`{"a":1,}`:                   ErrSyntax,
		`[1,]`:                       ErrSyntax,
		`[1 2]`:                      ErrSyntax,
		`[1}`:                        ErrSyntax,
		`{"a":1]`:                    ErrSyntax,
		`[nul]`:                      ErrSyntax,
		`[truth]`:                    ErrSyntax,
		`<html>`:                     ErrSyntax,
		`{"a":<html>`:                ErrSyntax,
		strings.Repeat("[", 100_000): ErrSyntax,
	} {
		s := scanner{data: []byte(text)}
		if len(text) > 1000 {
			s.skip()
		} else {
			decodeAny(&s)
		}
		if !errors.Is(s.err, want) {
			t.Errorf("%.20s: error %v, want %v", text, s.err, want)
		}
	}
}

func TestReadStringReplacesInvalidUTF8(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\"\xd6\xd0\xce\xc4\"": "\ufffd\ufffd\ufffd\ufffd", // GBK
		"\"cut \xe4\xb8\"":     "cut \ufffd\ufffd",
		`"lone \ud800 half"`:   "lone \ufffd half",
		`"\udc00\ud83d\ude00"`: "\ufffd😀",
		`"\ud83d\u0041"`:       "\ufffdA",
		`"bad \x escape"`:      "bad \ufffd escape",
		`"bad \u12g4 escape"`:  "bad \ufffd12g4 escape",
	} {
		s := scanner{data: []byte(text)}
		if got := s.readString(nil); got != want || s.invalidUTF8 != 1 || s.err != nil {
			t.Errorf("%q: %q, %d invalid strings, error %v; want %q and 1", text, got, s.invalidUTF8, s.err, want)
		}
	}
	s := scanner{data: []byte("\"a real \ufffd, and a raw\nline\"")}
	if got := s.readString(nil); got != "a real \ufffd, and a raw\nline" || s.invalidUTF8 != 0 {
		t.Errorf("%q, %d invalid strings; want it unchanged", got, s.invalidUTF8)
	}
}

func TestInternerStoresShortStrings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxInterned+1)
	var in interner
	for range 2 {
		for _, text := range []string{"", "vpc", long} {
			if got := in.intern([]byte(text)); got != text {
				t.Errorf("%q, want %q", got, text)
			}
		}
	}
	if len(in.strings) != 1 {
		t.Errorf("%d strings stored, want only the short one", len(in.strings))
	}
}

// FuzzScanner compares the scanner with encoding/json: the scanner accepts every
// valid document, and decodes it to the same values.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b",{"c":null}],"d":"\ud83d\ude00"}`))
	f.Add([]byte(`{"networks":[{"computer_id":"x","network_infos":[null]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{data: data}
		got := decodeAny(&s)
		skipped := scanner{data: data}
		skipped.skip()
		if s.err == nil && skipped.err != nil {
			t.Errorf("%q is read but not skipped: %v", data, skipped.err)
		}
		if !json.Valid(data) || tooDeep(data) {
			return
		}
		if s.err != nil {
			t.Fatalf("%q: %v", data, s.err)
		}
		var want any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			return // duplicate keys with values of several types
		}
		if diff := cmp.Diff(want, got); diff != "" && utf8.Valid(data) {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	})
}

func tooDeep(data []byte) bool {
	return bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxDepth
}
