// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// TestStaticProviderWaitsForAllFiles checks that a key is not read while only some
// of its files are new.
func TestStaticProviderWaitsForAllFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now().Add(time.Hour)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := newStaticProvider(&config.Credentials{
		AccessKeyFile: write("ak", "A"), SecretKeyFile: write("sk", "B"),
	}, func() time.Time { return now })
	put := func(name, text string) {
		if err := os.Chtimes(write(name, text), now, now); err != nil {
			t.Fatal(err)
		}
	}
	retrieve := func() string {
		k, err := p.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return k.AccessKey + k.SecretKey
	}
	if got := retrieve(); got != "AB" || p.Changed() {
		t.Fatalf("key %s, changed %t; want AB and none", got, p.Changed())
	}
	put("ak", "C")
	if got := retrieve(); got != "AB" || !p.Changed() {
		t.Errorf("key %s, changed %t; want the old one, and a change", got, p.Changed())
	}
	now = now.Add(time.Second)
	put("sk", "D")
	if got := retrieve(); got != "AB" {
		t.Errorf("key %s, want the old one", got)
	}
	now = now.Add(writeGrace)
	if got := retrieve(); got != "CD" || p.Changed() {
		t.Errorf("key %s, changed %t; want CD and none", got, p.Changed())
	}
}
