// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"slices"
)

// Resources gathers the VPCs, subnets and security groups that desktops are in,
// as Tally does.
func Resources(records []*Record) ([]VPC, []SubnetUsage, []SecurityGroup) {
	var t ResourceCounts
	for _, r := range records {
		t.Add(r.Networks)
	}
	return t.Resources()
}

// ResourceCounts counts the interfaces that are in each VPC, subnet and security group.
// It follows a fleet change by change, so that what a change costs does not
// depend on how large the fleet is. The zero value is empty.
type ResourceCounts struct {
	vpcs    map[VPC]int
	subnets map[subnetKey]int
	groups  map[SecurityGroup]int
}

// subnetKey is a subnet as one interface names it.
type subnetKey struct {
	Subnet
	vpcID string
}

// Add counts the interfaces of a desktop; nil, the unknown, has none.
func (t *ResourceCounts) Add(n *Networks) { t.update(n, 1) }

// Remove takes back an Add of the same content.
func (t *ResourceCounts) Remove(n *Networks) { t.update(n, -1) }

func (t *ResourceCounts) update(n *Networks, by int) {
	if n == nil {
		return
	}
	if t.vpcs == nil {
		t.vpcs, t.subnets, t.groups = map[VPC]int{}, map[subnetKey]int{}, map[SecurityGroup]int{}
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		addCount(t.vpcs, nic.VPC, by)
		addCount(t.subnets, subnetKey{nic.Subnet, nic.VPC.ID}, by)
		for _, g := range nic.SecurityGroups {
			addCount(t.groups, g, by)
		}
	}
}

// addCount counts, and forgets what is counted no more.
func addCount[K comparable](counts map[K]int, key K, by int) {
	if n := counts[key] + by; n != 0 {
		counts[key] = n
	} else {
		delete(counts, key)
	}
}

// Resources gives all that is counted and has an ID, each once, sorted by ID.
// Where interfaces name one object differently, as they do while a rename goes
// round, the smaller text is taken, so that equal fleets give equal objects; a
// text goes before none.
func (t *ResourceCounts) Resources() ([]VPC, []SubnetUsage, []SecurityGroup) {
	vpcs := map[string]VPC{}
	for v := range t.vpcs {
		known := vpcs[v.ID]
		vpcs[v.ID] = VPC{v.ID, smallest(known.Name, v.Name), smallest(known.CIDR, v.CIDR)}
	}
	subnets := map[string]SubnetUsage{}
	for s, interfaces := range t.subnets {
		known := subnets[s.ID]
		subnets[s.ID] = SubnetUsage{
			Subnet:     Subnet{s.ID, smallest(known.Name, s.Name), smallest(known.CIDR, s.CIDR)},
			VPCID:      smallest(known.VPCID, s.vpcID),
			Interfaces: known.Interfaces + interfaces,
		}
	}
	groups := map[string]SecurityGroup{}
	for g := range t.groups {
		groups[g.ID] = SecurityGroup{g.ID, smallest(groups[g.ID].Name, g.Name)}
	}
	return sortedByID(vpcs, func(v VPC) string { return v.ID }),
		sortedByID(subnets, func(s SubnetUsage) string { return s.ID }),
		sortedByID(groups, func(g SecurityGroup) string { return g.ID })
}

// smallest gives the smaller of two texts, an empty one last.
func smallest(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// sortedByID gives the objects by ID, without what has none.
func sortedByID[T any](objects map[string]T, id func(T) string) []T {
	delete(objects, "")
	return slices.SortedFunc(maps.Values(objects), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}
