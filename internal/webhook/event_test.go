// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	e := Event{"0f-1", inventory.Change{
		Time:    time.Date(2026, 1, 31, 9, 0, 0, 5e8, time.FixedZone("", 3600)),
		Project: inventory.Project{Name: "a & b", Region: "r/1", ID: "p 1"}, DesktopID: "d1", DesktopName: "<\"安娜\">\xff",
		Kind: inventory.EIPSwapped, Before: "1.1.1.1", After: "2.2.2.2,3.3.3.3",
	}}
	got, err := e.encode()
	want := `{"specversion":"1.0","id":"0f-1","source":"/huaweicloud_workspace_exporter/r%2F1/p%201",` +
		`"type":"com.huaweicloud.workspace.desktop.eip_swapped","subject":"d1","time":"2026-01-31T08:00:00.500Z","datacontenttype":"application/json",` +
		`"data":{"region":"r/1","project_id":"p 1","project":"a & b","desktop_id":"d1","desktop_name":"<\"安娜\">\ufffd",` +
		`"kind":"eip_swapped","before":"1.1.1.1","after":"2.2.2.2,3.3.3.3"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
