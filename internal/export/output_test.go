// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

var update = flag.Bool("update", false, "update the golden files")

// checkGolden compares got with a file in testdata, or writes it with -update.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}

var testTime = time.Date(2026, 11, 25, 4, 30, 0, 0, time.UTC)

// detailedFleet returns the fleet of the filter tests with values in all fields:
// failures, tags, users, a project without data, and hostile texts.
func detailedFleet() []*inventory.Snapshot {
	all := fleet()
	all[0].Discovered = true
	all[0].Health = inventory.Health{
		Refreshed: true, Listed: true, Unresolved: 1, Stale: 2,
		LastRefresh: testTime.Add(-time.Minute), LastSuccess: testTime.Add(-time.Hour), OldestData: testTime.Add(-90500 * time.Millisecond),
		QuotaExceededUntil: testTime.Add(time.Second),
		Failures: []*inventory.Failure{
			{Kind: inventory.Denied, Operation: "ShowDesktopNetworks", Status: 403, Code: "WKS.1", RequestID: "r1", Detail: "not allowed", Hint: "allow it"},
			{Operation: "ListDesktops"},
		},
	}
	first := all[0].Records[0]
	first.Desktop.Tags = []inventory.Tag{{Key: "cost-center", Value: "7"}, {Key: "cost.center", Value: "8"}, {Key: "team", Value: "=finance"}, {Key: "void"}}
	first.Desktop.Users = []string{"ana", "wei"}
	first.Desktop.Type, first.Desktop.PoolID, first.Desktop.AvailabilityZone = "DEDICATED", "pool", "la-north-2a"
	first.Desktop.EnterpriseProjectID, first.Desktop.TaskStatus = "0", "rebooting"
	all[0].Records[1].Desktop.Name = "=cmd|' /C calc'!A0"
	all[0].Records[1].Networks.Interfaces[0].SecurityGroups[0].Name = "a \"b\", \x1b[31m\r\nc\u2028"
	all[1].Health = inventory.Health{Refreshed: true, Listed: true, Up: true, LastRefresh: testTime, LastSuccess: testTime, OldestData: testTime.Add(time.Second)}
	return append(all, &inventory.Snapshot{Project: inventory.Project{Name: "unknown", Region: "r"}})
}

func testInventory(t testing.TB, query string, fields Fields) Inventory {
	f := mustParseFilter(t, query)
	return Inventory{Snapshots: detailedFleet(), Filter: &f, Fields: fields, Now: testTime}
}

func TestGoldens(t *testing.T) {
	all := Fields{Tags: true, Users: true}
	for _, tc := range []struct {
		file, query string
		fields      Fields
		write       func(*Inventory, io.Writer) error
	}{
		{"all.json", "", all, (*Inventory).WriteJSON},
		{"bound.json", "eip=any&project=bogota&search=192", Fields{}, (*Inventory).WriteJSON},
		{"none.json", "project=unknown", Fields{}, (*Inventory).WriteJSON},
		{"all.csv", "", all, (*Inventory).WriteCSV},
		{"bound.csv", "eip=any", Fields{}, (*Inventory).WriteCSV},
		{"all.txt", "", all, (*Inventory).WriteTable},
		{"none.txt", "project=unknown", Fields{}, (*Inventory).WriteTable},
		{"private.sd.json", "port=9182", all, nil},
		{"eip.sd.json", "port=9100&address=eip&region=la-north-2", Fields{}, nil},
		{"interfaces.sd.json", "port=9100&each=interface&vpc=lab&vpc=main&security_group=web", Fields{}, nil},
		{"none.sd.json", "port=1&project=unknown", Fields{}, nil},
	} {
		t.Run(tc.file, func(t *testing.T) {
			v := testInventory(t, tc.query, tc.fields)
			var out bytes.Buffer
			var err error
			if tc.write == nil {
				d := mustParseDiscovery(t, tc.query)
				err = d.WriteTargets(&out, v.Snapshots, v.Filter, tc.fields)
			} else {
				err = tc.write(&v, &out)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, tc.file, out.Bytes())
			if !utf8.Valid(out.Bytes()) || strings.HasSuffix(tc.file, ".json") && !json.Valid(out.Bytes()) {
				t.Errorf("not valid:\n%s", out.Bytes())
			}
		})
	}
}

