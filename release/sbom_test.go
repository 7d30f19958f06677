// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/xeipuuv/gojsonschema"
)

const sdkModule = "github.com/huaweicloud/huaweicloud-sdk-go-v3"

func TestSBOM(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(released(t), program+"-"+testVersion+".linux-amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	validate(t, data)
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}

	binary, err := os.ReadFile(filepath.Join(unpacked(t, "linux-amd64"), program))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(binary)
	self := bom.Metadata.Component
	hash := cdx.Property{Name: "cdx:gomod:binary:hash:SHA-256", Value: hex.EncodeToString(sum[:])}
	if self.Version != testVersion || !slices.Contains(*bom.Metadata.Properties, hash) {
		t.Errorf("it describes %s %s with %v, not the binary with %s", self.Name, self.Version, *bom.Metadata.Properties, hash.Value)
	}
	if bom.Metadata.Timestamp != "" || bom.SerialNumber != "" {
		t.Errorf("it has a time or a serial number, so no two are the same: %q, %q", bom.Metadata.Timestamp, bom.SerialNumber)
	}

	// Exactly the modules that go version -m lists.
	want := map[string]string{}
	for line := range strings.Lines(must(t, exec.Command("go", "version", "-m", filepath.Join(unpacked(t, "linux-amd64"), program)))) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" {
			want[f[1]] = f[2]
		}
	}
	if len(want) < 20 || want[sdkModule] == "" {
		t.Fatalf("go version -m lists only %d modules: %q", len(want), want)
	}
	refs := map[string]bool{}
	for _, c := range *bom.Components {
		if refs[c.BOMRef] {
			t.Errorf("%s is there twice", c.BOMRef)
		}
		refs[c.BOMRef] = true
		if c.Name == "std" { // its licence is in THIRD_PARTY_LICENSES
			continue
		}
		if c.Licenses == nil {
			t.Errorf("%s has no licence that is known", c.Name)
		}
		if c.Version != want[c.Name] {
			t.Errorf("%s has version %q, want %q", c.Name, c.Version, want[c.Name])
		}
		if c.Hashes == nil {
			t.Errorf("%s has no checksum", c.Name)
		}
		if c.Name == sdkModule && (*c.Licenses)[0].License.ID != "Apache-2.0" {
			t.Errorf("the SDK's licence is %v", *c.Licenses)
		}
		delete(want, c.Name)
	}
	for name := range want {
		t.Errorf("%s is not in it", name)
	}
	if uses := (*bom.Dependencies)[0]; uses.Ref != self.BOMRef || len(*uses.Dependencies) != len(refs)-1 { // not std
		t.Errorf("%s uses %d of %d components", uses.Ref, len(*uses.Dependencies), len(refs))
	}
}

// validate checks a list of components against the schema of CycloneDX, which is in
// the module of its library.
func validate(t *testing.T, data []byte) {
	t.Helper()
	folder := filepath.Join(strings.TrimSpace(must(t, exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))), "schema")
	loader := gojsonschema.NewSchemaLoader()
	read := func(name string) gojsonschema.JSONLoader {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return gojsonschema.NewBytesLoader(text)
	}
	// The schemas that it refers to are loaded first: nothing is downloaded.
	if err := loader.AddSchemas(read("spdx.schema.json"), read("jsf-0.82.schemax.json")); err != nil {
		t.Fatal(err)
	}
	schema, err := loader.Compile(read("bom-1.6.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte) []gojsonschema.ResultError {
		result, err := schema.Validate(gojsonschema.NewBytesLoader(data))
		if err != nil {
			t.Fatal(err)
		}
		return result.Errors()
	}
	for _, e := range check(data) {
		t.Error(e)
	}
	if len(check(bytes.Replace(data, []byte(`"Apache-2.0"`), []byte(`"Apache-7"`), 1))) == 0 {
		t.Error("the schema takes a licence that does not exist")
	}
}
