// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestGolden asserts that the format is what it was: what is written, and that
// a file of that content is read.
func TestGolden(t *testing.T) {
	golden := filepath.Join("testdata", "version"+version+".jsonl")
	file := encoded(t, sample())
	body, ok := bytes.CutPrefix(file, []byte("huaweicloud_workspace_exporter state 2\n"))
	if !ok {
		t.Fatalf("the file begins with %.50q", file)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(body[:len(body)-sha256.Size]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(compressed)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the format changed: it needs a new version, unless a field was added that may be absent (-golden +written)\n%s", diff)
	}
	s, err := readBytes(fileOf(string(want)))
	if diff := cmp.Diff(*sample(), s); diff != "" || err != nil {
		t.Errorf("%v (-sample +read)\n%s", err, diff)
	}
}

// TestGoldenIsComplete asserts that the golden file has every field of every
// record.
func TestGoldenIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for line := range bytes.Lines(encodedRecords(t)) {
		var r record
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		mark(seen, reflect.ValueOf(r))
	}
	for name, fields := range schema(reflect.TypeFor[record](), map[string][]string{}) {
		for _, field := range fields {
			if name, _, _ := strings.Cut(name+"."+field, " "); !seen[name] {
				t.Errorf("%s is not set in the sample", name)
			}
		}
	}
}

// encodedRecords returns the golden records.
func encodedRecords(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "version"+version+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mark adds the fields below a value that are not zero.
func mark(seen map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mark(seen, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			mark(seen, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				seen[objectName(v.Type())+"."+jsonName(f)] = true
				mark(seen, v.Field(i))
			}
		}
	}
}

// schema collects the fields of all objects below a type, as "name type".
func schema(t reflect.Type, all map[string][]string) map[string][]string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	name := objectName(t)
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || all[name] != nil {
		return all
	}
	for f := range t.Fields() {
		all[name] = append(all[name], jsonName(f)+" "+typeName(f.Type))
		schema(f.Type, all)
	}
	return all
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// objectName returns the name of an object in the document.
func objectName(t reflect.Type) string {
	name := strings.TrimSuffix(t.Name(), "Record")
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// typeName returns the type of a field as the document writes it.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "object of " + typeName(t.Elem())
	case t.Kind() == reflect.Struct:
		return objectName(t)
	case t.Kind() == reflect.Int || t.Kind() == reflect.Uint64:
		return "integer"
	}
	return strings.ReplaceAll(t.Kind().String(), "bool", "boolean")
}

// TestDocument asserts that docs/state-file.md describes every field, and none
// that does not exist.
func TestDocument(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "state-file.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	object := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			object = strings.Trim(heading, "`")
		}
		cells := strings.Split(line, " | ")
		if name, ok := strings.CutPrefix(cells[0], "| `"); ok && object != "" && len(cells) == 3 {
			documented[object] = append(documented[object], strings.TrimSuffix(name, "`")+" "+cells[1])
		}
	}
	want := schema(reflect.TypeFor[record](), map[string][]string{})
	for _, all := range []map[string][]string{documented, want} {
		for _, fields := range all {
			slices.Sort(fields)
		}
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("docs/state-file.md (-code +document)\n%s", diff)
	}
}
