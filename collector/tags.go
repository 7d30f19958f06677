// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// tagLabel is a tag key with its label name.
type tagLabel struct {
	key, name string
}

// tagLabels returns a label for each key, sorted by name. A key that is a valid
// label name is used as it is. Where several others are converted to the same
// name, each of them gets a suffix that is derived from its key, so that the name
// depends neither on their order nor on the other keys.
func tagLabels(keys []string) []tagLabel {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	usage := make(map[string]int)
	for _, key := range keys {
		usage[inventory.LabelName(key)]++
	}
	taken := make(map[string]bool)
	var labels []tagLabel
	take := func(key, name string) {
		taken[name] = true
		labels = append(labels, tagLabel{key, "tag_" + name})
	}
	// Names without suffix take precedence over those with one.
	for _, key := range keys {
		if name := inventory.LabelName(key); name == key || usage[name] == 1 {
			take(key, name)
		}
	}
	for _, key := range keys {
		name := inventory.LabelName(key)
		if name == key || usage[name] == 1 {
			continue
		}
		suffixed := name + "_" + keyHash(key, 0)
		for attempt := 1; taken[suffixed]; attempt++ {
			suffixed = name + "_" + keyHash(key, attempt)
		}
		take(key, suffixed)
	}
	slices.SortFunc(labels, func(a, b tagLabel) int { return strings.Compare(a.name, b.name) })
	return labels
}

func keyHash(key string, attempt int) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%d:%s", attempt, key)
	return fmt.Sprintf("%08x", h.Sum32())
}

// tagValue returns the value of a tag, or "".
func tagValue(tags []inventory.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
