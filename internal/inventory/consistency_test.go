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

// inSubnet returns an interface in a subnet of a VPC, which are given by CIDR.
func inSubnet(port, address, subnet, vpc string) Interface {
	return Interface{
		PortID: port, PrivateIP: address,
		Subnet: Subnet{ID: "s" + subnet, CIDR: subnet}, VPC: VPC{ID: "v" + vpc, CIDR: vpc},
	}
}

// withEIP returns an interface that has only an EIP.
func withEIP(id, address string) Interface {
	return Interface{PortID: id + address, EIP: EIP{ID: id, Address: address}}
}

// inVPCs returns an interface in each VPC, which are given as ID=CIDR.
func inVPCs(all ...string) *Networks {
	n := &Networks{}
	for _, v := range all {
		id, cidr, _ := strings.Cut(v, "=")
		n.Interfaces = append(n.Interfaces, Interface{PortID: v, VPC: VPC{ID: id, CIDR: cidr}})
	}
	return n
}

// lines returns a line for each finding.
func lines(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s %s %s %s", f.Reason, f.Subject, f.Other, f.Value))
	}
	return all
}

// TestFindings has, for each reason, data with and without a finding.
func TestFindings(t *testing.T) {
	t.Parallel()
	const subnet, vpc = "10.0.1.0/24", "10.0.0.0/16"
	for name, tt := range map[string]struct {
		networks []*Networks // of the desktops d0, d1, ...
		want     []string
	}{
		"unknown networks": {networks: []*Networks{nil, networks()}},
		"empty interface":  {networks: []*Networks{networks(Interface{}), networks(Interface{}, Interface{})}},

		"first and last address of the subnet": {networks: []*Networks{networks(inSubnet("p1", "10.0.1.0", subnet, vpc), inSubnet("p2", "10.0.1.255", subnet, vpc))}},
		"addresses next to the subnet": {
			networks: []*Networks{networks(inSubnet("p1", "10.0.0.255", subnet, vpc), inSubnet("p2", "10.0.2.0", subnet, vpc))},
			want:     []string{"address_outside_subnet d0 s10.0.1.0/24 10.0.0.255", "address_outside_subnet d0 s10.0.1.0/24 10.0.2.0"},
		},
		"address outside a subnet without ID": {
			networks: []*Networks{networks(Interface{PrivateIP: "10.0.0.1", Subnet: Subnet{CIDR: subnet}})},
			want:     []string{"address_outside_subnet d0  10.0.0.1"},
		},
		"same address outside the subnet on two ports": {
			networks: []*Networks{networks(inSubnet("p1", "10.9.9.9", subnet, ""), inSubnet("p2", "10.9.9.9", subnet, ""))},
			want:     []string{"address_outside_subnet d0 s10.0.1.0/24 10.9.9.9", "address_used_twice d0 d0 10.9.9.9"},
		},
		"CIDR with host bits": {networks: []*Networks{networks(inSubnet("p", "10.0.1.9", "10.0.1.77/24", "10.0.200.1/16"))}},
		"invalid addresses and CIDRs": {networks: []*Networks{networks(
			inSubnet("1", "", subnet, vpc), inSubnet("2", "10.0.1", subnet, vpc), inSubnet("3", "10.0.1.300", subnet, vpc), inSubnet("4", "0.0.0.0", subnet, vpc),
			inSubnet("5", "192.168.0.1", "", ""), inSubnet("6", "192.168.0.2", "10.0.1.0", "10.0.0.0"), inSubnet("7", "192.168.0.3", "10.0.1.0/33", "none"),
			inSubnet("8", "192.168.0.4", "<nil>", "10.0.0.0/16 "), inSubnet("9", "::", "2001:db8::/64", ""),
		)}},
		"IPv6": {
			networks: []*Networks{networks(inSubnet("1", "2001:db8::5", "2001:db8::/64", "2001:db8::/56"), inSubnet("2", "2001:db8:0:1::5", "2001:db8::/64", "2001:db8::/56"))},
			want:     []string{"address_outside_subnet d0 s2001:db8::/64 2001:db8:0:1::5"},
		},
		"CIDR of the other address family": {networks: []*Networks{networks(inSubnet("1", "2001:db8::5", subnet, vpc), inSubnet("2", "10.0.1.5", "2001:db8::/64", vpc))}},
		"IPv4-mapped IPv6 address":         {networks: []*Networks{networks(inSubnet("1", "::ffff:10.0.1.5", subnet, vpc), inSubnet("2", "10.0.1.6", "::ffff:10.0.1.0/120", vpc))}},
		"address with a zone":              {networks: []*Networks{networks(inSubnet("1", "fe80::1%eth0", "fe80::/64", ""))}},

		"subnet equal to its VPC": {networks: []*Networks{networks(inSubnet("p", "10.0.1.1", vpc, vpc))}},
		"subnet outside its VPC, on two desktops": {
			networks: []*Networks{networks(inSubnet("p1", "10.0.1.1", subnet, "10.1.0.0/16")), networks(inSubnet("p2", "10.0.1.2", subnet, "10.1.0.0/16"))},
			want:     []string{"subnet_outside_vpc s10.0.1.0/24 v10.1.0.0/16 10.0.1.0/24"},
		},
		"subnet larger than its VPC": {
			networks: []*Networks{networks(inSubnet("p", "10.0.1.1", "10.0.0.0/8", vpc))},
			want:     []string{"subnet_outside_vpc s10.0.0.0/8 v10.0.0.0/16 10.0.0.0/8"},
		},
		"subnet without ID": {networks: []*Networks{networks(Interface{Subnet: Subnet{CIDR: subnet}, VPC: VPC{ID: "v", CIDR: "10.9.0.0/16"}})}},

		"adjacent VPCs": {networks: []*Networks{inVPCs("a=10.0.0.0/16", "b=10.1.0.0/16", "c=192.168.0.0/24", "d=192.168.1.0/24", "e=2001:db8::/32", "f=2001:db9::/32")}},
		"nested VPCs": {
			networks: []*Networks{inVPCs("a=10.0.0.0/8"), inVPCs("b=10.1.0.0/16"), inVPCs("c=10.1.2.0/24"), inVPCs("d=10.2.0.0/16"), inVPCs("e=11.0.0.0/8")},
			want:     []string{"vpcs_overlap b a 10.1.0.0/16", "vpcs_overlap c b 10.1.2.0/24", "vpcs_overlap d a 10.2.0.0/16"},
		},
		"equal VPCs": {
			networks: []*Networks{inVPCs("b=192.168.0.0/16", "c=192.168.0.0/16", "a=192.168.9.9/16", "z=0.0.0.0/0")},
			want:     []string{"vpcs_overlap a b 192.168.9.9/16", "vpcs_overlap b c 192.168.0.0/16", "vpcs_overlap c z 192.168.0.0/16"},
		},
		"VPC with several CIDRs": {networks: []*Networks{inVPCs("a=10.0.0.0/16"), inVPCs("a=10.1.0.0/16"), inVPCs("b=10.0.0.0/16"), inVPCs("b=10.1.0.0/16"), inVPCs("c=10.0.0.0/8", "c=?")}},
		"VPC with and without CIDR": {
			networks: []*Networks{inVPCs("a=10.0.0.0/16"), inVPCs("a="), inVPCs("b=10.0.0.0/15", "=10.0.0.0/8")},
			want:     []string{"vpcs_overlap a b 10.0.0.0/16"},
		},

		"address in two VPCs":     {networks: []*Networks{networks(inSubnet("p1", "10.0.1.5", subnet, vpc)), networks(inSubnet("p2", "10.0.1.5", subnet, "10.0.0.0/17")), networks(inSubnet("p2", "10.0.1.5", subnet, ""))}, want: []string{"vpcs_overlap v10.0.0.0/17 v10.0.0.0/16 10.0.0.0/17"}},
		"address in unknown VPCs": {networks: []*Networks{networks(Interface{PortID: "p1", PrivateIP: "10.0.1.5"}), networks(Interface{PortID: "p2", PrivateIP: "10.0.1.5"})}},
		"address on four desktops": {
			networks: []*Networks{networks(inSubnet("p1", "10.0.1.5", subnet, vpc)), networks(inSubnet("p2", "10.0.1.5", subnet, vpc)), nil, networks(inSubnet("p4", "10.0.1.5", subnet, vpc)), networks(inSubnet("p5", "10.0.1.5", subnet, vpc))},
			want:     []string{"address_used_twice d0 d1 10.0.1.5", "address_used_twice d1 d3 10.0.1.5", "address_used_twice d3 d4 10.0.1.5"},
		},
		"address three times on one desktop, once on another": {
			networks: []*Networks{networks(inSubnet("p1", "10.0.1.5", subnet, vpc), inSubnet("p2", "10.0.1.5", subnet, vpc), inSubnet("p3", "10.0.1.5", subnet, vpc)), networks(inSubnet("p4", "10.0.1.5", subnet, vpc))},
			want:     []string{"address_used_twice d0 d0 10.0.1.5", "address_used_twice d0 d1 10.0.1.5"},
		},
		"two spellings of an address": {
			networks: []*Networks{networks(inSubnet("p1", "2001:db8::5", "", vpc)), networks(inSubnet("p2", "2001:0DB8:0::5", "", vpc))},
			want:     []string{"address_used_twice d0 d1 2001:db8::5"},
		},

		"different EIPs":                           {networks: []*Networks{networks(withEIP("e1", "1.1.1.1"), withEIP("e2", "1.1.1.2")), networks(withEIP("e3", "1.1.1.3")), networks(withEIP("", "")), networks(withEIP("", ""))}},
		"EIP twice on one desktop":                 {networks: []*Networks{networks(withEIP("e1", "1.1.1.1"), Interface{PortID: "other", EIP: EIP{"e1", "1.1.1.1"}})}},
		"EIPs with invalid addresses":              {networks: []*Networks{networks(withEIP("e1", "-")), networks(withEIP("e2", "-")), networks(withEIP("e3", "0.0.0.0")), networks(withEIP("e4", "0.0.0.0"))}},
		"EIP on two desktops":                      {networks: []*Networks{networks(withEIP("e1", "1.1.1.1")), networks(withEIP("e1", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1"}},
		"EIP without address on two desktops":      {networks: []*Networks{networks(withEIP("e1", "")), networks(withEIP("e1", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 e1"}},
		"EIP address with two IDs on two desktops": {networks: []*Networks{networks(withEIP("e1", "1.1.1.1")), networks(withEIP("e2", "1.1.1.1"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1"}},
		"EIP on three desktops, EIPs on two":       {networks: []*Networks{networks(withEIP("e1", "1.1.1.1"), withEIP("e2", "2.2.2.2")), networks(withEIP("e1", "1.1.1.1")), networks(withEIP("e1", "1.1.1.1"), withEIP("e2", "2.2.2.2"))}, want: []string{"eip_used_twice d0 d1 1.1.1.1", "eip_used_twice d0 d2 2.2.2.2", "eip_used_twice d1 d2 1.1.1.1"}},
		"EIP equal to the private address":         {networks: []*Networks{networks(Interface{PortID: "p", PrivateIP: "10.0.0.1", VPC: VPC{ID: "v"}, EIP: EIP{Address: "10.0.0.1"}})}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []*Record
			var checker ConsistencyChecker
			removed := networks(inSubnet("p", "10.0.1.5", "10.9.0.0/24", "10.0.0.0/8"), withEIP("e1", "1.1.1.1"))
			checker.Add("removed", removed)
			for i, n := range tt.networks {
				id := fmt.Sprint("d", i)
				records = append(records, &Record{Desktop: Desktop{ID: id}, Networks: n})
				checker.Add(id, n)
			}
			checker.Remove("removed", removed)
			if diff := cmp.Diff(tt.want, lines(Findings(records))); diff != "" {
				t.Errorf("Findings (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, lines(checker.Findings())); diff != "" {
				t.Errorf("ConsistencyChecker after Add and Remove (-want +got)\n%s", diff)
			}
		})
	}
}

// collidingNetworks returns random networks whose values collide often.
func collidingNetworks(r *rand.Rand) *Networks {
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

// TestConsistencyCheckerUpdates adds, changes and removes desktops at random. The
// findings must equal those of a new checker and of a comparison of all pairs, and
// no entry may be left after all desktops are removed.
func TestConsistencyCheckerUpdates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 2))
		var checker ConsistencyChecker
		fleet := map[string]*Networks{}
		most := 0
		for step := range 300 {
			id := fmt.Sprintf("d%02d", r.IntN(12))
			checker.Remove(id, fleet[id])
			fleet[id] = collidingNetworks(r)
			checker.Add(id, fleet[id])
			if r.IntN(4) > 0 {
				continue
			}
			var records []*Record
			for _, id := range slices.Sorted(maps.Keys(fleet)) {
				records = append(records, &Record{Desktop: Desktop{ID: id}, Networks: fleet[id]})
			}
			got := checker.Findings()
			if diff := cmp.Diff(Findings(records), got); diff != "" {
				t.Fatalf("seed %d, step %d (-new +updated)\n%s", seed, step, diff)
			}
			if !slices.IsSortedFunc(got, Finding.Compare) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("seed %d, step %d: not sorted or not unique: %v", seed, step, got)
			}
			if diff := cmp.Diff(connected(allPairs(records)), connected(got)); diff != "" {
				t.Fatalf("seed %d, step %d: connected desktops (-all pairs +findings)\n%s", seed, step, diff)
			}
			most = max(most, len(got))
		}
		if most < 20 {
			t.Errorf("seed %d: at most %d findings, want 20 or more for a meaningful test", seed, most)
		}
		for id, n := range fleet {
			checker.Remove(id, n)
		}
		left := len(checker.local) + len(checker.vpcs)
		left += len(checker.addresses.single) + len(checker.addresses.shared) + len(checker.eips.single) + len(checker.eips.shared) + len(checker.eipIDs.single) + len(checker.eipIDs.shared)
		if left != 0 {
			t.Errorf("seed %d: %d entries are left", seed, left)
		}
	}
}

// allPairs compares every interface with every other one: too slow for a
// ConsistencyChecker, but an independent way to the same result.
func allPairs(records []*Record) []Finding {
	var all []Finding
	cidrs := map[string]map[string]bool{} // of each VPC
	type desktopNIC struct {
		desktop string
		*Interface
	}
	var nics []desktopNIC
	for _, r := range records {
		if r.Networks == nil {
			continue
		}
		for i := range r.Networks.Interfaces {
			nic := &r.Networks.Interfaces[i]
			nics = append(nics, desktopNIC{r.Desktop.ID, nic})
			if nic.VPC.ID != "" && nic.VPC.CIDR != "" {
				if cidrs[nic.VPC.ID] == nil {
					cidrs[nic.VPC.ID] = map[string]bool{}
				}
				cidrs[nic.VPC.ID][nic.VPC.CIDR] = true
			}
		}
	}
	for i, a := range nics {
		for _, b := range nics[i+1:] {
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

// connected returns, for each reason that concerns two objects of a kind, the
// connected components of the objects, regardless of which pairs the findings name.
func connected(findings []Finding) map[FindingReason]string {
	groups := map[FindingReason]map[string]string{} // by object ID, the lowest ID of its component
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

// TestSharedByAll asserts that the number of findings is proportional to the
// number of desktops that share an address, not to that of their pairs.
func TestSharedByAll(t *testing.T) {
	t.Parallel()
	const n = 5000
	var checker ConsistencyChecker
	same := networks(inSubnet("p", "10.0.1.5", "10.0.1.0/24", "10.0.0.0/16"), withEIP("e", "1.1.1.1"))
	for i := range n {
		checker.Add(fmt.Sprint("d", i), same)
	}
	if got := len(checker.Findings()); got != 2*(n-1) {
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
		records := []*Record{{Desktop: Desktop{ID: "a"}, Networks: networks(nic, swapped)}, {Desktop: Desktop{ID: "b"}, Networks: networks(nic)}}
		got := Findings(records)
		slices.Reverse(records)
		if diff := cmp.Diff(got, Findings(records)); diff != "" {
			t.Errorf("findings depend on the order of desktops\n%s", diff)
		}
	})
}
