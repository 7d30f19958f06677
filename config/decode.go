// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

const (
	maxValues = 250_000 // values of an alias count each time
	maxDepth  = 100     // of merges: an alias may contain itself
)

// decoder decodes YAML nodes into Go values by their struct tags. The decoder of
// package yaml stops at the first unknown key, without its path, and its errors
// quote values; this one reports all errors, each with path and line, and quotes
// nothing that may be a secret.
type decoder struct {
	*errorList
	valueCount int
}

// decode decodes node into target, a pointer.
func (l *errorList) decode(node *yaml.Node, target any) {
	d := decoder{errorList: l}
	d.lines[""] = node.Line
	d.decodeValue(node, "", reflect.ValueOf(target).Elem())
}

// countValues adds n values, and reports whether the total is within maxValues.
func (d *decoder) countValues(n int) bool {
	d.valueCount += n
	if d.valueCount > maxValues {
		d.add("", "more than %d values, with values of aliases counted each time; shorten the file, or split it", maxValues)
		return false
	}
	return true
}

// decodeValue decodes node into out. Recursion is limited by the depth of the Go
// types, so that only merges need a limit of their own.
func (d *decoder) decodeValue(node *yaml.Node, path string, out reflect.Value) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.ShortTag() == "!!null" {
		return // a key without a value counts as absent
	}
	want, got := kindOf(out.Type()), node.Kind
	switch {
	case want != got && want == yaml.MappingNode && out.Kind() == reflect.Struct:
		d.add(path, "must be a mapping, not %s; valid keys: %s", kindNames[got], strings.Join(keysOf(out.Type()), ", "))
	case want != got:
		d.add(path, "must be %s, not %s", kindNames[want], kindNames[got])
	case want == yaml.ScalarNode:
		d.decodeScalar(node, path, out)
	case want == yaml.SequenceNode:
		d.decodeList(node, path, out)
	default:
		for _, p := range d.mappingEntries(node, path, 0) {
			d.decodeEntry(p, path, out)
		}
	}
}

func (d *decoder) decodeList(node *yaml.Node, path string, out reflect.Value) {
	if !d.countValues(len(node.Content)) {
		return
	}
	out.Set(reflect.MakeSlice(out.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		d.lines[itemPath] = item.Line
		if item.ShortTag() == "!!null" {
			d.add(itemPath, "empty list item; add a value, or remove it")
			continue
		}
		setDefaults(out.Index(i))
		d.decodeValue(item, itemPath, out.Index(i))
	}
}

type entry struct{ key, value *yaml.Node }

// mappingEntries returns the entries of a mapping, each key once. Entries that
// are merged by << come last; the first entry of a key wins.
func (d *decoder) mappingEntries(node *yaml.Node, path string, depth int) []entry {
	if depth > maxDepth {
		d.add(path, "merge key << refers to itself; write the keys without <<")
		return nil
	}
	if !d.countValues(1) {
		return nil
	}
	var all, merged []entry
	seen := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, d.mergedEntries(value, path, depth+1)...)
		case key.Kind != yaml.ScalarNode:
			d.add(path, "key on line %d is not a plain value; use a single word", key.Line)
		case seen[key.Value] > 0 && !keyLike.MatchString(key.Value):
			d.add(path, "duplicate key on lines %d and %d; remove one", seen[key.Value], key.Line)
		case seen[key.Value] > 0:
			d.add(keyPath(path, key.Value), "set twice, on lines %d and %d; remove one", seen[key.Value], key.Line)
		default:
			seen[key.Value] = key.Line
			all = append(all, entry{key, value})
		}
	}
	for _, p := range merged {
		if seen[p.key.Value] == 0 {
			seen[p.key.Value] = p.key.Line
			all = append(all, p)
		}
	}
	if !d.countValues(len(all)) {
		return nil
	}
	return all
}

func (d *decoder) mergedEntries(node *yaml.Node, path string, depth int) []entry {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.MappingNode:
		return d.mappingEntries(node, path, depth)
	case yaml.SequenceNode:
		var all []entry
		for _, item := range node.Content {
			if depth > maxDepth || d.valueCount > maxValues {
				break
			}
			all = append(all, d.mergedEntries(item, path, depth+1)...)
		}
		return all
	default:
		d.add(path, "merge key << on line %d is not followed by a mapping; use an alias of a mapping", node.Line)
		return nil
	}
}

