// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// BenchmarkUnchangedRefresh measures the cost of list, plan and snapshot in a
// refresh of 100,000 desktops, of which one in a hundred was read.
func BenchmarkUnchangedRefresh(b *testing.B) {
	const n = 100_000
	c := newFakeSource(n)
	listing, _ := c.ListDesktops(b.Context())
	s := newEngineState(Options{MaxStaleness: time.Minute, Discovered: true, Logger: log.NewNopLogger()})
	e := &Engine{opts: s.opts, state: s}
	e.state.mergeList(listing, true, time.Now())
	read := func(i int, address string, now time.Time) {
		d := e.state.desktops[i]
		n := &inventory.Networks{Interfaces: []inventory.Interface{{
			PortID: "port-" + d.record.Desktop.ID, PrivateIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), EIP: inventory.EIP{Address: address},
			VPC: inventory.VPC{ID: "vpc", CIDR: "10.0.0.0/8"}, Subnet: inventory.Subnet{ID: "subnet", CIDR: "10.0.0.0/12"},
		}}}
		e.state.setNetworks(d, n, now, nil)
	}
	start := time.Now()
	for i := range e.state.desktops {
		read(i, "", start.Add(time.Duration(i/100)*time.Second))
	}
	for number := uint64(1); b.Loop(); number++ {
		r := &run{engine: e, number: number, start: time.Now()}
		e.state.mergeList(listing, true, r.start)
		r.plan(r.start)
		for i := int(number % 100); i < n; i += 100 {
			read(i, fmt.Sprintf("1.%d.%d.%d", i>>16, i>>8&255, i&255), r.start)
		}
		e.state.snapshot(r.start)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/desktop")
}
