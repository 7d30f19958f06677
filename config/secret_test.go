// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const canary = "canary-5f1d9c"

// verbs are all verbs that package fmt passes to Format, and an unknown one. %p and
// %T never reach Format.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%b", "%o", "%c", "%U", "%t", "%e", "%g", "%20s", "%-5.3v", "%z",
}

// containsCanary reports whether text contains the canary in any encoding of the
// verbs.
func containsCanary(text string) bool {
	for _, form := range []string{canary, "63616e617279", "63 61 6e 61", "0x63, 0x61", "99 97 110"} {
		if strings.Contains(strings.ToLower(text), form) {
			return true
		}
	}
	return false
}

func TestSecretRenderings(t *testing.T) {
	t.Parallel()
	secret := NewSecret(canary)
	if got := secret.Reveal(); got != canary {
		t.Fatalf("Reveal returns %q", got)
	}
	type open struct{ S Secret }
	type closed struct{ s Secret }
	values := map[string]any{
		"value": secret, "pointer": &secret, "slice": []Secret{secret}, "map": map[string]Secret{"k": secret},
		"field": open{secret}, "unexported field": closed{secret}, "pointer to unexported": &closed{secret},
	}
	for name, value := range values {
		for _, verb := range append([]string{"%p", "%T"}, verbs...) {
			if got := fmt.Sprintf(verb, value); containsCanary(got) {
				t.Errorf("%s by %s: %s", name, verb, got)
			}
		}
	}
	if got := secret.GoString(); got != "<secret>" {
		t.Errorf("GoString returns %q", got)
	}
	for _, verb := range verbs {
		if got := fmt.Sprintf(verb, secret); got != "<secret>" {
			t.Errorf("%s prints %q", verb, got)
		}
		if got := fmt.Sprintf(verb, Secret{}); got != "" {
			t.Errorf("%s of an absent secret prints %q", verb, got)
		}
	}
}

func TestSecretEncodings(t *testing.T) {
	t.Parallel()
	type both struct {
		Set   Secret
		Empty Secret `yaml:",omitempty"`
	}
	value := both{Set: NewSecret(canary)}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", value.Set, "all", value)
	if containsCanary(logged.String()) || !strings.Contains(logged.String(), "secret=<secret>") {
		t.Errorf("logged: %s", &logged)
	}
	for _, test := range []struct {
		name   string
		encode func(any) ([]byte, error)
		want   string
	}{
		{"YAML", yaml.Marshal, "set: <secret>\n"},
		{"JSON", json.Marshal, `{"Set":"\u003csecret\u003e","Empty":""}`},
		{"XML", xml.Marshal, "<both><Set>&lt;secret&gt;</Set><Empty></Empty></both>"},
	} {
		got, err := test.encode(value)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.name, got, err, test.want)
		}
	}
}

func TestSecretDecoding(t *testing.T) {
	t.Parallel()
	var s Secret
	if err := yaml.Unmarshal([]byte("0123"), &s); err != nil || s.Reveal() != "0123" {
		t.Errorf("number: got %q, %v", s.Reveal(), err)
	}
	err := yaml.Unmarshal([]byte("\n- "+canary), &s)
	if err == nil || err.Error() != "line 2: a secret must be a text" {
		t.Errorf("list: got error %v", err)
	}
	if NewSecret("") != (Secret{}) || !(Secret{}).IsZero() || NewSecret("a").IsZero() {
		t.Error("IsZero is wrong for an empty or a non-empty text")
	}
	if !NewSecret("a").Equal(NewSecret("a")) || NewSecret("a").Equal(NewSecret("b")) || !reflect.DeepEqual(NewSecret("a"), NewSecret("a")) {
		t.Error("Equal or DeepEqual is wrong")
	}
}

