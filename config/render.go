// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// Masked returns the effective configuration as YAML, with defaults filled in and
// secrets masked.
func (c *Config) Masked() string {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(c); err != nil {
		// All types of this package can be encoded. If one cannot, mask it all.
		return mask
	}
	return b.String()
}

// MarshalYAML returns the credentials with secrets masked, and the access key as
// well: it is not a secret, but half of what an attacker needs.
func (c Credentials) MarshalYAML() (any, error) {
	type plain Credentials
	if c.AccessKey != "" {
		c.AccessKey = mask
	}
	return plain(c), nil
}

// MarshalYAML returns the options with secrets masked. proxy_from_environment is
// never omitted, because its default is not false.
func (h HTTP) MarshalYAML() (any, error) {
	return struct {
		ProxyURL             promconfig.URL         `yaml:"proxy_url,omitempty"`
		NoProxy              string                 `yaml:"no_proxy,omitempty"`
		ProxyFromEnvironment bool                   `yaml:"proxy_from_environment"`
		ProxyConnectHeader   promconfig.ProxyHeader `yaml:"proxy_connect_header,omitempty"`
		TLS                  promconfig.TLSConfig   `yaml:"tls_config,omitempty"`
		EnableHTTP2          bool                   `yaml:"enable_http2"`
	}{h.ProxyURL, h.NoProxy, h.ProxyFromEnvironment, h.ProxyConnectHeader, h.TLS, h.EnableHTTP2}, nil
}

// String returns the options as YAML on one line, with secrets masked.
func (h HTTP) String() string {
	var node yaml.Node
	if err := node.Encode(h); err != nil {
		return mask
	}
	node.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil {
		return mask
	}
	return strings.TrimSpace(string(text))
}

// Format writes String for every verb: Prometheus' types in the options would
// reveal their secrets to package fmt.
func (h HTTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// MarshalJSON returns the options with secrets masked.
func (h HTTP) MarshalJSON() ([]byte, error) {
	var plain map[string]any
	if err := yaml.Unmarshal([]byte(h.String()), &plain); err != nil {
		return nil, fmt.Errorf("encode HTTP options: %w", err)
	}
	return json.Marshal(plain)
}

// Fingerprint returns a hash of all options of the project, secrets included. If
// it is equal after a reload, the project has not changed. It does not reveal the
// secrets.
func (p Project) Fingerprint() string { return fingerprint(p) }

// Fingerprint returns a hash of all options of the account, secrets included.
func (a Account) Fingerprint() string { return fingerprint(a) }

func fingerprint(v any) string {
	var b bytes.Buffer
	writeCanonical(&b, reflect.ValueOf(v))
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// writeCanonical writes v with secrets revealed, such that different values never
// have the same text.
func writeCanonical(w *bytes.Buffer, v reflect.Value) {
	switch value := v.Interface().(type) {
	case Secret:
		fmt.Fprintf(w, "%q,", value.Reveal())
		return
	case Regexp:
		fmt.Fprintf(w, "%q,", value)
		return
	case promconfig.URL:
		fmt.Fprintf(w, "%q,", fmt.Sprint(value.URL))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for key, field := range fields(v.Type()) {
			fmt.Fprintf(w, "%s:", key)
			writeCanonical(w, v.FieldByIndex(field.Index))
		}
	case reflect.Slice:
		fmt.Fprintf(w, "%d:", v.Len())
		for i := range v.Len() {
			writeCanonical(w, v.Index(i))
		}
	case reflect.Map:
		fmt.Fprintf(w, "%d:", v.Len())
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int {
			return cmp.Compare(a.String(), b.String())
		}) {
			fmt.Fprintf(w, "%q:", key.String())
			writeCanonical(w, v.MapIndex(key))
		}
	case reflect.String:
		fmt.Fprintf(w, "%q,", v.String())
	default:
		fmt.Fprintf(w, "%v,", v)
	}
}
