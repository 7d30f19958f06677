// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build goexperiment.jsonv2

package decode

import (
	"bytes"
	"encoding/json/jsontext"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// BenchmarkDesktopsJSONText reads the string fields of a page of 1,000 desktops
// with encoding/json/jsontext, for comparison with BenchmarkDesktops. It needs
// GOEXPERIMENT=jsonv2.
func BenchmarkDesktopsJSONText(b *testing.B) {
	body := desktopPage(1000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := readWithJSONText(body); err != nil || n != 1000 {
			b.Fatalf("%d desktops, error %v", n, err)
		}
	}
}

func readWithJSONText(body []byte) (int, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var desktops []inventory.Desktop
	var in interner
	var buf []byte
	for {
		token, err := d.ReadToken()
		if err != nil {
			return len(desktops), err
		}
		if token.Kind() == '}' && d.StackDepth() == 0 {
			return len(desktops), nil
		}
		if token.Kind() != '{' || d.StackDepth() != 3 { // object, list, desktop
			continue
		}
		var desktop inventory.Desktop
		for d.PeekKind() == '"' {
			name, err := d.ReadValue()
			if err != nil {
				return len(desktops), err
			}
			field := stringField(&desktop, name)
			if field == nil || d.PeekKind() != '"' {
				if err := d.SkipValue(); err != nil {
					return len(desktops), err
				}
				continue
			}
			value, err := d.ReadValue()
			if err != nil {
				return len(desktops), err
			}
			if buf, err = jsontext.AppendUnquote(buf[:0], value); err != nil {
				return len(desktops), err
			}
			*field = in.intern(buf)
		}
		desktops = append(desktops, desktop)
	}
}

func stringField(d *inventory.Desktop, quotedName []byte) *string {
	switch string(quotedName) {
	case `"desktop_id"`:
		return &d.ID
	case `"computer_name"`:
		return &d.Name
	case `"ip_address"`:
		return &d.IP
	case `"subnet_id"`:
		return &d.SubnetID
	case `"enterprise_project_id"`:
		return &d.EnterpriseProjectID
	case `"pool_id"`:
		return &d.PoolID
	case `"availability_zone"`:
		return &d.AvailabilityZone
	case `"desktop_type"`:
		return &d.Type
	case `"status"`:
		return &d.Status
	case `"task_status"`:
		return &d.TaskStatus
	}
	return nil
}
