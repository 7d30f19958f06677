// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Findings gives what contradicts itself in the networks of desktops, as an
// Audit does.
func Findings(records []*Record) []Finding {
	var a ConsistencyChecker
	for _, r := range records {
		a.Add(r.Desktop.ID, r.Networks)
	}
	return a.Findings()
}

// ConsistencyChecker looks for contradictions in the networks of desktops. As a Tally, it
// follows a fleet change by change. What is empty or cannot be parsed is
// unknown, and the unknown contradicts nothing. The zero value is empty.
type ConsistencyChecker struct {
	local     map[Finding]int   // what one interface contradicts by itself
	vpcs      map[vpcCIDR]int   // by interfaces that say so
	addresses usage[vpcAddress] // private ones
	eips      usage[netip.Addr] // by address
	eipIDs    usage[string]     // by ID
}

type vpcCIDR struct{ vpc, cidr string }

type vpcAddress struct {
	vpc     string
	address netip.Addr
}

// Add takes the networks of a desktop in; nil, the unknown, says nothing.
func (a *ConsistencyChecker) Add(desktop string, n *Networks) { a.update(desktop, n, 1) }

// Remove takes back an Add of the same content.
func (a *ConsistencyChecker) Remove(desktop string, n *Networks) { a.update(desktop, n, -1) }

func (a *ConsistencyChecker) update(desktop string, n *Networks, by int) {
	if n == nil {
		return
	}
	if a.local == nil {
		a.local, a.vpcs = map[Finding]int{}, map[vpcCIDR]int{}
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		address, subnet, vpc := parseAddress(nic.PrivateIP), parseCIDR(nic.Subnet.CIDR), parseCIDR(nic.VPC.CIDR)
		if sameFamily(subnet.Addr(), address) && !subnet.Contains(address) {
			addCount(a.local, Finding{AddressOutsideSubnet, desktop, nic.Subnet.ID, nic.PrivateIP}, by)
		}
		if nic.Subnet.ID != "" && sameFamily(vpc.Addr(), subnet.Addr()) && !contains(vpc, subnet) {
			addCount(a.local, Finding{SubnetOutsideVPC, nic.Subnet.ID, nic.VPC.ID, nic.Subnet.CIDR}, by)
		}
		if nic.VPC.ID != "" {
			if nic.VPC.CIDR != "" {
				addCount(a.vpcs, vpcCIDR{nic.VPC.ID, nic.VPC.CIDR}, by)
			}
			if address.IsValid() {
				a.addresses.update(vpcAddress{nic.VPC.ID, address}, desktop, by)
			}
		}
		if eip := parseAddress(nic.EIP.Address); eip.IsValid() {
			a.eips.update(eip, desktop, by)
		}
		if nic.EIP.ID != "" {
			a.eipIDs.update(nic.EIP.ID, desktop, by)
		}
	}
}

// Findings gives all that there are, each once, in order; nil: none.
func (a *ConsistencyChecker) Findings() []Finding {
	all := slices.AppendSeq([]Finding(nil), maps.Keys(a.local))
	all = appendOverlaps(all, a.vpcs)
	a.addresses.pairs(func(k vpcAddress, one, other string) {
		all = append(all, Finding{AddressUsedTwice, one, other, k.address.String()})
	})
	type pair struct{ one, other string }
	told := map[pair]bool{}
	a.eips.pairs(func(address netip.Addr, one, other string) {
		if one != other {
			all = append(all, Finding{EIPUsedTwice, one, other, address.String()})
			told[pair{one, other}] = true
		}
	})
	// An EIP mostly has both, and two desktops that share one are told of once.
	a.eipIDs.pairs(func(id, one, other string) {
		if one != other && !told[pair{one, other}] {
			all = append(all, Finding{EIPUsedTwice, one, other, id})
		}
	})
	slices.SortFunc(all, Finding.Compare)
	return slices.Compact(all)
}

// appendOverlaps finds the VPCs that share addresses with others. Of two CIDRs
// that share any, one holds the other, so it is enough to tell for each VPC the
// smallest one that holds it: the rest follows. A VPC of which desktops tell
// several CIDRs is being changed, and proves nothing.
func appendOverlaps(all []Finding, told map[vpcCIDR]int) []Finding {
	type vpc struct {
		id, text string
		cidr     netip.Prefix
	}
	known := map[string]vpc{}
	for k := range told {
		v := vpc{k.vpc, k.cidr, parseCIDR(k.cidr)}
		if before, ok := known[k.vpc]; ok && before.cidr != v.cidr {
			v.cidr = netip.Prefix{}
		} else if ok {
			v.text = min(v.text, before.text)
		}
		known[k.vpc] = v
	}
	vpcs := slices.Collect(maps.Values(known))
	slices.SortFunc(vpcs, func(a, b vpc) int {
		return cmp.Or(a.cidr.Addr().Compare(b.cidr.Addr()), cmp.Compare(a.cidr.Bits(), b.cidr.Bits()), cmp.Compare(b.id, a.id))
	})
	var around []vpc // those that hold the next one, each of which holds those behind it
	for _, v := range vpcs {
		if !v.cidr.IsValid() {
			continue
		}
		for len(around) > 0 && !contains(around[len(around)-1].cidr, v.cidr) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			all = append(all, Finding{VPCsOverlap, v.id, around[len(around)-1].id, v.text})
		}
		around = append(around, v)
	}
	return all
}

// usage tells which desktops use what. Most things have one user, so only the
// others take up more than that.
type usage[K comparable] struct {
	single map[K]string
	shared map[K]map[string]int // uses by each desktop
}

// update counts a use by a desktop, or takes one back.
func (u *usage[K]) update(k K, desktop string, by int) {
	if u.single == nil {
		u.single, u.shared = map[K]string{}, map[K]map[string]int{}
	}
	uses, shared := u.shared[k]
	if !shared {
		first, used := u.single[k]
		switch {
		case !used:
			u.single[k] = desktop
			return
		case by < 0:
			delete(u.single, k)
			return
		}
		delete(u.single, k)
		uses = map[string]int{first: 1}
		u.shared[k] = uses
	}
	addCount(uses, desktop, by)
	if len(uses) > 1 {
		return
	}
	for last, n := range uses {
		if n == 1 {
			delete(u.shared, k)
			u.single[k] = last
		}
	}
}

// pairs gives, of all that is used more than once, the users by ID, two by
// two, and a desktop that uses something twice with itself.
func (u *usage[K]) pairs(yield func(k K, one, other string)) {
	for k, uses := range u.shared {
		before := ""
		for i, id := range slices.Sorted(maps.Keys(uses)) {
			if i > 0 {
				yield(k, before, id)
			}
			if uses[id] > 1 {
				yield(k, id, id)
			}
			before = id
		}
	}
}

// parseAddress reads an address; the zero one where there is none. The
// unspecified address is one that was not given yet.
func parseAddress(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// parseCIDR reads a CIDR; the zero one where there is none.
func parseCIDR(text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// sameFamily tells whether both are IPv4 or both are IPv6. The cloud gives one
// CIDR of a network that has both, so nothing follows for the other.
func sameFamily(a, b netip.Addr) bool { return a.IsValid() && b.IsValid() && a.Is4() == b.Is4() }

// contains tells whether all addresses of one CIDR are in the other.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
