// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// desktopPage returns a page of n desktops of about 1 kB each, with the fields
// that the API sends beside those that are decoded.
func desktopPage(n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"total_count":%d,"desktops":[`, n)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"desktop_id":"7c9a5c7e-0000-4000-8000-%012d","computer_name":"desktop-%06d","ip_address":"10.0.%d.%d",`+
			`"ip_addresses":["10.0.%d.%d"],"user_list":["user%06d"],"user_group_list":[],"desktop_type":"DEDICATED",`+
			`"metadata":{"charging_mode":"0","image_name":"Windows Server 2022","os_bit":"64","os_type":"Windows"},`+
			`"status":"ACTIVE","task_status":null,"created":"2026-01-01T00:00:00.000Z","security_groups":[{"id":"11111111-aaaa-4000-8000-000000000001","name":"WorkspaceUserSecurityGroup"}],`+
			`"login_status":"CONNECTED","user_name":"user%06d","attach_user_infos":[{"id":"u%06d","user_name":"user%06d","user_group":"sudo","type":"USER"}],`+
			`"availability_zone":"la-north-2a","site_type":"CENTER","site_name":"central",`+
			`"ou_name":"office","os_version":"","sid":"S-1-5-21-%d","order_id":null,"tags":[{"key":"team","value":"finance"}],"internet_mode":"NAT","is_support_internet":true,`+
			`"enterprise_project_id":"0","subnet_id":"22222222-bbbb-4000-8000-000000000001","pool_id":""}`,
			i, i, i/250, i%250, i/250, i%250, i, i, i, i, i)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// networksResponse returns the networks of n desktops.
func networksResponse(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"networks":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"computer_id":"7c9a5c7e-0000-4000-8000-%012d","computer_name":"desktop-%06d","computer_ip":"10.0.%d.%d","network_infos":[{`+
			`"vpc_info":{"id":"33333333-cccc-4000-8000-000000000001","name":"vpc-00","cidr":"10.0.0.0/16"},`+
			`"subnet_info":{"id":"22222222-bbbb-4000-8000-000000000001","name":"subnet-00","cidr":"10.0.0.0/20"},`+
			`"port_info":{"id":"44444444-dddd-4000-8000-%012d","ip_address":"10.0.%d.%d"},`+
			`"public_ip_info":{"id":"55555555-eeee-4000-8000-%012d","public_ip_address":"198.18.%d.%d"},`+
			`"security_groups":[{"id":"11111111-aaaa-4000-8000-000000000001","name":"workspace-users"},{"id":"11111111-aaaa-4000-8000-000000000002","name":"office"}]}]}`,
			i, i, i/250, i%250, i, i/250, i%250, i, i/250, i%250)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// BenchmarkDesktops decodes a page of 1,000 desktops (1 MB). It compares the
// decoder with encoding/json, for the same fields: once with strict types, where
// one value of a wrong type makes the whole page fail, and once with types that
// accept any value, as the decoder does.
func BenchmarkDesktops(b *testing.B) {
	body := desktopPage(1000)
	for name, decode := range map[string]func([]byte) (int, error){
		"decode": func(body []byte) (int, error) {
			p, _, err := Desktops(body, OptionalFields{Tags: true, Users: true})
			return len(p.Desktops), err
		},
		"encoding-json-strict":  unmarshalPage[string],
		"encoding-json-lenient": unmarshalPage[lenientString],
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := decode(body); err != nil || n != 1000 {
					b.Fatalf("%d desktops, error %v", n, err)
				}
			}
		})
	}
}

// lenientString is a string that is empty if the JSON value is not a string.
type lenientString string

func (s *lenientString) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*s = lenientString(text)
	}
	return nil
}

// jsonDesktop has the fields of a desktop that the decoder reads.
type jsonDesktop[S any] struct {
	ID                  S `json:"desktop_id"`
	Name                S `json:"computer_name"`
	IP                  S `json:"ip_address"`
	SubnetID            S `json:"subnet_id"`
	EnterpriseProjectID S `json:"enterprise_project_id"`
	PoolID              S `json:"pool_id"`
	AvailabilityZone    S `json:"availability_zone"`
	Type                S `json:"desktop_type"`
	Status              S `json:"status"`
	TaskStatus          S `json:"task_status"`
	UserName            S `json:"user_name"`
	Users               []struct {
		UserName S `json:"user_name"`
	} `json:"attach_user_infos"`
	Tags []struct {
		Key   S `json:"key"`
		Value S `json:"value"`
	} `json:"tags"`
}

func unmarshalPage[S any](body []byte) (int, error) {
	var page struct {
		TotalCount int              `json:"total_count"`
		Desktops   []jsonDesktop[S] `json:"desktops"`
	}
	err := json.Unmarshal(body, &page)
	return len(page.Desktops), err
}

// BenchmarkNetworks decodes the networks of a batch of 100 desktops.
func BenchmarkNetworks(b *testing.B) {
	body := networksResponse(100)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if n, _, err := Networks(body); err != nil || len(n) != 100 {
			b.Fatalf("%d desktops, error %v", len(n), err)
		}
	}
}
