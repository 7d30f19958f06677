// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestEIPBindings(t *testing.T) {
	t.Parallel()
	got, counts, err := EIPBindings([]byte(`{"eips":[
		{"address":"203.0.113.2","attached_desktop_id":"a"},{"address":"203.0.113.1","attached_desktop_id":"a"},
		{"address":"203.0.113.3","attached_desktop_id":null},{"address":"","attached_desktop_id":"b"},
		{"address":"203.0.113.2","attached_desktop_id":"a"},{},null,5],"total_count":"8"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inventory.EIPBindings{"a": "203.0.113.1,203.0.113.2"}, got); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{ReasonNullElement: 1, ReasonMalformedEIP: 1, ReasonMalformedField: 1}, counts.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if _, _, err := EIPBindings([]byte(`{"eips":null}`)); !errors.Is(err, ErrNoList) {
		t.Errorf("error %v, want %v", err, ErrNoList)
	}
}
