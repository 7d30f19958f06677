// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "update the golden files and docs/configuration.md")

func testOptions() Options {
	return Options{
		KnownRegion: func(region string) bool { return slices.Contains([]string{"la-north-2", "la-south-2"}, region) },
		Families:    []string{"desktop_info", "desktop_network_info", "desktop_security_group_info"},
	}
}

// golden compares got with a file, or updates it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden file; create it with -update: %v", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// forEachFile runs test for every file in testdata with a suffix. It fails without
// files, and for golden files that belong to none.
func forEachFile(t *testing.T, suffix, goldenSuffix string, test func(t *testing.T, path, golden string)) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*" + suffix)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in testdata: %v", err)
	}
	var goldens []string
	for _, path := range paths {
		name := strings.TrimSuffix(path, suffix)
		goldens = append(goldens, name+goldenSuffix)
		t.Run(filepath.Base(name), func(t *testing.T) { test(t, path, name+goldenSuffix) })
	}
	found, err := filepath.Glob("testdata/*" + goldenSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goldens, found); diff != "" {
		t.Errorf("golden files (-want +found):\n%s", diff)
	}
}

func TestInvalidFiles(t *testing.T) {
	forEachFile(t, ".bad.yml", ".bad.txt", func(t *testing.T, path, want string) {
		c, err := Load(path, testOptions())
		if err == nil {
			t.Fatalf("accepted:\n%s", c.Masked())
		}
		if c != nil {
			t.Error("Load returns a configuration together with an error")
		}
		var list Errors
		if !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("got error of type %T, want Errors", err)
		}
		for _, e := range list {
			if e.File != path {
				t.Errorf("got error of file %q", e.File)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("error contains a secret: %v", err)
		}
		golden(t, want, err.Error()+"\n")
	})
}

func TestValidFiles(t *testing.T) {
	forEachFile(t, ".good.yml", ".good.golden", func(t *testing.T, path, want string) {
		c, err := Load(path, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		got := c.Masked()
		if strings.Contains(strings.ReplaceAll(got, "canary-ak", ""), "canary") {
			t.Errorf("masked configuration contains a secret:\n%s", got)
		}
		golden(t, want, got)

		// The output of /config is a valid configuration, except for secrets.
		again, err := Parse("masked.yml", []byte(got), testOptions())
		if err != nil {
			t.Fatalf("masked configuration is invalid: %v", err)
		}
		if again.Masked() != got {
			t.Errorf("masked configuration differs after loading:\n%s", cmp.Diff(got, again.Masked()))
		}
	})
}

// TestEveryRule checks that each error message in the source is in the golden file
// of a bad file.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	goldens, err := filepath.Glob("testdata/*.bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	var messages strings.Builder
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		messages.Write(text)
	}
	rules := 0
	for _, source := range []string{"check.go", "check_changes.go", "check_credentials.go", "check_http.go", "check_policy.go", "decode.go", "endpoint.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			function, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			argument := 0
			switch name := function.Sel.Name; {
			case name == "add" && len(call.Args) > 1:
				argument = 1
			case source == "endpoint.go" && (name == "New" || name == "Errorf"): // in ValidateEndpoint
			default:
				return true
			}
			text, ok := call.Args[argument].(*ast.BasicLit)
			if !ok {
				return true
			}
			rules++
			format, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			message := regexp.MustCompile(`%[a-z]`).ReplaceAllString(regexp.QuoteMeta(format), ".+")
			if !regexp.MustCompile(`(?m): ` + message + `$`).MatchString(messages.String()) {
				t.Errorf("no bad file in testdata has the error: %s", format)
			}
			return true
		})
	}
	if rules < 50 {
		t.Errorf("got %d rules, want at least 50", rules)
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct {
		data string
		want string
	}{
		"empty.yml":    {"", "file is empty; configure at least one project or account"},
		"spaces.yml":   {"  \n\n", "file is empty; configure at least one project or account"},
		"comments.yml": {"# projects:\n---\n# none\n", "file is empty; configure at least one project or account"},
		"null.yml":     {"~\n", "file is empty; configure at least one project or account"},
		"binary.yml":   {"\x7fELF\x00\x00", "file is not UTF-8 text; check that it is the right file"},
		"utf16.yml":    {"\xff\xfep\x00r\x00", "file is not UTF-8 text; check that it is the right file"},
		"latin1.yml":   {"# Bogot\xe1\n", "file is not UTF-8 text; check that it is the right file"},
		"huge.yml":     {strings.Repeat("# desktops\n", 1<<20), "file is larger than 8 MiB; check that it is the right file"},
		"deep.yml":     {strings.Repeat("[", 20_000), "invalid YAML in this or the following lines: exceeded max depth of 10000; check indentation, colons and quotes"},
		"marks.yml":    {"\ufeffprojects: {\n", "invalid YAML in this or the following lines: did not find expected node content; check indentation, colons and quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path, Options{})
			if want := path + ": " + test.want; err == nil || regexp.MustCompile(`yml:\d+`).ReplaceAllString(err.Error(), "yml") != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
	for path, want := range map[string]string{
		dir:                               "cannot read file: is a directory; check the path and the permissions",
		filepath.Join(dir, "nowhere.yml"): "cannot read file: no such file or directory; check the path and the permissions",
	} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != path+": "+want {
			t.Errorf("error %v, want %s: %s", err, path, want)
		}
	}
}

// TestOptions checks that any region and any metric family is valid without
// Options.
func TestOptions(t *testing.T) {
	t.Parallel()
	const text = "projects: [{name: one, region: xx-nowhere-1}]\nmetrics: {disable: [anything]}\n"
	if _, err := Parse("x.yml", []byte(text), Options{}); err != nil {
		t.Errorf("without options: %v", err)
	}
	const want = `x.yml:1: projects[0].region: unknown region "xx-nowhere-1"; check the spelling, or set projects[0].endpoint
x.yml:2: metrics.disable[0]: unknown metric family "anything"; use one of: desktop_info, desktop_network_info, desktop_security_group_info`
	if _, err := Parse("x.yml", []byte(text), testOptions()); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestManyErrors checks that the number of printed errors is limited, but not the
// number of errors.
func TestManyErrors(t *testing.T) {
	t.Parallel()
	text := "projects:\n" + strings.Repeat("  - {name: one, region: la-north-2, project_id: \"1\"}\n", 200)
	_, err := Parse("x.yml", []byte(text), Options{})
	var list Errors
	if !errors.As(err, &list) || len(list) != 398 { // a duplicate name and a duplicate project for each but the first
		t.Fatalf("got %d errors, want 398", len(list))
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxPrintedErrors+1 || lines[maxPrintedErrors] != "x.yml: and 348 more errors" {
		t.Errorf("got %d lines, the last one: %s", len(lines), lines[len(lines)-1])
	}
}
