// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// FuzzParse searches for input that makes Parse panic, and for errors without
// their position. The files in testdata are the seed corpus.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seed corpus: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	// One line for each error, beginning with the file.
	line := regexp.MustCompile(`^testdata/fuzz\.yml(:\d+)?: .+$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("testdata/fuzz.yml", data, testOptions())
		if err == nil {
			// The only secret that must be valid.
			text := strings.Replace(c.Masked(), "url: <secret>", "url: http://localhost", 1)
			again, err := Parse("fuzz.yml", []byte(text), testOptions())
			if err != nil {
				t.Fatalf("masked configuration is invalid: %v\n%s", err, c.Masked())
			}
			if again.Masked() != c.Masked() {
				t.Fatalf("masked configuration\n%s\nloads as\n%s", c.Masked(), again.Masked())
			}
			return
		}
		var list Errors
		if c != nil || !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("got error of type %T and configuration %v", err, c)
		}
		for text := range strings.SplitSeq(err.Error(), "\n") {
			if !line.MatchString(text) {
				t.Errorf("got error line %q", text)
			}
		}
	})
}