// compileSchema returns the compiled Schema.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("inventory.schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("inventory.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJSONConformsToSchema(t *testing.T) {
	s := compileSchema(t)
	validate := func(data []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
	var text string
	for _, query := range []string{"", "eip=none&eip=unknown&search=a", "project=unknown"} {
		for _, fields := range []Fields{{}, {Tags: true}, {Users: true}, {Tags: true, Users: true}} {
			var out bytes.Buffer
			v := testInventory(t, query, fields)
			if err := v.WriteJSON(&out); err != nil {
				t.Fatal(err)
			}
			if err := validate(out.Bytes()); err != nil {
				t.Errorf("%s %+v: %v", query, fields, err)
			}
			if query == "" {
				text = out.String()
			}
		}
	}
	// The schema must reject invalid documents.
	for from, to := range map[string]string{
		`"version":1`:             `"version":2`,
		`"generated_at":"2026-`:   `"generated_at":"26-`,
		`"listed":true`:           `"listed":"yes"`,
		`"desktop_id":"d1"`:       `"desktop":"d1"`,
		`"interfaces":null`:       `"interfaces":{}`,
		`"eip":null`:              `"eip":""`,
		`"status":403`:            `"status":"403"`,
		`"desktops_unresolved":1`: `"desktops_unresolved":-1`,
		`"cidr":"10.0.0.0/24"`:    `"mask":24`,
	} {
		if !strings.Contains(text, from) {
			t.Errorf("%s is missing in\n%s", from, text)
		}
		if validate([]byte(strings.ReplaceAll(text, from, to))) == nil {
			t.Errorf("the schema accepts %s", to)
		}
	}
}

// TestSchemaDescribesEveryMember finds members that are written but not described,
// which validation does not: the schema permits additional members.
func TestSchemaDescribesEveryMember(t *testing.T) {
	v := testInventory(t, "search=a", Fields{Tags: true, Users: true})
	v.Filter = &Filter{values: map[string][]string{"search": {"a"}, "eip": {"any"}, "project": {"p"}}}
	var out bytes.Buffer
	if err := v.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var written any
	if err := json.Unmarshal(out.Bytes(), &written); err != nil {
		t.Fatal(err)
	}
	var members func(v any) []string
	members = func(v any) (names []string) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				names = append(append(names, name), members(value)...)
			}
		case []any:
			for _, value := range v {
				names = append(names, members(value)...)
			}
		}
		return names
	}
	for _, name := range members(written) {
		if !bytes.Contains(Schema, []byte(`"`+name+`": {`)) {
			t.Errorf("the schema does not describe %s", name)
		}
	}
}

