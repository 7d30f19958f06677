// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// chunk is a sequence of records with their fragments. It is immutable once it
// is encoded.
type chunk struct {
	records []*inventory.Record
	encoded
}

// chunkSize is the number of desktops in a new chunk: with fewer, a change of one
// costs less; with more, the compression is better.
const chunkSize = 32

// rechunk splits records into chunks with the borders of the old ones. It
// returns all chunks and, of these, the fresh ones, which are not encoded yet. A
// chunk that has grown to twice chunkSize is split, one that has shrunk to a
// quarter is joined with the next.
func rechunk(old []*chunk, records []*inventory.Record) (chunks, fresh []*chunk) {
	add := func(part []*inventory.Record) {
		for n := max(1, len(part)/chunkSize); len(part) > 0; n-- {
			size := len(part) / n
			c := &chunk{records: slices.Clone(part[:size])}
			chunks, fresh = append(chunks, c), append(fresh, c)
			part = part[size:]
		}
	}
	chunks = make([]*chunk, 0, len(old))
	start, end := 0, 0
	for i, c := range old {
		last := i == len(old)-1
		if last {
			end = len(records)
		} else {
			end = lowerBound(records, end, len(c.records), old[i+1].records[0])
		}
		part := records[start:end]
		if slices.Equal(part, c.records) {
			chunks = append(chunks, c)
		} else if len(part) >= chunkSize/4 || last {
			add(part)
		} else {
			continue
		}
		start = end
	}
	add(records[start:])
	return chunks, fresh
}

// lowerBound returns the index of the first record, from start on, that does not
// sort before bound. It tries start+guess first.
func lowerBound(records []*inventory.Record, start, guess int, bound *inventory.Record) int {
	if i := start + guess; i < len(records) && records[i] == bound {
		return i
	}
	i, _ := slices.BinarySearchFunc(records[start:], bound.Desktop.ID, func(r *inventory.Record, id string) int {
		return strings.Compare(r.Desktop.ID, id)
	})
	return start + i
}
