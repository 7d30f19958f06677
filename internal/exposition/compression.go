// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// fragment is a compressed part of a response. Fragments can be concatenated in
// any order: they are byte-aligned raw deflate without back-references, a frame
// of zstd, or the text itself.
type fragment struct {
	data []byte
	checksum
}

// checksum describes the uncompressed text of fragments.
type checksum struct {
	size     int    // in bytes
	crc      uint32 // gzip only, as the next
	crcShift uint32 // factor of the CRC of the text to which this is appended
}

// append returns the checksum of a followed by b. The result has no crcShift: it
// is used for what is appended only.
func (a checksum) append(b checksum) checksum {
	return checksum{size: a.size + b.size, crc: gf2Multiply(a.crc, b.crcShift) ^ b.crc}
}

// compression is a content encoding. It is safe for concurrent use; its
// compressors are not.
type compression interface {
	newCompressor() compressor
	header() []byte
	trailer(checksum) []byte
}

// compressor compresses fragments.
type compressor interface {
	// compress appends the compressed form of raw to dst.
	compress(dst, raw []byte) ([]byte, checksum)
}

// Names of the encodings, as in Content-Encoding.
const (
	identityName = "identity"
	gzipName     = "gzip"
	zstdName     = "zstd"
)

func newCompression(name string) compression {
	switch name {
	case gzipName:
		return gzipCompression{level: gzipLevel}
	case zstdName:
		return newZstdCompression()
	default:
		return identity{}
	}
}

// identity does not compress.
type identity struct{}

func (identity) newCompressor() compressor { return identity{} }
func (identity) header() []byte            { return nil }
func (identity) trailer(checksum) []byte   { return nil }

func (identity) compress(dst, raw []byte) ([]byte, checksum) {
	return append(dst, raw...), checksum{size: len(raw)}
}

// gzipLevel is the fastest level. Other levels take up to twice the time and
// save at most 5 %: most of the bytes are IDs, which are random.
const gzipLevel = flate.BestSpeed

// gzipCompression makes one gzip member of all fragments.
type gzipCompression struct {
	level int
}

func (gzipCompression) header() []byte { return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255} }

func (gzipCompression) trailer(sum checksum) []byte {
	b := []byte{3, 0} // an empty last block
	b = binary.LittleEndian.AppendUint32(b, sum.crc)
	return binary.LittleEndian.AppendUint32(b, uint32(sum.size))
}

func (g gzipCompression) newCompressor() compressor {
	c := &gzipCompressor{}
	var err error
	if c.writer, err = flate.NewWriter(&c.out, g.level); err != nil {
		panic(fmt.Sprintf("flate rejects level %d: %v", g.level, err)) // a constant of ours
	}
	return c
}

// gzipCompressor compresses each fragment separately.
type gzipCompressor struct {
	writer *flate.Writer
	out    bytes.Buffer
}

// storedBelow is the size in bytes below which a text is stored uncompressed,
// since a block costs the time for its tables: family headers, mostly, and the
// metrics of a project.
const storedBelow = 512

func (c *gzipCompressor) compress(dst, raw []byte) ([]byte, checksum) {
	sum := checksum{len(raw), crc32.ChecksumIEEE(raw), gf2Power(len(raw))}
	if len(raw) < storedBelow {
		dst = append(dst, 0) // a stored block that is not the last
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(raw)))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(raw)))
		return append(dst, raw...), sum
	}
	c.out.Reset()
	c.writer.Reset(&c.out)
	// Writes to memory do not fail. Flush, unlike Close, allows more blocks.
	_, _ = c.writer.Write(raw)
	_ = c.writer.Flush()
	return append(dst, c.out.Bytes()...), sum
}

// zstdCompression makes a frame of each fragment.
type zstdCompression struct {
	encoder *zstd.Encoder // EncodeAll is safe for concurrent use
}

func newZstdCompression() zstdCompression {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd rejects constant options: %v", err))
	}
	return zstdCompression{encoder}
}

func (z zstdCompression) newCompressor() compressor { return z }
func (zstdCompression) header() []byte              { return nil }
func (zstdCompression) trailer(checksum) []byte     { return nil }

func (z zstdCompression) compress(dst, raw []byte) ([]byte, checksum) {
	return z.encoder.EncodeAll(raw, dst), checksum{size: len(raw)}
}