// TestSecretsAreNotPrinted sets every secret of a configuration to a known text, and searches for
// it in all that can be printed of the configuration.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(`
projects:
  - name: one
    region: la-north-2
    credentials: &keys {access_key: AK, secret_key: CANARY, security_token: CANARY}
    http: &http
      proxy_url: http://user:CANARY@proxy:3128
      proxy_connect_header: {Proxy-Authorization: [CANARY]}
accounts:
  - {name: all, credentials: *keys, http: *http}
`, "CANARY", canary)
	c, err := Parse("x.yml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Projects[0].HTTP.TLS.Key = canary
	expanded := c.Accounts[0].Project("la-north-2", "la-north-2", "1")

	for name, value := range map[string]any{
		"config": *c, "pointer": c, "project": c.Projects[0], "account": c.Accounts[0], "expanded": expanded,
		"credentials": c.Projects[0].Credentials, "http": c.Projects[0].HTTP, "pointer to http": &c.Projects[0].HTTP,
		"error": fmt.Errorf("project %v: %w", c.Projects[0], errors.New("x")), "key": c.Projects[0].Fingerprint(),
	} {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, value); containsCanary(got) {
				t.Errorf("%s by %s: %s", name, verb, got)
			}
		}
		for encoding, encode := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": yaml.Marshal} {
			got, err := encode(value)
			if err != nil || containsCanary(string(got)) {
				t.Errorf("%s in %s: %s, %v", name, encoding, got, err)
			}
		}
	}
	if containsCanary(c.Masked()) || strings.Count(c.Masked(), "<secret>") != 9 || strings.Count(c.Masked(), "user:xxxxx@") != 2 {
		t.Errorf("masked:\n%s", c.Masked())
	}
	const want = `{"enable_http2":true,"proxy_connect_header":{"Proxy-Authorization":["\u003csecret\u003e"]},` +
		`"proxy_from_environment":false,"proxy_url":"http://user:xxxxx@proxy:3128"}`
	got, err := json.Marshal(c.Accounts[0].HTTP)
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("HTTP in JSON, %v (-want +got):\n%s", err, diff)
	}
	const line = `{proxy_url: 'http://user:xxxxx@proxy:3128', proxy_from_environment: false, ` +
		`proxy_connect_header: {Proxy-Authorization: [<secret>]}, enable_http2: true}`
	if diff := cmp.Diff(line, fmt.Sprintf("%#v", c.Accounts[0].HTTP)); diff != "" {
		t.Errorf("HTTP options on one line (-want +got):\n%s", diff)
	}
}

func TestRegexp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		source   string
		match    []string
		mismatch []string
	}{
		{"", []string{"", "anything", "two\nlines"}, nil},
		{"la-north", []string{"la-north"}, []string{"", "la-north-2", "xla-north"}},
		{"a|b", []string{"a", "b"}, []string{"ab", "ax", "xb"}},
		{"la-.*", []string{"la-", "la-north-2", "la-\n"}, []string{"xla-"}},
		{".+", []string{"x"}, []string{""}},
		{"(?i)LA", []string{"la"}, []string{"lab"}},
		{"^a$", []string{"a"}, []string{"aa"}},
	} {
		re, err := NewRegexp(test.source)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range test.match {
			if !re.MatchString(s) {
				t.Errorf("%q does not match %q", test.source, s)
			}
		}
		for _, s := range test.mismatch {
			if re.MatchString(s) {
				t.Errorf("%q matches %q", test.source, s)
			}
		}
		if re.String() != test.source || re.IsZero() != (test.source == "") || !re.Equal(re) || re.Equal(Regexp{source: "other"}) {
			t.Errorf("%q: String %q, IsZero %t", test.source, re, re.IsZero())
		}
	}
	// Anchors must not make an invalid expression valid.
	for _, source := range []string{"a)(b", "a)|(b", "[", "(?<n", `\8`, "a**"} {
		if re, err := NewRegexp(source); err == nil {
			t.Errorf("NewRegexp(%q) = %q, want an error", source, re)
		}
	}
}
