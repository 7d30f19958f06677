// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// forEachOption calls yield for every option in v, a struct, with its path.
func forEachOption(v reflect.Value, path string, yield func(path string, v reflect.Value)) {
	for name, field := range fields(v.Type()) {
		at := strings.TrimPrefix(path+"."+name, ".")
		switch f := v.FieldByIndex(field.Index); {
		case f.Kind() == reflect.Struct && len(keysOf(f.Type())) > 0:
			forEachOption(f, at, yield)
		default:
			yield(at, f)
		}
	}
}

// setOption sets v to the n-th value of its type. Different n are different values.
func setOption(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	text := strings.Repeat("x", n+1)
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		*p = NewSecret(text)
	case *Regexp:
		*p, _ = NewRegexp(text)
	case *promconfig.URL:
		p.URL = &url.URL{Scheme: "http", User: url.UserPassword("user", text), Host: "proxy"}
	case *promconfig.ProxyHeader:
		*p = promconfig.ProxyHeader{"Proxy-Authorization": {promconfig.Secret(text)}}
	case *promconfig.TLSVersion:
		*p = []promconfig.TLSVersion{promconfig.TLSVersions["TLS12"], promconfig.TLSVersions["TLS13"]}[n]
	case *[]string:
		*p = []string{text}
	case *map[string]string:
		*p = map[string]string{"key": text}
	case *model.Duration:
		*p = model.Duration(time.Duration(n+1) * time.Second)
	case *bool:
		*p = n == 1
	case *int:
		*p = n + 1
	default:
		if v.Kind() != reflect.String {
			t.Fatalf("no test values of type %s", v.Type())
		}
		v.SetString(text)
	}
}

// TestFingerprint changes one option after the other, secrets included: each change
// must change the fingerprint, and the same value must restore it.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target      any
		fingerprint func(any) string
		least       int
	}{
		"project": {&Project{}, func(p any) string { return p.(*Project).Fingerprint() }, 38},
		"account": {&Account{}, func(a any) string { return a.(*Account).Fingerprint() }, 38},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count := 0
			forEachOption(reflect.ValueOf(test.target).Elem(), "", func(path string, v reflect.Value) {
				count++
				setOption(t, v, 0)
				before := test.fingerprint(test.target)
				setOption(t, v, 1)
				after := test.fingerprint(test.target)
				if before == after {
					t.Errorf("a change of %s does not change the fingerprint", path)
				}
				setOption(t, v, 0)
				if again := test.fingerprint(test.target); again != before {
					t.Errorf("the same value of %s changes the fingerprint", path)
				}
			})
			if count < test.least {
				t.Errorf("got only %d options", count)
			}
		})
	}
	if a, b := (Project{Name: "a"}).Fingerprint(), (Project{Name: "a", EIPs: true}).Fingerprint(); len(a) != 64 || a == b {
		t.Errorf("got fingerprints %s and %s", a, b)
	}
}

// TestAccountProject checks that a project inherits every option that accounts have
// as well.
func TestAccountProject(t *testing.T) {
	t.Parallel()
	var a Account
	forEachOption(reflect.ValueOf(&a).Elem(), "", func(_ string, v reflect.Value) { setOption(t, v, 1) })
	a.Name, a.Endpoints = "all", map[string]string{"la-north-2": "https://workspace.example.com"}

	p := a.Project("la-north-2", "la-north-2_office", "1234")
	want := map[string]any{
		"Name": "all/la-north-2_office", "Region": "la-north-2", "ProjectID": "1234", "Endpoint": "https://workspace.example.com",
	}
	account := reflect.ValueOf(a)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Project]()) {
		if len(f.Index) > 1 {
			continue
		}
		expected, ok := want[f.Name]
		if !ok {
			expected = account.FieldByName(f.Name).Interface()
		}
		if got := reflect.ValueOf(p).FieldByName(f.Name).Interface(); !reflect.DeepEqual(got, expected) {
			t.Errorf("%s is %v, want %v", f.Name, got, expected)
		}
	}
	if other := a.Project("la-south-2", "x", "1"); other.Endpoint != "" {
		t.Errorf("got endpoint %s of another region", other.Endpoint)
	}
}

func TestAccountSelects(t *testing.T) {
	t.Parallel()
	c, err := Parse("x.yml", []byte("accounts: [{name: all, regions: la-.*, projects: 'la-north-2(_office)?'}]"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, pair := range []string{"la-north-2 la-north-2", "la-north-2 la-north-2_office", "la-north-2 la-north-2_lab", "cn-north-4 la-north-2"} {
		region, project, _ := strings.Cut(pair, " ")
		got[pair] = c.Accounts[0].Selects(region, project)
	}
	want := map[string]bool{
		"la-north-2 la-north-2": true, "la-north-2 la-north-2_office": true, "la-north-2 la-north-2_lab": false, "cn-north-4 la-north-2": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selected (-want +got):\n%s", diff)
	}
	if !(Account{}).Selects("any", "") {
		t.Error("an account without expressions does not select every project")
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	if got := Duration(model.Duration(time.Minute)); got != time.Minute {
		t.Errorf("got %v, want 1m", got)
	}
}

func TestDesktopsKeyIsStable(t *testing.T) {
	for want, d := range map[string]Desktops{
		"{}\n":                            {},
		"ids:\n    - a\n    - b\n":        {IDs: []string{"a", "b"}},
		"tags:\n    a: \"1\"\n    b: c\n": {Tags: map[string]string{"b": "c", "a": "1"}},
		"enterprise_project_id: \"0\"\npool_ids:\n    - p\nsubnet_id: s\nstatus: ACTIVE\n": {
			EnterpriseProjectID: "0", PoolIDs: []string{"p"}, SubnetID: "s", Status: "ACTIVE",
		},
	} {
		if got := d.Key(); got != want {
			t.Errorf("%+v: got key %q, want %q", d, got, want)
		}
	}
}
