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

// tagLabel is a tag key with the label name that stands for it.
type tagLabel struct {
	key, name string
}

// tagLabels names a label for each key, sorted by name. A key that is a label
// name as it stands keeps it. Where several others come down to one name, each
// of them gets a suffix made of the key itself, so that its name depends
// neither on their order nor on what the others are.
func tagLabels(keys []string) []tagLabel {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	sharing := make(map[string]int)
	for _, key := range keys {
		sharing[inventory.LabelName(key)]++
	}
	taken := make(map[string]bool)
	var labels []tagLabel
	take := func(key, name string) {
		taken[name] = true
		labels = append(labels, tagLabel{key, "tag_" + name})
	}
	// Plain names go first: a suffixed one has to give way to them.
	for _, key := range keys {
		if name := inventory.LabelName(key); name == key || sharing[name] == 1 {
			take(key, name)
		}
	}
	for _, key := range keys {
		name := inventory.LabelName(key)
		if name == key || sharing[name] == 1 {
			continue
		}
		suffixed := name + "_" + digest(key, 0)
		for round := 1; taken[suffixed]; round++ {
			suffixed = name + "_" + digest(key, round)
		}
		take(key, suffixed)
	}
	slices.SortFunc(labels, func(a, b tagLabel) int { return strings.Compare(a.name, b.name) })
	return labels
}

func digest(key string, round int) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%d:%s", round, key)
	return fmt.Sprintf("%08x", h.Sum32())
}

// tagValue gives the value of a desktop's tag, or "".
func tagValue(tags []inventory.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
