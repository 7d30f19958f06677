// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowedImports has what each package may import of ours. A package that is not
// in it must not exist.
var allowedImports = map[string][]string{
	"":                                 {"internal/cli"},
	"internal/cli":                     {"collector", "config", "internal/app", "internal/atomicfile", "internal/export", "internal/filewatch", "internal/inventory", "internal/refresh", "internal/simulator", "internal/web", "internal/workspace"},
	"internal/app":                     {"collector", "config", "internal/changes", "internal/export", "internal/exposition", "internal/httptransport", "internal/inventory", "internal/policy", "internal/refresh", "internal/statefile", "internal/web", "internal/webhook", "internal/workspace"},
	"internal/app/apptest":             {"collector", "config", "internal/app", "internal/httptransport", "internal/simulator", "internal/testutil", "internal/web"},
	"internal/policy":                  {"config", "internal/inventory"},
	"internal/filewatch":               {},
	"internal/testutil":                {},
	"internal/repository":              {},
	"collector":                        {"internal/inventory"},
	"internal/exposition":              {"collector", "internal/httpheader", "internal/inventory"},
	"internal/inventory/inventorytest": {"internal/inventory"},
	"config":                           {},
	"internal/export":                  {"internal/inventory"},
	"internal/changes":                 {"internal/inventory"},
	"internal/webhook":                 {"internal/httpheader", "internal/inventory"},
	"internal/httpheader":              {},
	"internal/inventory":               {},
	"internal/refresh":                 {"internal/inventory"},
	"internal/atomicfile":              {},
	"internal/statefile":               {"internal/atomicfile", "internal/changes", "internal/inventory", "internal/refresh", "internal/webhook"},
	"internal/simulator":               {},
	"internal/web":                     {"internal/export", "internal/httpheader", "internal/inventory", "internal/refresh"},
	"internal/workspace":               {"config", "internal/credentials", "internal/httpheader", "internal/httptransport", "internal/inventory", "internal/ratelimit", "internal/workspace/apierror", "internal/workspace/decode", "internal/workspace/pagination"},
	"internal/workspace/apierror":      {"internal/httptransport", "internal/inventory", "internal/workspace/decode"},
	"internal/workspace/pagination":    {"internal/inventory"},
	"internal/workspace/decode":        {"internal/inventory"},
	"internal/httptransport":           {"config"},
	"internal/ratelimit":               {},
	"internal/credentials":             {"config", "internal/httptransport", "internal/inventory"},
}

const (
	module = "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter"
	sdk    = "github.com/huaweicloud/huaweicloud-sdk-go-v3"
)

// TestImports checks the imports of all packages that are not only tests.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
			GoFiles    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(pkg.GoFiles) == 0 { // tests only
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		allowed, found := allowedImports[name]
		if !found {
			t.Errorf("package %s is not in the table", name)
		}
		seen[name] = true
		for _, path := range allowed {
			if !slices.Contains(pkg.Imports, module+"/"+path) {
				t.Errorf("%s does not import %s, which the table allows", name, path)
			}
		}
		for _, path := range pkg.Imports {
			ours, isOurs := strings.CutPrefix(path, module+"/")
			domain, _, _ := strings.Cut(path, "/")
			switch {
			case isOurs && !slices.Contains(allowed, ours):
				t.Errorf("%s must not import %s", name, ours)
			case strings.HasPrefix(path, sdk) && name != "internal/workspace":
				t.Errorf("%s must not import the SDK: %s", name, path)
			case name == "internal/simulator" && strings.Contains(domain, "."):
				t.Errorf("the simulator must only import the standard library, not %s", path)
			}
		}
	}
	for name := range allowedImports {
		if !seen[name] {
			t.Errorf("package %q of the table does not exist", name)
		}
	}
}

// TestTopLevel checks that main.go is the only Go file at the top level.
func TestTopLevel(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || !slices.Equal(files, []string{"main.go"}) {
		t.Errorf("Go files at the top level: %q, want main.go", files)
	}
}
