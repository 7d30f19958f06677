// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import "hash/crc32"

// The CRC-32 of a text is a polynomial over GF(2), modulo that of IEEE. Put n
// bytes behind the text and it is multiplied by x^8n; the CRC of the n bytes is
// then added. So the CRC of a whole follows from those of its parts. As in
// hash/crc32, the bit of x^0 is the highest.

const one = 1 << 31

// multiply gives the product of two polynomials.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 31)
		b = timesX(b)
	}
	return product
}

func timesX(a uint32) uint32 { return a>>1 ^ crc32.IEEE&-(a&1) }

// power gives x^8n.
func power(n int) uint32 {
	result := uint32(one)
	square := uint32(one >> 8) // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = multiply(result, square)
		}
		square = multiply(square, square)
	}
	return result
}