func TestAppendStringRoundTrip(t *testing.T) {
	texts := []string{"", "plain", `"\`, "\x00\x1f\x7f", "两个\u2028\U0001f4bb", "</script>"}
	for i := range 0x300 {
		texts = append(texts, "a"+string(rune(i))+"b")
	}
	for _, text := range texts {
		var back string
		if err := json.Unmarshal(appendString(nil, text), &back); err != nil || back != text {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
	}
	if got, want := string(appendString(nil, "a\xffb\xe4\xb8")), "\"a\ufffdb\ufffd\ufffd\""; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCSVRoundTrip(t *testing.T) {
	v := testInventory(t, "", Fields{Tags: true, Users: true})
	var out bytes.Buffer
	if err := v.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range CSVColumns(v.Fields) {
		names = append(names, c.Name)
	}
	if !slices.Equal(lines[0], names) {
		t.Errorf("the header is %v", lines[0])
	}
	var want [][]string
	for s, r := range v.Filter.Desktops(v.Snapshots) {
		for _, row := range Rows(nil, s.Project, r) {
			var line []string
			for _, c := range csvColumns(v.Fields) {
				line = append(line, strings.ReplaceAll(c.value(&row), "\r\n", "\n")) // as csv.Reader returns it
			}
			want = append(want, line)
		}
	}
	for _, line := range lines[1:] {
		for i := range line {
			if strings.HasPrefix(line[i], "=") {
				t.Errorf("%q is a formula", line[i])
			}
			line[i] = strings.TrimPrefix(line[i], "'")
		}
	}
	if diff := cmp.Diff(want, lines[1:]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEscapeFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "a=1": "a=1", "10.0.0.1": "10.0.0.1", "两": "两", " a": " a", " ": " ", "a;=1": "a;=1", "\xff": "\xff",
		" =1": "' =1", "\v=1": "'\v=1", "\u00a0\u3000+1": "'\u00a0\u3000+1", "\u200b@a": "'\u200b@a", "\ufeff-1": "'\ufeff-1", "\x00=1": "'\x00=1", "\x1b=1": "'\x1b=1",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "\na": "'\na", "＝1": "'＝1", "'a": "''a",
	} {
		got := EscapeFormula(text)
		if got != want || strings.TrimPrefix(got, "'") != text {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestWriteCSVQuotesSeparatorsOfAnyLocale opens the file as spreadsheets of other
// locales do: each field is then one cell still.
func TestWriteCSVQuotesSeparatorsOfAnyLocale(t *testing.T) {
	for text, want := range map[string]string{
		"x;=1+1": `"x;=1+1"`, "x\t=1+1": "\"x\t=1+1\"", "x|=1+1": `"x|=1+1"`, "x,=1+1": `"x,=1+1"`, "x\n=1+1": "\"x\r\n=1+1\"",
		" x": `" x"`, "x ": `"x "`, `a"b`: `"a""b"`, "plain": "plain", "": "",
	} {
		var out bytes.Buffer
		buffered := bufio.NewWriter(&out)
		if err := writeCSVLine(buffered, []string{"before", text, "after"}); err != nil {
			t.Fatal(err)
		}
		if err := buffered.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "before,"+want+",after\r\n" {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestWriteTableAlignment(t *testing.T) {
	var out bytes.Buffer
	v := testInventory(t, "", Fields{})
	if err := v.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	before, _, _ := strings.Cut(lines[0], "STATUS")
	for _, line := range lines[1:] {
		column := 0
		rest := strings.TrimLeftFunc(line, func(r rune) bool {
			column += displayWidth(string(r))
			return column <= len(before)
		})
		if value, _, _ := strings.Cut(rest, " "); !slices.Contains([]string{"ACTIVE", "SHUTOFF", "-"}, value) {
			t.Errorf("the STATUS column has %q in\n%s", value, line)
		}
		if strings.ContainsAny(line, "\x1b\r") {
			t.Errorf("control characters in %q", line)
		}
	}
}

func TestDisplayWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "两个": 4, "é": 1, "e\u0301": 1, "\U0001f4bb": 2, "ｱ": 1} {
		if got := displayWidth(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// failingWriter is a writer that fails after a number of writes.
type failingWriter struct{ writesLeft int }

var errWrite = errors.New("write error")

func (b *failingWriter) Write(p []byte) (int, error) {
	if b.writesLeft--; b.writesLeft < 0 {
		return 0, errWrite
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	f := mustParseFilter(t, "")
	v := Inventory{Snapshots: []*inventory.Snapshot{largeProject(2000)}, Filter: &f}
	d := mustParseDiscovery(t, "port=1")
	for name, write := range map[string]func(io.Writer) error{
		"json": v.WriteJSON, "csv": v.WriteCSV, "table": v.WriteTable,
		"targets": func(w io.Writer) error { return d.WriteTargets(w, v.Snapshots, &f, Fields{}) },
	} {
		for writes := range 3 {
			if err := write(&failingWriter{writes}); !errors.Is(err, errWrite) {
				t.Errorf("%s: %v after %d writes, want %v", name, err, writes, errWrite)
			}
		}
	}
}
