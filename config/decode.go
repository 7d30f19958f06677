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
	maxValues = 250_000 // what aliases repeat is counted each time
	maxDepth  = 100     // aliases may lead back to where they stand
)

// decoder fills values from YAML by their struct tags. Package yaml's own stops
// at an unknown key without a word of where it is; this one finds all faults,
// each with its path and line, and quotes nothing that may be a secret.
type decoder struct {
	*errorList
	valueCount int
}

// decode fills target, a pointer, from node.
func (r *errorList) decode(node *yaml.Node, target any) {
	d := decoder{errorList: r}
	d.lines[""] = node.Line
	d.decodeValue(node, "", reflect.ValueOf(target).Elem())
}

// countValues counts values, and says whether there is room for n more.
func (d *decoder) countValues(n int) bool {
	d.valueCount += n
	if d.valueCount > maxValues {
		d.add("", "holds more than %d values, aliases counted each time; write less, or split it", maxValues)
		return false
	}
	return true
}

// decodeValue decodes node into out. It goes no deeper than the types do, so that
// only merges need a bound on depth.
func (d *decoder) decodeValue(node *yaml.Node, path string, out reflect.Value) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.ShortTag() == "!!null" {
		return // a key without a value is an absent key
	}
	want, got := kindOf(out.Type()), node.Kind
	switch {
	case want != got && want == yaml.MappingNode && out.Kind() == reflect.Struct:
		d.add(path, "must be a mapping, not %s; its keys are: %s", kindNames[got], strings.Join(keysOf(out.Type()), ", "))
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
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		if item.ShortTag() == "!!null" {
			d.add(at, "is empty; fill it in or remove it")
			continue
		}
		setDefaults(out.Index(i))
		d.decodeValue(item, at, out.Index(i))
	}
}

type entry struct{ key, value *yaml.Node }

// mappingEntries gives the keys of a mapping, each once. What is merged in by << comes
// after what stands beside it, and the first of a name wins.
func (d *decoder) mappingEntries(node *yaml.Node, path string, depth int) []entry {
	if depth > maxDepth {
		d.add(path, "merges itself; write it without <<")
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
			d.add(path, "has a key on line %d that is not a single word", key.Line)
		case seen[key.Value] > 0 && !keyLike.MatchString(key.Value):
			d.add(path, "has a key twice, on lines %d and %d; remove one", seen[key.Value], key.Line)
		case seen[key.Value] > 0:
			d.add(keyPath(path, key.Value), "is given twice, on lines %d and %d; remove one", seen[key.Value], key.Line)
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
		d.add(path, "merges something on line %d that is not a mapping", node.Line)
		return nil
	}
}

func (d *decoder) decodeEntry(p entry, path string, out reflect.Value) {
	key := p.key.Value
	at := keyPath(path, key)
	if out.Kind() == reflect.Map {
		d.lines[at] = p.key.Line
		element := reflect.New(out.Type().Elem()).Elem()
		d.decodeValue(p.value, at, element)
		if out.IsNil() {
			out.Set(reflect.MakeMap(out.Type()))
		}
		out.SetMapIndex(reflect.ValueOf(key), element)
		return
	}
	for name, field := range fields(out.Type()) {
		if name == key {
			d.lines[at] = p.key.Line
			d.decodeValue(p.value, at, out.FieldByIndex(field.Index))
			return
		}
	}
	if !keyLike.MatchString(key) {
		// It may be a secret that slipped into a key's place, after a colon
		// without a space.
		d.add(path, "has something on line %d that is not a key; a key is followed by a colon and a space, and the keys here are: %s",
			p.key.Line, strings.Join(keysOf(out.Type()), ", "))
		return
	}
	d.lines[at] = p.key.Line
	d.add(at, "is an unknown key; the keys here are: %s", strings.Join(keysOf(out.Type()), ", "))
}

func (d *decoder) decodeScalar(node *yaml.Node, path string, out reflect.Value) {
	if !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, node.ShortTag()) {
		d.add(path, "must be a plain value without a YAML tag; put it in quotes")
		return
	}
	if out.Kind() == reflect.String {
		out.SetString(node.Value) // as written: an ID may look like a number
		return
	}
	target := out.Addr().Interface()
	err := node.Decode(target)
	if out.Kind() == reflect.Int && node.ShortTag() == "!!float" {
		err = errNotInteger // which package yaml would cut off
	}
	if err == nil {
		return
	}
	switch target.(type) {
	case *model.Duration:
		d.add(path, "must be a duration such as 30s, 5m or 1h, not %q", node.Value)
	case *bool:
		d.add(path, "must be true or false, not %q", node.Value)
	case *int:
		d.add(path, "must be a whole number, not %q", node.Value)
	case *Regexp:
		d.add(path, "must be an RE2 regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case *promconfig.TLSVersion:
		d.add(path, "must be TLS10, TLS11, TLS12 or TLS13, not %q", node.Value)
	default:
		// A URL, which may hold a password, whole or in pieces.
		d.add(path, "must be a URL like http://proxy.example.com:3128; percent-encode special characters in a password")
	}
}

// keyPath appends a key to a path, quoted where it would be misread.
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
	keyLike  = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]{0,29}$`) // access keys begin with a capital, secret ones are longer
)

var kindNames = map[yaml.Kind]string{
	yaml.ScalarNode: "a single value", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping",
}

// kindOf says what t is in YAML. A struct without keys is a single value that
// decodes itself.
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

// fields walks the YAML keys of a struct, inlined ones included.
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
			// Prometheus' *_ref name secrets of a manager that is not here.
			if name != "" && !strings.HasSuffix(name, "_ref") && !yield(name, f) {
				return
			}
		}
	}
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for key := range fields(t) {
		keys = append(keys, key)
	}
	return keys
}

// defaulter is a type that has defaults other than zero.
type defaulter interface{ setDefaults() }

func setDefaults(v reflect.Value) {
	if d, ok := reflect.TypeAssert[defaulter](v.Addr()); ok {
		d.setDefaults()
	}
}
