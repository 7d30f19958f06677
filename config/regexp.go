// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Regexp is an RE2 expression that has to match a text as a whole, as in
// Prometheus. The zero value matches every text.
type Regexp struct {
	source string
	re     *regexp.Regexp // nil: matches all
}

// NewRegexp compiles source. An empty source gives the zero value.
func NewRegexp(source string) (Regexp, error) {
	if source == "" {
		return Regexp{}, nil
	}
	// Alone first: what is no expression by itself must not become one by the anchors.
	if _, err := regexp.Compile(source); err != nil {
		return Regexp{}, err
	}
	re, err := regexp.Compile("^(?s:" + source + ")$")
	return Regexp{source: source, re: re}, err
}

// MatchString says whether the whole of s matches.
func (r Regexp) MatchString(s string) bool { return r.re == nil || r.re.MatchString(s) }

// IsZero says that every text matches because nothing was asked for.
func (r Regexp) IsZero() bool { return r.re == nil }

// Equal says that both were written alike.
func (r Regexp) Equal(other Regexp) bool { return r.source == other.source }

// String gives the expression as written, without the anchors.
func (r Regexp) String() string { return r.source }

// MarshalYAML gives the expression as written.
func (r Regexp) MarshalYAML() (any, error) { return r.source, nil }

// UnmarshalYAML compiles the expression.
func (r *Regexp) UnmarshalYAML(node *yaml.Node) error {
	var source string
	if err := node.Decode(&source); err != nil {
		return err
	}
	compiled, err := NewRegexp(source)
	if err != nil {
		return err
	}
	*r = compiled
	return nil
}