func (d *decoder) decodeEntry(p entry, path string, out reflect.Value) {
	key := p.key.Value
	entryPath := keyPath(path, key)
	if out.Kind() == reflect.Map {
		d.lines[entryPath] = p.key.Line
		element := reflect.New(out.Type().Elem()).Elem()
		d.decodeValue(p.value, entryPath, element)
		if out.IsNil() {
			out.Set(reflect.MakeMap(out.Type()))
		}
		out.SetMapIndex(reflect.ValueOf(key), element)
		return
	}
	for name, field := range fields(out.Type()) {
		if name == key {
			d.lines[entryPath] = p.key.Line
			d.decodeValue(p.value, entryPath, out.FieldByIndex(field.Index))
			return
		}
	}
	if !keyLike.MatchString(key) {
		// It is not quoted: a colon without a space makes a secret part of a key.
		d.add(path, "invalid key on line %d; write a key, a colon and a space; valid keys: %s",
			p.key.Line, strings.Join(keysOf(out.Type()), ", "))
		return
	}
	d.lines[entryPath] = p.key.Line
	d.add(entryPath, "unknown key; valid keys: %s", strings.Join(keysOf(out.Type()), ", "))
}

func (d *decoder) decodeScalar(node *yaml.Node, path string, out reflect.Value) {
	if !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, node.ShortTag()) {
		d.add(path, "YAML tag is not supported; remove it, or put the value in quotes")
		return
	}
	if out.Kind() == reflect.String {
		out.SetString(node.Value) // unchanged: an ID may look like a number
		return
	}
	target := out.Addr().Interface()
	err := node.Decode(target)
	if out.Kind() == reflect.Int && node.ShortTag() == "!!float" {
		err = errNotInteger // package yaml would truncate it
	}
	if err == nil {
		return
	}
	switch target.(type) {
	case *model.Duration:
		d.add(path, "invalid duration %q; use a value such as 30s, 5m or 1h", node.Value)
	case *bool:
		d.add(path, "invalid boolean %q; use true or false", node.Value)
	case *int:
		d.add(path, "invalid number %q; use a whole number", node.Value)
	case *Regexp:
		d.add(path, "invalid RE2 regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case *promconfig.TLSVersion:
		d.add(path, "unknown TLS version %q; use TLS10, TLS11, TLS12 or TLS13", node.Value)
	default:
		// A URL is not quoted: it may contain a password.
		d.add(path, "invalid proxy URL; use a URL such as http://proxy.example.com:3128, and percent-encode special characters of a password")
	}
}

// keyPath returns path with key appended, quoted if it has special characters.
func keyPath(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

var errNotInteger = errors.New("not a whole number")

var (
	plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	keyLike  = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]{0,29}$`) // excludes access keys (they begin with a capital letter) and secret keys (longer)
)

var kindNames = map[yaml.Kind]string{
	yaml.ScalarNode: "a single value", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping",
}

// kindOf returns the kind of YAML node that t is decoded from. A struct without
// keys is decoded from a single value by its own method.
func kindOf(t reflect.Type) yaml.Kind {
	switch {
	case t.Kind() == reflect.Slice:
		return yaml.SequenceNode
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct && len(keysOf(t)) > 0:
		return yaml.MappingNode
	default:
		return yaml.ScalarNode
	}
}

// fields iterates over the YAML keys of a struct, inlined ones included.
func fields(t reflect.Type) iter.Seq2[string, reflect.StructField] {
	return func(yield func(string, reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if option == "inline" {
				for name, inner := range fields(f.Type) {
					inner.Index = append([]int{i}, inner.Index...)
					if !yield(name, inner) {
						return
					}
				}
				continue
			}
			// The *_ref keys of Prometheus refer to a secret manager, which the
			// exporter does not have.
			if name != "" && !strings.HasSuffix(name, "_ref") && !yield(name, f) {
				return
			}
		}
	}
}

// keysOf returns the YAML keys of a struct.
func keysOf(t reflect.Type) []string {
	var keys []string
	for key := range fields(t) {
		keys = append(keys, key)
	}
	return keys
}

// defaulter is a type with defaults other than its zero value.
type defaulter interface{ setDefaults() }

func setDefaults(v reflect.Value) {
	if d, ok := reflect.TypeAssert[defaulter](v.Addr()); ok {
		d.setDefaults()
	}
}
