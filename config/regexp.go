// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Regexp is an RE2 expression that is anchored at both ends, as in Prometheus. The
// zero value matches every text.
type Regexp struct {
	source string
	re     *regexp.Regexp // nil: matches every text
}

// NewRegexp compiles source. For an empty source, it returns the zero value.
func NewRegexp(source string) (Regexp, error) {
	if source == "" {
		return Regexp{}, nil
	}
	// Compile it without anchors first: they would make a)|(b valid.
	if _, err := regexp.Compile(source); err != nil {
		return Regexp{}, err
	}
	re, err := regexp.Compile("^(?s:" + source + ")$")
	return Regexp{source: source, re: re}, err
}

// MatchString reports whether r matches the whole of s.
func (r Regexp) MatchString(s string) bool { return r.re == nil || r.re.MatchString(s) }

// IsZero reports whether r is the zero value, which matches every text.
func (r Regexp) IsZero() bool { return r.re == nil }

// Equal reports whether both have the same source.
func (r Regexp) Equal(other Regexp) bool { return r.source == other.source }

// String returns the expression as configured, without the anchors.
func (r Regexp) String() string { return r.source }

// MarshalYAML returns the expression as configured.
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
