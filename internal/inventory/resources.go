// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"slices"
)

// Resources returns the VPCs, subnets and security groups of desktops, as
// ResourceCounts.Resources does.
func Resources(records []*Record) ([]VPC, []SubnetUsage, []SecurityGroup) {
	var c ResourceCounts
	for _, r := range records {
		c.Add(r.Networks)
	}
	return c.Resources()
}

// ResourceCounts counts the interfaces in each VPC, subnet and security group. It
// is updated desktop by desktop, so the cost of a change does not depend on the
// number of desktops. The zero value is empty.
type ResourceCounts struct {
	vpcs    map[VPC]int
	subnets map[subnetKey]int
	groups  map[SecurityGroup]int
}

// subnetKey is a subnet and its VPC as an interface has them.
type subnetKey struct {
	Subnet
	vpcID string
}

// Add adds the interfaces of a desktop. nil, unknown, has none.
func (c *ResourceCounts) Add(n *Networks) { c.update(n, 1) }

// Remove reverts an Add of equal networks.
func (c *ResourceCounts) Remove(n *Networks) { c.update(n, -1) }

func (c *ResourceCounts) update(n *Networks, delta int) {
	if n == nil {
		return
	}
	if c.vpcs == nil {
		c.vpcs, c.subnets, c.groups = map[VPC]int{}, map[subnetKey]int{}, map[SecurityGroup]int{}
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		addCount(c.vpcs, nic.VPC, delta)
		addCount(c.subnets, subnetKey{nic.Subnet, nic.VPC.ID}, delta)
		for _, g := range nic.SecurityGroups {
			addCount(c.groups, g, delta)
		}
	}
}

// addCount adds delta to a count, and deletes the key if the count becomes 0.
func addCount[K comparable](counts map[K]int, key K, delta int) {
	if n := counts[key] + delta; n != 0 {
		counts[key] = n
	} else {
		delete(counts, key)
	}
}

// Resources returns the counted objects that have an ID, sorted by ID and without
// duplicates. If interfaces have different names of one object, as during a
// rename, it takes the smallest that is not empty, so that the result does not
// depend on the order.
func (c *ResourceCounts) Resources() ([]VPC, []SubnetUsage, []SecurityGroup) {
	vpcs := map[string]VPC{}
	for v := range c.vpcs {
		other := vpcs[v.ID]
		vpcs[v.ID] = VPC{v.ID, smallest(other.Name, v.Name), smallest(other.CIDR, v.CIDR)}
	}
	subnets := map[string]SubnetUsage{}
	for s, interfaces := range c.subnets {
		other := subnets[s.ID]
		subnets[s.ID] = SubnetUsage{
			Subnet:     Subnet{s.ID, smallest(other.Name, s.Name), smallest(other.CIDR, s.CIDR)},
			VPCID:      smallest(other.VPCID, s.vpcID),
			Interfaces: other.Interfaces + interfaces,
		}
	}
	groups := map[string]SecurityGroup{}
	for g := range c.groups {
		groups[g.ID] = SecurityGroup{g.ID, smallest(groups[g.ID].Name, g.Name)}
	}
	return sortedByID(vpcs, func(v VPC) string { return v.ID }),
		sortedByID(subnets, func(s SubnetUsage) string { return s.ID }),
		sortedByID(groups, func(g SecurityGroup) string { return g.ID })
}

// smallest returns the smaller of two strings that is not empty.
func smallest(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// sortedByID returns the objects that have an ID, sorted by it.
func sortedByID[T any](objects map[string]T, id func(T) string) []T {
	delete(objects, "")
	return slices.SortedFunc(maps.Values(objects), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}
