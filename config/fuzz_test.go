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

// FuzzParse looks for texts that break the loader, and for errors that do not
// say where they come from. The files in testdata are its first corpus.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	// One line each, with the file first, and no more of a text than a key or
	// a short value.
	line := regexp.MustCompile(`^testdata/fuzz\.yml(:\d+)?: .+$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("testdata/fuzz.yml", data, testOptions())
		if err == nil {
			// The one secret that must have a form.
			text := strings.Replace(c.Masked(), "url: <secret>", "url: http://localhost", 1)
			again, err := Parse("fuzz.yml", []byte(text), testOptions())
			if err != nil {
				t.Fatalf("masked configuration is refused: %v\n%s", err, c.Masked())
			}
			if again.Masked() != c.Masked() {
				t.Fatalf("masked configuration\n%s\nloads as\n%s", c.Masked(), again.Masked())
			}
			return
		}
		var faults Errors
		if c != nil || !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("error %T beside %v", err, c)
		}
		for text := range strings.SplitSeq(err.Error(), "\n") {
			if !line.MatchString(text) {
				t.Errorf("line %q of an error", text)
			}
		}
	})
}
