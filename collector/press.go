// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// span is a part of a response, encoded such that spans can be strung together
// in any order: raw deflate that ends at a byte and looks back at nothing, a
// frame of zstd, or the text as it is.
type span struct {
	data []byte
	sum
}

// sum is what the frame around spans has to know of what they decode to.
type sum struct {
	size  int
	crc   uint32 // gzip only, as the next
	shift uint32 // what the CRC of something goes through when this is appended
}

// append is the sum of what it is called on with b strung on. It has no shift:
// only what is appended needs one.
func (a sum) append(b sum) sum {
	return sum{size: a.size + b.size, crc: multiply(a.crc, b.shift) ^ b.crc}
}

// encoding is a content coding by which spans are encoded. One is shared by
// all; it makes a press for each goroutine.
type encoding interface {
	press() press
	begin() []byte
	end(sum) []byte
}

// press encodes spans. It is for one goroutine.
type press interface {
	// seal appends the encoded form of raw to dst.
	seal(dst, raw []byte) ([]byte, sum)
}

// Names of the encodings, as in Content-Encoding.
const (
	identityName = "identity"
	gzipName     = "gzip"
	zstdName     = "zstd"
)

func newEncoding(name string) encoding {
	switch name {
	case gzipName:
		return gzipped{level: gzipLevel}
	case zstdName:
		return newZstandard()
	default:
		return identity{}
	}
}

// identity leaves everything as it is.
type identity struct{}

func (identity) press() press   { return identity{} }
func (identity) begin() []byte  { return nil }
func (identity) end(sum) []byte { return nil }

func (identity) seal(dst, raw []byte) ([]byte, sum) {
	return append(dst, raw...), sum{size: len(raw)}
}

// gzipLevel is the fastest of the levels. The others need up to twice the time
// and save at most a twentieth: most of the bytes are IDs, which are random.
const gzipLevel = flate.BestSpeed

// gzipped makes one gzip member of all spans.
type gzipped struct {
	level int
}

func (gzipped) begin() []byte { return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255} }

func (gzipped) end(s sum) []byte {
	b := []byte{3, 0} // an empty last block
	b = binary.LittleEndian.AppendUint32(b, s.crc)
	return binary.LittleEndian.AppendUint32(b, uint32(s.size))
}

func (g gzipped) press() press {
	p := &gzipPress{}
	var err error
	if p.writer, err = flate.NewWriter(&p.out, g.level); err != nil {
		panic(fmt.Sprintf("flate refuses level %d: %v", g.level, err)) // a constant of ours
	}
	return p
}

// gzipPress compresses each span by itself.
type gzipPress struct {
	writer *flate.Writer
	out    bytes.Buffer
}

// tiny is what is not worth the time that the tables of a block take: headers,
// mostly, and the health of a project.
const tiny = 512

func (p *gzipPress) seal(dst, raw []byte) ([]byte, sum) {
	s := sum{len(raw), crc32.ChecksumIEEE(raw), power(len(raw))}
	if len(raw) < tiny {
		dst = append(dst, 0) // a stored block that is not the last
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(raw)))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(raw)))
		return append(dst, raw...), s
	}
	p.out.Reset()
	p.writer.Reset(&p.out)
	// Writes to memory do not fail. Flush, unlike Close, leaves room for more.
	_, _ = p.writer.Write(raw)
	_ = p.writer.Flush()
	return append(dst, p.out.Bytes()...), s
}

// zstandard makes a frame of each span.
type zstandard struct {
	encoder *zstd.Encoder // its EncodeAll may be called from many goroutines
}

func newZstandard() zstandard {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd refuses constant options: %v", err))
	}
	return zstandard{encoder}
}

func (z zstandard) press() press { return z }
func (zstandard) begin() []byte  { return nil }
func (zstandard) end(sum) []byte { return nil }

func (z zstandard) seal(dst, raw []byte) ([]byte, sum) {
	return z.encoder.EncodeAll(raw, dst), sum{size: len(raw)}
}
