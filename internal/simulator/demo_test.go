// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// projectSummary returns the main numbers of a project as text.
func projectSummary(cloud *simulator.Cloud, p simulator.DemoProject) string {
	var b strings.Builder
	desktops := cloud.Desktops(p.ID)
	counts := map[string]int{}
	for _, d := range desktops {
		counts[fmt.Sprintf("interfaces %d", len(d.Interfaces))]++
		counts["status "+d.Status]++
		counts["type "+d.Type]++
		if d.PoolID != "" {
			counts["in a pool"]++
		}
		for _, t := range d.Tags {
			counts["tag "+t.Key]++
		}
		for _, i := range d.Interfaces {
			counts["vpc "+i.VPC.Name+" "+i.VPC.CIDR]++
			counts["subnet "+i.Subnet.Name+" "+i.Subnet.CIDR]++
			for _, g := range i.Groups {
				counts["group "+g.Name]++
			}
			if i.EIP != nil {
				counts["eips "+strings.SplitN(d.Name, "-", 3)[1]]++
			}
		}
	}
	fmt.Fprintf(&b, "%s %s %s: %d desktops\n", p.Name, p.Region, p.ID, len(desktops))
	lines := make([]string, 0, len(counts))
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%4d %s\n", n, what))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[5:], b[5:]) })
	b.WriteString(strings.Join(lines, ""))
	for _, d := range []simulator.Desktop{desktops[0], desktops[len(desktops)-1]} {
		eip := "-"
		if e := d.Interfaces[0].EIP; e != nil {
			eip = e.Address
		}
		fmt.Fprintf(&b, "     %s %s %s %s %s %s %v\n", d.ID, d.Name, d.IP, eip, d.UserName, d.Created.Format(time.RFC3339), d.Tags)
	}
	return b.String()
}

func TestDemoIsReproducible(t *testing.T) {
	t.Parallel()
	cloud := simulator.New(simulator.Options{})
	demo := simulator.NewDemo(cloud, simulator.DemoSeed)
	var b strings.Builder
	for _, p := range demo.Projects() {
		b.WriteString(projectSummary(cloud, p))
	}
	b.WriteString("steps\n")
	for range 40 {
		fmt.Fprintf(&b, "     %s\n", demo.Step())
	}
	b.WriteString("after 2000 steps\n")
	for range 1960 {
		demo.Step()
	}
	for _, p := range demo.Projects() {
		b.WriteString(projectSummary(cloud, p))
	}
	golden(t, "demo.golden", b.String())
}

func TestDemoDependsOnSeed(t *testing.T) {
	t.Parallel()
	one, other := simulator.New(simulator.Options{}), simulator.New(simulator.Options{})
	a, b := simulator.NewDemo(one, 1), simulator.NewDemo(other, 2)
	if a.Projects()[0].ID == b.Projects()[0].ID {
		t.Error("got the same project with two seeds")
	}
}

// TestDemoInvariants checks after many steps that no address is used twice, addresses
// are in their subnets, and the number of desktops is near the target.
func TestDemoInvariants(t *testing.T) {
	t.Parallel()
	cloud := simulator.New(simulator.Options{})
	demo := simulator.NewDemo(cloud, 7)
	for round := range 40 {
		for range 250 {
			demo.Step()
		}
		for at, p := range cloud.Projects() {
			desktops := cloud.Desktops(p.ID)
			size := []int{184, 116}[at]
			if n := len(desktops); n < size*2/3 || n > size*4/3 {
				t.Errorf("round %d: %s has %d desktops, want about %d", round, p.Name, n, size)
			}
			used := map[string]bool{}
			once := func(what string) {
				if used[what] {
					t.Errorf("round %d: %s: %s is used twice", round, p.Name, what)
				}
				used[what] = true
			}
			for _, eip := range p.FreeEIPs {
				once(eip.Address)
			}
			for _, d := range desktops {
				once(d.ID)
				for _, i := range d.Interfaces {
					once(i.PrivateIP)
					once(i.PortID)
					if !netip.MustParsePrefix(i.Subnet.CIDR).Contains(netip.MustParseAddr(i.PrivateIP)) {
						t.Errorf("round %d: %s of %s is outside %s", round, i.PrivateIP, d.Name, i.Subnet.CIDR)
					}
					if i.EIP != nil {
						once(i.EIP.Address)
					}
				}
			}
		}
	}
}

func TestDemoRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := simulator.New(simulator.Options{})
		demo := simulator.NewDemo(cloud, simulator.DemoSeed)
		twin := simulator.New(simulator.Options{})
		steps := simulator.NewDemo(twin, simulator.DemoSeed)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			demo.Run(t.Context(), 10*time.Second)
		}()
		time.Sleep(105 * time.Second)
		for range 10 {
			steps.Step()
		}
		for _, p := range demo.Projects() {
			if diff := cmp.Diff(twin.Desktops(p.ID), cloud.Desktops(p.ID)); diff != "" {
				t.Errorf("%s differs after 105s from 10 steps (-want +got):\n%s", p.Name, diff)
			}
		}
	})
}

func TestGenerateDesktops(t *testing.T) {
	t.Parallel()
	fleet := simulator.GenerateDesktops(50_000, 1)
	if diff := cmp.Diff(simulator.GenerateDesktops(100, 1), fleet[:100]); diff != "" {
		t.Errorf("more desktops do not begin with fewer ones (-fewer +more):\n%s", diff)
	}
	if cmp.Equal(fleet[:10], simulator.GenerateDesktops(10, 2)) {
		t.Error("got the same desktops with two seeds")
	}
	unique, subnets, vpcs := map[string]bool{}, map[string]bool{}, map[string]bool{}
	eips, twoGroups := 0, 0
	for n, d := range fleet {
		i := d.Interfaces[0]
		if n < 7000 { // more than two subnets
			for _, s := range []string{d.ID, d.Name, i.PortID, i.PrivateIP} {
				if unique[s] {
					t.Fatalf("%s is used twice", s)
				}
				unique[s] = true
			}
			if !netip.MustParsePrefix(i.Subnet.CIDR).Contains(netip.MustParseAddr(i.PrivateIP)) {
				t.Fatalf("%s is outside %s", i.PrivateIP, i.Subnet.CIDR)
			}
		}
		subnets[i.Subnet.ID+i.Subnet.CIDR], vpcs[i.VPC.ID+i.VPC.CIDR] = true, true
		if i.EIP != nil {
			eips++
		}
		if len(i.Groups) == 2 {
			twoGroups++
		}
		if len(d.Interfaces) != 1 {
			t.Fatalf("%s has %d interfaces, want 1", d.Name, len(d.Interfaces))
		}
	}
	if len(subnets) != 17 || len(vpcs) != 2 || eips < 19_500 || eips > 20_500 || twoGroups < 14_500 || twoGroups > 15_500 {
		t.Errorf("got %d subnets, %d VPCs, %d EIPs, %d with two groups", len(subnets), len(vpcs), eips, twoGroups)
	}
}
