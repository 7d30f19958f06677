// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEIPs(t *testing.T) {
	t.Parallel()
	got, counts, err := EIPs([]byte(`{"eips":[
		{"id":"e2","address":"203.0.113.2","attached_desktop_id":"a"},{"address":"203.0.113.3","attached_desktop_id":null},
		{"address":5,"attached_desktop_id":"b"},{},null,5],"total_count":"6"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := EIPPage{
		Extent: Extent{Size: 6, Total: 6},
		EIPs:   []BoundEIP{{ID: "e2", Address: "203.0.113.2", DesktopID: "a"}, {Address: "203.0.113.3"}, {DesktopID: "b"}, {}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("EIPs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{ReasonNullElement: 1, ReasonMalformedEIP: 1, ReasonMalformedField: 1}, counts.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if _, _, err := EIPs([]byte(`{"eips":null}`)); !errors.Is(err, ErrNoList) {
		t.Errorf("error %v, want %v", err, ErrNoList)
	}
}
