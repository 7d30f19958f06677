// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Findings returns the inconsistencies in the networks of desktops, as
// ConsistencyChecker.Findings does.
func Findings(records []*Record) []Finding {
	var c ConsistencyChecker
	for _, r := range records {
		c.Add(r.Desktop.ID, r.Networks)
	}
	return c.Findings()
}

// ConsistencyChecker finds inconsistencies in the networks of desktops. Like
// ResourceCounts, it is updated desktop by desktop. A value that is empty or
// cannot be parsed is unknown, and causes no finding. The zero value is empty.
type ConsistencyChecker struct {
	local     map[Finding]int   // inconsistencies within one interface
	vpcs      map[vpcCIDR]int   // interfaces with this CIDR of the VPC
	addresses usage[vpcAddress] // private addresses
	eips      usage[netip.Addr] // EIPs by address
	eipIDs    usage[string]     // EIPs by ID
}

type vpcCIDR struct{ vpc, cidr string }

type vpcAddress struct {
	vpc     string
	address netip.Addr
}

// Add adds the networks of a desktop. nil is unknown.
func (c *ConsistencyChecker) Add(desktop string, n *Networks) { c.update(desktop, n, 1) }

// Remove reverts an Add of equal networks.
func (c *ConsistencyChecker) Remove(desktop string, n *Networks) { c.update(desktop, n, -1) }

func (c *ConsistencyChecker) update(desktop string, n *Networks, delta int) {
	if n == nil {
		return
	}
	if c.local == nil {
		c.local, c.vpcs = map[Finding]int{}, map[vpcCIDR]int{}
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		address, subnet, vpc := parseAddress(nic.PrivateIP), parseCIDR(nic.Subnet.CIDR), parseCIDR(nic.VPC.CIDR)
		if sameFamily(subnet.Addr(), address) && !subnet.Contains(address) {
			addCount(c.local, Finding{AddressOutsideSubnet, desktop, nic.Subnet.ID, nic.PrivateIP}, delta)
		}
		if nic.Subnet.ID != "" && sameFamily(vpc.Addr(), subnet.Addr()) && !contains(vpc, subnet) {
			addCount(c.local, Finding{SubnetOutsideVPC, nic.Subnet.ID, nic.VPC.ID, nic.Subnet.CIDR}, delta)
		}
		if nic.VPC.ID != "" {
			if nic.VPC.CIDR != "" {
				addCount(c.vpcs, vpcCIDR{nic.VPC.ID, nic.VPC.CIDR}, delta)
			}
			if address.IsValid() {
				c.addresses.update(vpcAddress{nic.VPC.ID, address}, desktop, delta)
			}
		}
		if eip := parseAddress(nic.EIP.Address); eip.IsValid() {
			c.eips.update(eip, desktop, delta)
		}
		if nic.EIP.ID != "" {
			c.eipIDs.update(nic.EIP.ID, desktop, delta)
		}
	}
}

// Findings returns the findings, sorted by Finding.Compare and without duplicates;
// nil if there are none.
func (c *ConsistencyChecker) Findings() []Finding {
	all := slices.AppendSeq([]Finding(nil), maps.Keys(c.local))
	all = appendOverlaps(all, c.vpcs)
	c.addresses.pairs(func(k vpcAddress, one, other string) {
		all = append(all, Finding{AddressUsedTwice, one, other, k.address.String()})
	})
	type pair struct{ one, other string }
	reported := map[pair]bool{}
	c.eips.pairs(func(address netip.Addr, one, other string) {
		if one != other {
			all = append(all, Finding{EIPUsedTwice, one, other, address.String()})
			reported[pair{one, other}] = true
		}
	})
	// An EIP usually has an address and an ID: report it by one of them.
	c.eipIDs.pairs(func(id, one, other string) {
		if one != other && !reported[pair{one, other}] {
			all = append(all, Finding{EIPUsedTwice, one, other, id})
		}
	})
	slices.SortFunc(all, Finding.Compare)
	return slices.Compact(all)
}

// appendOverlaps appends the overlaps of VPCs. Of two CIDRs that overlap, one
// contains the other. So it reports, for each VPC, only the smallest other VPC
// that contains it. A VPC with several CIDRs is being changed, and is skipped.
func appendOverlaps(all []Finding, cidrs map[vpcCIDR]int) []Finding {
	type vpc struct {
		id, text string       // text is the CIDR as the API returns it
		cidr     netip.Prefix // zero: unknown
	}
	byID := map[string]vpc{}
	for k := range cidrs {
		v := vpc{k.vpc, k.cidr, parseCIDR(k.cidr)}
		if other, ok := byID[k.vpc]; ok && other.cidr != v.cidr {
			v.cidr = netip.Prefix{}
		} else if ok {
			v.text = min(v.text, other.text)
		}
		byID[k.vpc] = v
	}
	vpcs := slices.Collect(maps.Values(byID))
	slices.SortFunc(vpcs, func(a, b vpc) int {
		return cmp.Or(a.cidr.Addr().Compare(b.cidr.Addr()), cmp.Compare(a.cidr.Bits(), b.cidr.Bits()), cmp.Compare(b.id, a.id))
	})
	var enclosing []vpc // a stack: each one contains the next
	for _, v := range vpcs {
		if !v.cidr.IsValid() {
			continue
		}
		for len(enclosing) > 0 && !contains(enclosing[len(enclosing)-1].cidr, v.cidr) {
			enclosing = enclosing[:len(enclosing)-1]
		}
		if len(enclosing) > 0 {
			all = append(all, Finding{VPCsOverlap, v.id, enclosing[len(enclosing)-1].id, v.text})
		}
		enclosing = append(enclosing, v)
	}
	return all
}

// usage records which desktops use a value. Most values have a single user, for
// which a nested map would cost too much memory.
type usage[K comparable] struct {
	single map[K]string
	shared map[K]map[string]int // uses by desktop ID
}

// update adds a use by a desktop, or removes one.
func (u *usage[K]) update(k K, desktop string, delta int) {
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
		case delta < 0:
			delete(u.single, k)
			return
		}
		delete(u.single, k)
		uses = map[string]int{first: 1}
		u.shared[k] = uses
	}
	addCount(uses, desktop, delta)
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

// pairs calls yield for each value that is used more than once, with each pair of
// users that have consecutive IDs, and with a desktop twice that uses the value
// more than once.
func (u *usage[K]) pairs(yield func(k K, one, other string)) {
	for k, uses := range u.shared {
		previous := ""
		for i, id := range slices.Sorted(maps.Keys(uses)) {
			if i > 0 {
				yield(k, previous, id)
			}
			if uses[id] > 1 {
				yield(k, id, id)
			}
			previous = id
		}
	}
}

// parseAddress returns the zero Addr if text is not an address, or is the
// unspecified address, which stands for one not assigned yet.
func parseAddress(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// parseCIDR returns the zero Prefix if text is not a CIDR.
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

// sameFamily reports whether both are IPv4 or both are IPv6. The API returns only
// one CIDR of a dual-stack network, so addresses of the other family prove nothing.
func sameFamily(a, b netip.Addr) bool { return a.IsValid() && b.IsValid() && a.Is4() == b.Is4() }

// contains reports whether all addresses of inner are in outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
