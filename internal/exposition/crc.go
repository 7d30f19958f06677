// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import "hash/crc32"

// The CRC-32 of a text is a polynomial over GF(2), modulo the polynomial of IEEE
// 802.3. Appending n bytes multiplies it by x^8n and adds the CRC of the n
// bytes. So the CRC of a response follows from those of its fragments. As in
// hash/crc32, the bit of x^0 is the highest.

const gf2One = 1 << 31

// gf2Multiply returns the product of two polynomials.
func gf2Multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 31)
		b = gf2TimesX(b)
	}
	return product
}

func gf2TimesX(a uint32) uint32 { return a>>1 ^ crc32.IEEE&-(a&1) }

// gf2Power returns x^8n.
func gf2Power(n int) uint32 {
	result := uint32(gf2One)
	square := uint32(gf2One >> 8) // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = gf2Multiply(result, square)
		}
		square = gf2Multiply(square, square)
	}
	return result
}
