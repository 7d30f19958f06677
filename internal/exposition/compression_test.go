// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

func TestCRCOfConcatenation(t *testing.T) {
	t.Parallel()
	g := inventorytest.NewGenerator(1)
	for range 500 {
		whole := make([]byte, g.IntN(5000))
		for i := range whole {
			whole[i] = byte(g.Uint32())
		}
		cut := g.IntN(len(whole) + 1)
		head, tail := whole[:cut], whole[cut:]
		got := gf2Multiply(crc32.ChecksumIEEE(head), gf2Power(len(tail))) ^ crc32.ChecksumIEEE(tail)
		if want := crc32.ChecksumIEEE(whole); got != want {
			t.Fatalf("%d and %d bytes: %08x, want %08x", len(head), len(tail), got, want)
		}
	}
	// Also for sizes that do not fit into memory.
	for _, n := range []int{0, 1, 255, 1 << 20, 1<<32 + 17} {
		if got, want := gf2Power(2*n+1), gf2Multiply(gf2Multiply(gf2Power(n), gf2Power(n)), gf2Power(1)); got != want {
			t.Errorf("gf2Power(%d) is %08x, want %08x", 2*n+1, got, want)
		}
	}
	if got := gf2Power(0); got != gf2One {
		t.Errorf("gf2Power(0) is %08x, want 1", got)
	}
}

// TestFragmentsFormOneStream concatenates, in any order, fragments of several
// compressors.
func TestFragmentsFormOneStream(t *testing.T) {
	t.Parallel()
	g := inventorytest.NewGenerator(2)
	var raws []string
	for _, size := range []int{1, 2, storedBelow - 1, storedBelow, storedBelow + 1, 4096, 32 << 10, 65535, 65536, 200_000} {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(g.Uint32())
		}
		raws = append(raws, string(noise), strings.Repeat("a line that comes again\n", size/24+1))
	}
	for _, name := range []string{identityName, gzipName, zstdName} {
		c := newCompression(name)
		compressors := []compressor{c.newCompressor(), c.newCompressor()}
		var fragments []fragment
		for i, raw := range raws {
			data, sum := compressors[i%2].compress([]byte("before"), []byte(raw))
			if sum.size != len(raw) {
				t.Errorf("%s: size %d of %d bytes", name, sum.size, len(raw))
			}
			fragments = append(fragments, fragment{bytes.TrimPrefix(data, []byte("before")), sum})
		}
		for range 20 {
			r := &response{compression: c, compressor: compressors[0]}
			var want strings.Builder
			for range g.IntN(30) {
				i := g.IntN(len(raws))
				r.add(segment{fragment: fragments[i]})
				want.WriteString(raws[i])
			}
			var got bytes.Buffer
			if err := r.writeTo(&got); err != nil {
				t.Fatal(err)
			}
			if got.Len() != r.length() {
				t.Errorf("%s: %d bytes written, Content-Length %d", name, got.Len(), r.length())
			}
			encoding := strings.TrimPrefix(name, identityName)
			if decoded := decode(t, encoding, &got); decoded != want.String() {
				t.Errorf("%s: %d bytes are decoded to %d", name, want.Len(), len(decoded))
			}
		}
	}
}
