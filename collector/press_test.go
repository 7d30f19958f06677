// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"
)

func TestCRCOfTheWholeFollowsFromItsParts(t *testing.T) {
	t.Parallel()
	m := newMaker(1)
	for range 500 {
		whole := make([]byte, m.IntN(5000))
		for i := range whole {
			whole[i] = byte(m.Uint32())
		}
		cut := m.IntN(len(whole) + 1)
		head, tail := whole[:cut], whole[cut:]
		got := multiply(crc32.ChecksumIEEE(head), power(len(tail))) ^ crc32.ChecksumIEEE(tail)
		if want := crc32.ChecksumIEEE(whole); got != want {
			t.Fatalf("%d and %d bytes: %08x, want %08x", len(head), len(tail), got, want)
		}
	}
	// Far beyond what can be held in memory, the laws still hold.
	for _, n := range []int{0, 1, 255, 1 << 20, 1<<32 + 17} {
		if got, want := power(2*n+1), multiply(multiply(power(n), power(n)), power(1)); got != want {
			t.Errorf("power(%d) is %08x, want %08x", 2*n+1, got, want)
		}
	}
	if got := power(0); got != one {
		t.Errorf("power(0) is %08x, want 1", got)
	}
}

// TestSpansFormOneStream strings together, in any order, spans that several
// presses have sealed.
func TestSpansFormOneStream(t *testing.T) {
	t.Parallel()
	m := newMaker(2)
	var raws []string
	for _, size := range []int{1, 2, tiny - 1, tiny, tiny + 1, 4096, 32 << 10, 65535, 65536, 200_000} {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(m.Uint32())
		}
		raws = append(raws, string(noise), strings.Repeat("a line that comes again\n", size/24+1))
	}
	for _, name := range []string{identityName, gzipName, zstdName} {
		e := newEncoding(name)
		presses := []press{e.press(), e.press()}
		var spans []span
		for i, raw := range raws {
			data, s := presses[i%2].seal([]byte("before"), []byte(raw))
			if s.size != len(raw) {
				t.Errorf("%s: size %d of %d bytes", name, s.size, len(raw))
			}
			spans = append(spans, span{bytes.TrimPrefix(data, []byte("before")), s})
		}
		for range 20 {
			p := &page{encoding: e, press: presses[0]}
			var want strings.Builder
			for range m.IntN(30) {
				i := m.IntN(len(raws))
				p.add(part{span: spans[i]})
				want.WriteString(raws[i])
			}
			var got bytes.Buffer
			if err := p.writeTo(&got); err != nil {
				t.Fatal(err)
			}
			if got.Len() != p.size() {
				t.Errorf("%s: %d bytes written, %d announced", name, got.Len(), p.size())
			}
			encoding := strings.TrimPrefix(name, identityName)
			if decoded := decode(t, encoding, &got); decoded != want.String() {
				t.Errorf("%s: %d bytes come back as %d", name, want.Len(), len(decoded))
			}
		}
	}
}
