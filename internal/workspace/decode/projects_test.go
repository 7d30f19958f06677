// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProjects(t *testing.T) {
	t.Parallel()
	got, counts, err := Projects([]byte(`{"projects":[{"id":"a","name":"cn-north-4","enabled":false},{"name":"x"},null,3,{"id":"b"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []IAMProject{{ID: "a", Name: "cn-north-4", Region: "cn-north-4"}, {ID: "b", Enabled: true}}
	if diff := cmp.Diff(want, got.Projects); diff != "" {
		t.Errorf("projects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{ReasonNoProjectID: 1, ReasonNullElement: 1, ReasonMalformedProject: 1}, counts.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}
