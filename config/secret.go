// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

const mask = "<secret>"

// Secret is a text that shows itself to nobody who does not ask by Reveal.
// The zero value is no secret.
type Secret struct {
	// A pointer, because fmt calls no method of an unexported field: however
	// deep a Secret lies in what is printed, only an address can come out.
	value *string
}

// NewSecret hides s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal gives the text itself, for signing a request and for nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal says that both hide the same text.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// String gives the mask, or "" where there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString gives the mask.
func (s Secret) GoString() string { return s.String() }

// Format writes the mask for every verb, %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText gives the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the mask, quoted.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML gives the mask.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalYAML takes the text of a scalar as it stands.
func (s *Secret) UnmarshalYAML(node *yaml.Node) error {
	var text string
	if err := node.Decode(&text); err != nil {
		// The decoder's own words would quote the value.
		return fmt.Errorf("line %d: a secret must be a text", node.Line)
	}
	*s = NewSecret(text)
	return nil
}
