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

var update = flag.Bool("update", false, "write the goldens and docs/configuration.md anew")

func testOptions() Options {
	return Options{
		KnownRegion: func(region string) bool { return slices.Contains([]string{"la-north-2", "la-south-2"}, region) },
		Families:    []string{"desktop_info", "desktop_network_info", "desktop_security_group_info"},
	}
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden; write it with -update: %v", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// each runs test for every file that matches, and sees to it that there are
// some and that no golden is left over.
func each(t *testing.T, suffix, goldenSuffix string, test func(t *testing.T, path, golden string)) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*" + suffix)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
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
		t.Errorf("goldens (-of files +found):\n%s", diff)
	}
}

func TestBadFiles(t *testing.T) {
	each(t, ".bad.yml", ".bad.txt", func(t *testing.T, path, want string) {
		c, err := Load(path, testOptions())
		if err == nil {
			t.Fatalf("accepted:\n%s", c.Masked())
		}
		if c != nil {
			t.Error("a configuration beside an error")
		}
		var faults Errors
		if !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("error is a %T, want Errors", err)
		}
		for _, f := range faults {
			if f.File != path {
				t.Errorf("fault of file %q", f.File)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("error tells a secret: %v", err)
		}
		golden(t, want, err.Error()+"\n")
	})
}

func TestGoodFiles(t *testing.T) {
	each(t, ".good.yml", ".good.golden", func(t *testing.T, path, want string) {
		c, err := Load(path, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		got := c.Masked()
		if strings.Contains(strings.ReplaceAll(got, "canary-ak", ""), "canary") {
			t.Errorf("mask tells a secret:\n%s", got)
		}
		golden(t, want, got)

		// What /config shows is itself a configuration, but for its secrets.
		again, err := Parse("masked.yml", []byte(got), testOptions())
		if err != nil {
			t.Fatalf("masked configuration is refused: %v", err)
		}
		if again.Masked() != got {
			t.Errorf("masked configuration loads as another:\n%s", cmp.Diff(got, again.Masked()))
		}
	})
}

// TestEveryRule finds rules that no bad file breaks, by the texts in the source.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	goldens, err := filepath.Glob("testdata/*.bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(text)
	}
	rules := 0
	for _, source := range []string{"check.go", "check_credentials.go", "check_changes.go", "decode.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			text, isText := call.Args[1].(*ast.BasicLit)
			if !ok || method.Sel.Name != "add" || !isText {
				return true
			}
			rules++
			format, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			message := regexp.MustCompile(`%[a-z]`).ReplaceAllString(regexp.QuoteMeta(format), ".+")
			if !regexp.MustCompile(`(?m): ` + message + `$`).MatchString(said.String()) {
				t.Errorf("no file in testdata is refused with: %s", format)
			}
			return true
		})
	}
	if rules < 50 {
		t.Errorf("found only %d rules", rules)
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct {
		data string
		want string
	}{
		"empty.yml":    {"", "is empty; name at least one project or account"},
		"spaces.yml":   {"  \n\n", "is empty; name at least one project or account"},
		"comments.yml": {"# projects:\n---\n# none\n", "is empty; name at least one project or account"},
		"null.yml":     {"~\n", "is empty; name at least one project or account"},
		"binary.yml":   {"\x7fELF\x00\x00", "is not a text in UTF-8; is it the right file?"},
		"utf16.yml":    {"\xff\xfep\x00r\x00", "is not a text in UTF-8; is it the right file?"},
		"latin1.yml":   {"# Bogot\xe1\n", "is not a text in UTF-8; is it the right file?"},
		"huge.yml":     {strings.Repeat("# desktops\n", 1<<20), "is larger than 8 MiB; is it the right file?"},
		"deep.yml":     {strings.Repeat("[", 20_000), "is not YAML here or in the lines that follow: exceeded max depth of 10000; check indentation, colons and quotes"},
		"marks.yml":    {"\ufeffprojects: {\n", "is not YAML here or in the lines that follow: did not find expected node content; check indentation, colons and quotes"},
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
		dir:                               "cannot be read: is a directory; check its path and its permissions",
		filepath.Join(dir, "nowhere.yml"): "cannot be read: no such file or directory; check its path and its permissions",
	} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != path+": "+want {
			t.Errorf("error %v, want %s: %s", err, path, want)
		}
	}
}

// TestOptions leaves out what a configuration is checked against: then any
// region and any family will do.
func TestOptions(t *testing.T) {
	t.Parallel()
	const text = "projects: [{name: one, region: xx-nowhere-1}]\nmetrics: {disable: [anything]}\n"
	if _, err := Parse("x.yml", []byte(text), Options{}); err != nil {
		t.Errorf("nothing to check against: %v", err)
	}
	const want = `x.yml:1: projects[0].region: is "xx-nowhere-1", whose endpoint is not known; check the spelling, or set projects[0].endpoint
x.yml:2: metrics.disable[0]: is "anything", which is not a family of metrics; use some of: desktop_info, desktop_network_info, desktop_security_group_info`
	if _, err := Parse("x.yml", []byte(text), testOptions()); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestManyFaults bounds what is printed, not what is found.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	text := "projects:\n" + strings.Repeat("  - {name: one, region: la-north-2, project_id: \"1\"}\n", 200)
	_, err := Parse("x.yml", []byte(text), Options{})
	var faults Errors
	if !errors.As(err, &faults) || len(faults) != 398 { // each but the first has a name and a twin
		t.Fatalf("%d faults, want 398", len(faults))
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxPrintedErrors+1 || lines[maxPrintedErrors] != "x.yml: and 348 more faults" {
		t.Errorf("%d lines, the last: %s", len(lines), lines[len(lines)-1])
	}
}
