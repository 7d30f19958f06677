// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// BenchmarkState writes and reads the state of 100,000 desktops, and compares
// with the same as JSON, without a file.
func BenchmarkState(b *testing.B) {
	const n = 100_000
	now := time.Now()
	scope := changes.ScopeState{Region: "r", ProjectID: "p", LastSeen: now}
	project := refresh.State{SavedAt: now}
	for i := range uint64(n) {
		id := func(kind, i uint64) string {
			x := (kind*n + i) * 0x9e3779b97f4a7c15
			return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", x>>32, x>>16&0xffff, x>>8&0xfff, x&0xfff, x*x&0xffffffffffff)
		}
		name := fmt.Sprint("desktop-", i)
		address := fmt.Sprintf("%d.%d.%d", i>>16, i>>8&255, i&255)
		networks := &inventory.Networks{Name: name, IP: "10." + address, Interfaces: []inventory.Interface{{
			PortID: id(1, i), PrivateIP: "10." + address, EIP: inventory.EIP{ID: id(2, i), Address: "100." + address},
			VPC:            inventory.VPC{ID: id(3, i%5), Name: "main", CIDR: "10.0.0.0/8"},
			Subnet:         inventory.Subnet{ID: id(4, i%50), Name: "floor", CIDR: "10.0.0.0/12"},
			SecurityGroups: []inventory.SecurityGroup{{ID: id(5, i%3), Name: "default"}},
		}}}
		d := inventory.Desktop{ID: id(0, i), Name: name, IP: networks.IP, SubnetID: networks.Interfaces[0].Subnet.ID, Status: "ACTIVE"}
		scope.Desktops = append(scope.Desktops, changes.DesktopState{ID: d.ID, Name: name, Listed: true, Networks: networks})
		project.Desktops = append(project.Desktops, refresh.DesktopState{Desktop: d, Networks: networks, ReadAt: now})
	}
	m := &persistedState{SavedAt: now, History: changes.State{Scopes: []changes.ScopeState{scope}}, Projects: map[string]refresh.State{"p": project}}
	file := filepath.Join(b.TempDir(), "state")
	var write, read, baseline time.Duration
	timed := func(total *time.Duration, work func() error) {
		begun := time.Now()
		if err := work(); err != nil {
			b.Fatal(err)
		}
		*total += time.Since(begun)
	}
	for b.Loop() {
		timed(&write, func() error { return writeState(file, m) })
		timed(&read, func() error { _, err := readState(file); return err })
		timed(&baseline, func() error { return json.NewEncoder(io.Discard).Encode(m) })
	}
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	b.ReportMetric(write.Seconds()/float64(b.N), "s/write")
	b.ReportMetric(read.Seconds()/float64(b.N), "s/read")
	b.ReportMetric(write.Seconds()/baseline.Seconds(), "write/json")
}
