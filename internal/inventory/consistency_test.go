// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// at makes an interface in a subnet of a VPC.
func at(port, address, subnet, vpc string) Interface {
	return Interface{
		PortID: port, PrivateIP: address,
		Subnet: Subnet{ID: "s" + subnet, CIDR: subnet}, VPC: VPC{ID: "v" + vpc, CIDR: vpc},
	}
}

// with makes an interface that has only an EIP.
func with(id, address string) Interface {
	return Interface{PortID: id + address, EIP: EIP{ID: id, Address: address}}
}

// vpcs makes an interface in each of these VPCs, which are told as ID=CIDR.
func vpcs(all ...string) *Networks {
	n := &Networks{}
	for _, v := range all {
		id, cidr, _ := strings.Cut(v, "=")
		n.Interfaces = append(n.Interfaces, Interface{PortID: v, VPC: VPC{ID: id, CIDR: cidr}})
	}
	return n
}

func told(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s %s %s %s", f.Reason, f.Subject, f.Other, f.Value))
	}
	return all
}

// TestFindings has for each reason what is one, and what nearly is.
func TestFindings(t *testing.T) {
	t.Parallel()
	const subnet, vpc = "10.0.1.0/24", "10.0.0.0/16"
	for name, tt := range map[string]struct {
		networks []*Networks // of the desktops d0, d1, ...
		want     []string
	}{
		"nothing known":      {networks: []*Networks{nil, in()}},
		"an empty interface": {networks: []*Networks{in(Interface{}), in(Interface{}, Interface{})}},

		"an address in its subnet, at both ends": {networks: []*Networks{in(at("p1", "10.0.1.0", subnet, vpc), at("p2", "10.0.1.255", subnet, vpc))}},
		"an address beside its subnet, at both ends": {
			networks: []*Networks{in(at("p1", "10.0.0.255", subnet, vpc), at("p2", "10.0.2.0", subnet, vpc))},
			want:     []string{"address_outside_subnet d0 s10.0.1.0/24 10.0.0.255", "address_outside_subnet d0 s10.0.1.0/24 10.0.2.0"},
		},
		"an address outside a subnet without ID": {
			networks: []*Networks{in(Interface{PrivateIP: "10.0.0.1", Subnet: Subnet{CIDR: subnet}})},
			want:     []string{"address_outside_subnet d0  10.0.0.1"},
		},
		"one address outside by two ports": {
			networks: []*Networks{in(at("p1", "10.9.9.9", subnet, ""), at("p2", "10.9.9.9", subnet, ""))},
			want:     []string{"address_outside_subnet d0 s10.0.1.0/24 10.9.9.9", "address_used_twice d0 d0 10.9.9.9"},
		},
		"a CIDR that is written from one of its addresses": {networks: []*Networks{in(at("p", "10.0.1.9", "10.0.1.77/24", "10.0.200.1/16"))}},
		"addresses and CIDRs that are none": {networks: []*Networks{in(
			at("1", "", subnet, vpc), at("2", "10.0.1", subnet, vpc), at("3", "10.0.1.300", subnet, vpc), at("4", "0.0.0.0", subnet, vpc),
			at("5", "192.168.0.1", "", ""), at("6", "192.168.0.2", "10.0.1.0", "10.0.0.0"), at("7", "192.168.0.3", "10.0.1.0/33", "none"),
			at("8", "192.168.0.4", "<nil>", "10.0.0.0/16 "), at("9", "::", "2001:db8::/64", ""),
		)}},
		"IPv6": {
			networks: []*Networks{in(at("1", "2001:db8::5", "2001:db8::/64", "2001:db8::/56"), at("2", "2001:db8:0:1::5", "2001:db8::/64", "2001:db8::/56"))},
			want:     []string{"address_outside_subnet d0 s2001:db8::/64 2001:db8:0:1::5"},
		},
		"of two families one CIDR is told":        {networks: []*Networks{in(at("1", "2001:db8::5", subnet, vpc), at("2", "10.0.1.5", "2001:db8::/64", vpc))}},
		"an IPv4 address in the dress of IPv6":    {networks: []*Networks{in(at("1", "::ffff:10.0.1.5", subnet, vpc), at("2", "10.0.1.6", "::ffff:10.0.1.0/120", vpc))}},
		"an address with a zone is in the subnet": {networks: []*Networks{in(at("1", "fe80::1%eth0", "fe80::/64", ""))}},

		"a subnet that is all of its VPC": {networks: []*Networks{in(at("p", "10.0.1.1", vpc, vpc))}},
		"a subnet outside its VPC, told by two desktops": {
			networks: []*Networks{in(at("p1", "10.0.1.1", subnet, "10.1.0.0/16")), in(at("p2", "10.0.1.2", subnet, "10.1.0.0/16"))},
			want:     []string{"subnet_outside_vpc s10.0.1.0/24 v10.1.0.0/16 10.0.1.0/24"},
		},
		"a subnet larger than its VPC": {
			networks: []*Networks{in(at("p", "10.0.1.1", "10.0.0.0/8", vpc))},
			want:     []string{"subnet_outside_vpc s10.0.0.0/8 v10.0.0.0/16 10.0.0.0/8"},
		},
		"a subnet without ID": {networks: []*Networks{in(Interface{Subnet: Subnet{CIDR: subnet}, VPC: VPC{ID: "v", CIDR: "10.9.0.0/16"}})}},

		"VPCs side by side": {networks: []*Networks{vpcs("a=10.0.0.0/16", "b=10.1.0.0/16", "c=192.168.0.0/24", "d=192.168.1.0/24", "e=2001:db8::/32", "f=2001:db9::/32")}},
		"VPCs in each other": {
			networks: []*Networks{vpcs("a=10.0.0.0/8"), vpcs("b=10.1.0.0/16"), vpcs("c=10.1.2.0/24"), vpcs("d=10.2.0.0/16"), vpcs("e=11.0.0.0/8")},
			want:     []string{"vpcs_overlap b a 10.1.0.0/16", "vpcs_overlap c b 10.1.2.0/24", "vpcs_overlap d a 10.2.0.0/16"},
		},
		"VPCs alike": {
			networks: []*Networks{vpcs("b=192.168.0.0/16", "c=192.168.0.0/16", "a=192.168.9.9/16", "z=0.0.0.0/0")},
			want:     []string{"vpcs_overlap a b 192.168.9.9/16", "vpcs_overlap b c 192.168.0.0/16", "vpcs_overlap c z 192.168.0.0/16"},
		},
		"a VPC that is being changed": {networks: []*Networks{vpcs("a=10.0.0.0/16"), vpcs("a=10.1.0.0/16"), vpcs("b=10.0.0.0/16"), vpcs("b=10.1.0.0/16"), vpcs("c=10.0.0.0/8", "c=?")}},
		"a VPC with and without its CIDR": {
			networks: []*Networks{vpcs("a=10.0.0.0/16"), vpcs("a="), vpcs("b=10.0.0.0/15", "=10.0.0.0/8")},
			want:     []string{"vpcs_overlap a b 10.0.0.0/16"},
		},

		"an address in two VPCs":              {networks: []*Networks{in(at("p1", "10.0.1.5", subnet, vpc)), in(at("p2", "10.0.1.5", subnet, "10.0.0.0/17")), in(at("p2", "10.0.1.5", subnet, ""))}, want: []string{"vpcs_overlap v10.0.0.0/17 v10.0.0.0/16 10.0.0.0/17"}},
		"an address in VPCs that are unknown": {networks: []*Networks{in(Interface{PortID: "p1", PrivateIP: "10.0.1.5"}), in(Interface{PortID: "p2", PrivateIP: "10.0.1.5"})}},
		"an address of four desktops": {
			networks: []*Networks{in(at("p1", "10.0.1.5", subnet, vpc)), in(at("p2", "10.0.1.5", subnet, vpc)), nil, in(at("p4", "10.0.1.5", subnet, vpc)), in(at("p5", "10.0.1.5", subnet, vpc))},
			want:     []string{"address_used_twice d0 d1 10.0.1.5", "address_used_twice d1 d3 10.0.1.5", "address_used_twice d3 d4 10.0.1.5"},
		},
		"an address thrice on one desktop, once on another": {
			networks: []*Networks{in(at("p1", "10.0.1.5", subnet, vpc), at("p2", "10.0.1.5", subnet, vpc), at("p3", "10.0.1.5", subnet, vpc)), in(at("p4", "10.0.1.5", subnet, vpc))},
			want:     []string{"address_used_twice d0 d0 10.0.1.5", "address_used_twice d0 d1 10.0.1.5"},
		},
		"one address, written in two ways": {
			networks: []*Networks{in(at("p1", "2001:db8::5", "", vpc)), in(at("p2", "2001:0DB8:0::5", "", vpc))},
			want:     []string{"address_used_twice d0 d1 2001:db8::5"},
		},

		"EIPs that are all others":        {networks: []*Networks{in(with("e1", "1.1.1.1"), with("e2", "1.1.1.2")), in(with("e3", "1.1.1.3")), in(with("", "")), in(with("", ""))}},
		"an EIP twice on one desktop":     {networks: []*Networks{in(with("e1", "1.1.1.1"), Interface{PortID: "other", EIP: EIP{"e1", "1.1.1.1"}})}},
		"EIPs whose addresses are none":   {networks: []*Networks{in(with("e1", "-")), in(with("e2", "-")), in(with("e3", "0.0.0.0")), in(with("e4", "0.0.0.0"))}},
		"an EIP on two desktops":          {networks: []*Networks{in(with("e1", "1.1.1.1")), in(with("e1", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1"}},
		"an EIP on two desktops, by ID":   {networks: []*Networks{in(with("e1", "")), in(with("e1", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 e1"}},
		"an EIP on two, under two IDs":    {networks: []*Networks{in(with("e1", "1.1.1.1")), in(with("e2", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1"}},
		"an EIP on three, EIPs on two":    {networks: []*Networks{in(with("e1", "1.1.1.1"), with("e2", "2.2.2.2")), in(with("e1", "1.1.1.1")), in(with("e1", "1.1.1.1"), with("e2", "2.2.2.2"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1", "eip_used_twice d0 d2 2.2.2.2", "eip_used_twice d1 d2 1.1.1.1"}},
		"an EIP may be a private address": {networks: []*Networks{in(Interface{PortID: "p", PrivateIP: "10.0.0.1", VPC: VPC{ID: "v"}, EIP: EIP{Address: "10.0.0.1"}})}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []*Record
			var audit ConsistencyChecker
			passing := in(at("p", "10.0.1.5", "10.9.0.0/24", "10.0.0.0/8"), with("e1", "1.1.1.1"))
			audit.Add("passing", passing)
			for i, n := range tt.networks {
				id := fmt.Sprint("d", i)
				records = append(records, &Record{Desktop: Desktop{ID: id}, Networks: n})
				audit.Add(id, n)
			}
			audit.Remove("passing", passing)
			if diff := cmp.Diff(tt.want, told(Findings(records))); diff != "" {
				t.Errorf("found (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, told(audit.Findings())); diff != "" {
				t.Errorf("after one that came and went (-want +got)\n%s", diff)
			}
		})
	}
}

// crowded makes the networks of a desktop where everything collides.
func crowded(r *rand.Rand) *Networks {
	if r.IntN(8) == 0 {
		return nil
	}
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	n := &Networks{}
	for i := range r.IntN(4) {
		n.Interfaces = append(n.Interfaces, Interface{
			PortID:    fmt.Sprint(i),
			PrivateIP: pick("10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1", "", "x", "2001:db8::1"),
			VPC:       VPC{ID: pick("v1", "v2", "v3", "v4", ""), CIDR: pick("10.0.0.0/16", "10.0.0.0/8", "10.1.0.0/16", "", "y")},
			Subnet:    Subnet{ID: pick("s1", "s2", ""), CIDR: pick("10.0.0.0/24", "10.0.1.0/24", "10.1.0.0/24", "", "2001:db8::/64")},
			EIP:       EIP{ID: pick("e1", "e2", "", "", ""), Address: pick("1.1.1.1", "2.2.2.2", "", "", "")},
		})
	}
	return n
}

// TestAnAuditFollows lets desktops come, change and go at random: what is kept
// up is always what would be found anew, in order and each once, and in the end
// nothing is left.
func TestAnAuditFollows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 2))
		var audit ConsistencyChecker
		fleet := map[string]*Networks{}
		most := 0
		for step := range 300 {
			id := fmt.Sprintf("d%02d", r.IntN(12))
			audit.Remove(id, fleet[id])
			fleet[id] = crowded(r)
			audit.Add(id, fleet[id])
			if r.IntN(4) > 0 {
				continue
			}
			var records []*Record
			for _, id := range slices.Sorted(maps.Keys(fleet)) {
				records = append(records, &Record{Desktop: Desktop{ID: id}, Networks: fleet[id]})
			}
			got := audit.Findings()
			if diff := cmp.Diff(Findings(records), got); diff != "" {
				t.Fatalf("seed %d, step %d (-found anew +kept up)\n%s", seed, step, diff)
			}
			if !slices.IsSortedFunc(got, Finding.Compare) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("seed %d, step %d: not in order or not each once: %v", seed, step, got)
			}
			if diff := cmp.Diff(together(pairwise(records)), together(got)); diff != "" {
				t.Fatalf("seed %d, step %d: who shares what (-pair by pair +found)\n%s", seed, step, diff)
			}
			most = max(most, len(got))
		}
		if most < 20 {
			t.Errorf("seed %d: at most %d findings: the test proves little", seed, most)
		}
		for id, n := range fleet {
			audit.Remove(id, n)
		}
		left := len(audit.local) + len(audit.vpcs)
		left += len(audit.addresses.single) + len(audit.addresses.shared) + len(audit.eips.single) + len(audit.eips.shared) + len(audit.eipIDs.single) + len(audit.eipIDs.shared)
		if left != 0 {
			t.Errorf("seed %d: %d entries are left of nobody", seed, left)
		}
	}
}

// pairwise compares every interface with every other one: what Audit must not
// do, but must come to.
func pairwise(records []*Record) []Finding {
	var all []Finding
	cidrs := map[string]map[string]bool{} // of each VPC
	type place struct {
		desktop string
		*Interface
	}
	var places []place
	for _, r := range records {
		if r.Networks == nil {
			continue
		}
		for i := range r.Networks.Interfaces {
			nic := &r.Networks.Interfaces[i]
			places = append(places, place{r.Desktop.ID, nic})
			if nic.VPC.ID != "" && nic.VPC.CIDR != "" {
				if cidrs[nic.VPC.ID] == nil {
					cidrs[nic.VPC.ID] = map[string]bool{}
				}
				cidrs[nic.VPC.ID][nic.VPC.CIDR] = true
			}
		}
	}
	for i, a := range places {
		for _, b := range places[i+1:] {
			one, other := min(a.desktop, b.desktop), max(a.desktop, b.desktop)
			if _, err := netip.ParseAddr(a.PrivateIP); err == nil && a.PrivateIP == b.PrivateIP && a.VPC.ID == b.VPC.ID && a.VPC.ID != "" {
				all = append(all, Finding{AddressUsedTwice, one, other, a.VPC.ID + " " + a.PrivateIP})
			}
			if one != other && (a.EIP.Address != "" && a.EIP.Address == b.EIP.Address || a.EIP.ID != "" && a.EIP.ID == b.EIP.ID) {
				all = append(all, Finding{EIPUsedTwice, one, other, ""})
			}
		}
	}
	for a, as := range cidrs {
		for b, bs := range cidrs {
			if a < b && len(as) == 1 && len(bs) == 1 {
				p, errA := netip.ParsePrefix(slices.Collect(maps.Keys(as))[0])
				q, errB := netip.ParsePrefix(slices.Collect(maps.Keys(bs))[0])
				if errA == nil && errB == nil && p.Overlaps(q) {
					all = append(all, Finding{VPCsOverlap, a, b, ""})
				}
			}
		}
	}
	return all
}

// together gives who hangs together by findings of each reason that names two
// of a kind, however many findings there are between them.
func together(findings []Finding) map[FindingReason]string {
	groups := map[FindingReason]map[string]string{} // who each one is represented by
	for _, f := range findings {
		if f.Reason != AddressUsedTwice && f.Reason != EIPUsedTwice && f.Reason != VPCsOverlap {
			continue
		}
		of := groups[f.Reason]
		if of == nil {
			of = map[string]string{}
			groups[f.Reason] = of
		}
		for _, id := range []string{f.Subject, f.Other} {
			if of[id] == "" {
				of[id] = id
			}
		}
		one, other := of[f.Subject], of[f.Other]
		for id, by := range of {
			if by == one || by == other {
				of[id] = min(one, other)
			}
		}
	}
	all := map[FindingReason]string{}
	for reason, of := range groups {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			all[reason] += id + ":" + of[id] + " "
		}
	}
	return all
}

// TestAnAddressThatAllUse costs in proportion to the users, not to their pairs.
func TestAnAddressThatAllUse(t *testing.T) {
	t.Parallel()
	const n = 5000
	var audit ConsistencyChecker
	same := in(at("p", "10.0.1.5", "10.0.1.0/24", "10.0.0.0/16"), with("e", "1.1.1.1"))
	for i := range n {
		audit.Add(fmt.Sprint("d", i), same)
	}
	if got := len(audit.Findings()); got != 2*(n-1) {
		t.Errorf("%d findings, want %d", got, 2*(n-1))
	}
}

func FuzzFindings(f *testing.F) {
	f.Add("10.0.0.1", "10.0.0.0/24", "10.0.0.0/16", "1.1.1.1", "e")
	f.Add("::ffff:1.2.3.4", "::ffff:1.2.3.0/97", "::/0", "fe80::1%z", "")
	f.Add("", "0.0.0.0/0", "1.2.3.4/-1", "999.1.1.1", "\xff")
	f.Fuzz(func(t *testing.T, address, subnet, vpc, eip, id string) {
		nic := Interface{PrivateIP: address, Subnet: Subnet{ID: id, CIDR: subnet}, VPC: VPC{ID: vpc, CIDR: vpc}, EIP: EIP{ID: id, Address: eip}}
		swapped := Interface{PortID: "2", PrivateIP: eip, Subnet: Subnet{ID: vpc, CIDR: vpc}, VPC: VPC{ID: id, CIDR: subnet}, EIP: EIP{ID: eip, Address: address}}
		records := []*Record{{Desktop: Desktop{ID: "a"}, Networks: in(nic, swapped)}, {Desktop: Desktop{ID: "b"}, Networks: in(nic)}}
		got := Findings(records)
		slices.Reverse(records)
		if diff := cmp.Diff(got, Findings(records)); diff != "" {
			t.Errorf("the order of desktops matters\n%s", diff)
		}
	})
}
