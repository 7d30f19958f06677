// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// walkAll turns a document into what encoding/json makes of it, with the
// scanner.
func walkAll(s *scanner) any {
	switch s.peek() {
	case kindObject:
		object := map[string]any{}
		for in := s.object(); in && s.nextMember(); {
			key := string(s.key)
			object[key] = walkAll(s)
		}
		return object
	case kindArray:
		array := []any{}
		for in := s.array(); in && s.nextElement(); {
			array = append(array, walkAll(s))
		}
		return array
	case kindText:
		return s.text(nil)
	case kindNumber:
		return json.Number(s.number())
	case kindBool:
		value := s.data[s.pos] == 't'
		s.skip()
		return value
	case kindNull, kindNone:
	}
	s.skip()
	return nil
}

func TestScannerReadsWhatJSONIs(t *testing.T) {
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
		got := walkAll(&s)
		if s.err != nil || s.strange+s.repaired != 0 {
			t.Errorf("%s: error %v, %d strange, %d repaired", text, s.err, s.strange, s.repaired)
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

func TestScannerSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		``:                           errTruncated,
		`{`:                          errTruncated,
		`{"a`:                        errTruncated,
		`{"a"`:                       errTruncated,
		`{"a":`:                      errTruncated,
		`{"a":1`:                     errTruncated,
		`{"a":1,`:                    errTruncated,
		`["\`:                        errTruncated,
		`["\u12`:                     errTruncated,
		`["é`:                        errTruncated,
		`[[[`:                        errTruncated,
		`{"a" 1}`:                    errSyntax,
		`{a:1}`:                      errSyntax,
		`{,}`:                        errSyntax,
		`{"a":1,}`:                   errSyntax,
		`[1,]`:                       errSyntax,
		`[1 2]`:                      errSyntax,
		`[1}`:                        errSyntax,
		`{"a":1]`:                    errSyntax,
		`[nul]`:                      errSyntax,
		`[truth]`:                    errSyntax,
		`<html>`:                     errSyntax,
		`{"a":<html>`:                errSyntax,
		strings.Repeat("[", 100_000): errSyntax,
	} {
		s := scanner{data: []byte(text)}
		if len(text) > 1000 {
			s.skip()
		} else {
			walkAll(&s)
		}
		if !errors.Is(s.err, want) {
			t.Errorf("%.20s: error %v, want %v", text, s.err, want)
		}
	}
}

func TestScannerRepairsText(t *testing.T) {
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
		if got := s.text(nil); got != want || s.repaired != 1 || s.err != nil {
			t.Errorf("%q: %q, %d repaired, error %v; want %q and 1", text, got, s.repaired, s.err, want)
		}
	}
	s := scanner{data: []byte("\"a real \ufffd, and a raw\nline\"")}
	if got := s.text(nil); got != "a real \ufffd, and a raw\nline" || s.repaired != 0 {
		t.Errorf("%q, %d repaired; want it as it is", got, s.repaired)
	}
}

func TestInternerGivesOneString(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxInterned+1)
	var in interner
	for range 2 {
		for _, text := range []string{"", "vpc", long} {
			if got := in.text([]byte(text)); got != text {
				t.Errorf("%q, want %q", got, text)
			}
		}
	}
	if len(in.known) != 1 {
		t.Errorf("%d texts remembered, want only the short one", len(in.known))
	}
}

// FuzzScanner compares the scanner with encoding/json: what that one takes, the
// scanner takes as well, and reads the same out of it.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b",{"c":null}],"d":"\ud83d\ude00"}`))
	f.Add([]byte(`{"networks":[{"computer_id":"x","network_infos":[null]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{data: data}
		got := walkAll(&s)
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
			return // a key twice, of several types, is no matter for us
		}
		if diff := cmp.Diff(want, got); diff != "" && utf8.Valid(data) {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	})
}

func tooDeep(data []byte) bool {
	return bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxDepth
}
