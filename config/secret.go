// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

const mask = "<secret>"

// Secret is a text that is masked in all output. Only Reveal returns it. The zero
// value is an absent secret.
type Secret struct {
	// A pointer, because fmt calls no method of an unexported field: even there,
	// it prints only an address.
	value *string
}

// NewSecret returns a Secret of s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the text, for sending or signing a request only.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is absent.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both have the same text.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// String returns the mask, or "" if the secret is absent.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString returns the mask.
func (s Secret) GoString() string { return s.String() }

// Format writes the mask for every verb, %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns the mask in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML returns the mask.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalYAML sets the secret to the text of a scalar.
func (s *Secret) UnmarshalYAML(node *yaml.Node) error {
	var text string
	if err := node.Decode(&text); err != nil {
		// The error of package yaml would quote the value.
		return fmt.Errorf("line %d: a secret must be a text", node.Line)
	}
	*s = NewSecret(text)
	return nil
}
