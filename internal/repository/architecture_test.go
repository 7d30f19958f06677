// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package repository

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms says what each room may import of ours. A room that is not named here
// must not exist.
var rooms = map[string][]string{
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

func TestImportsGoOneWay(t *testing.T) {
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
		room := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		allowed, known := rooms[room]
		if !known {
			t.Errorf("room %s is not in the table", room)
		}
		seen[room] = true
		for _, path := range pkg.Imports {
			ours, isOurs := strings.CutPrefix(path, module+"/")
			domain, _, _ := strings.Cut(path, "/")
			switch {
			case isOurs && !slices.Contains(allowed, ours):
				t.Errorf("%s must not import %s", room, ours)
			case strings.HasPrefix(path, sdk) && room != "internal/workspace":
				t.Errorf("%s must not import the SDK: %s", room, path)
			case room == "internal/simulator" && strings.Contains(domain, "."):
				t.Errorf("the simulator keeps to the standard library, not %s", path)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("room %q of the table does not exist", room)
		}
	}
}
