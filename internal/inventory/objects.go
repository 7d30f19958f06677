// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"maps"
	"slices"
)

// Objects gathers the VPCs, subnets and security groups that desktops are in,
// as Tally does.
func Objects(records []*Record) ([]VPC, []SubnetUse, []SecurityGroup) {
	var t Tally
	for _, r := range records {
		t.Add(r.Networks)
	}
	return t.Objects()
}

// Tally counts the interfaces that are in each VPC, subnet and security group.
// It follows a fleet change by change, so that what a change costs does not
// depend on how large the fleet is. The zero value is empty.
type Tally struct {
	vpcs    map[VPC]int
	subnets map[subnetOf]int
	groups  map[SecurityGroup]int
}

// subnetOf is a subnet as one interface names it.
type subnetOf struct {
	Subnet
	vpcID string
}

// Add counts the interfaces of a desktop; nil, the unknown, has none.
func (t *Tally) Add(n *Networks) { t.count(n, 1) }

// Remove takes back an Add of the same content.
func (t *Tally) Remove(n *Networks) { t.count(n, -1) }

func (t *Tally) count(n *Networks, by int) {
	if n == nil {
		return
	}
	if t.vpcs == nil {
		t.vpcs, t.subnets, t.groups = map[VPC]int{}, map[subnetOf]int{}, map[SecurityGroup]int{}
	}
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		add(t.vpcs, nic.VPC, by)
		add(t.subnets, subnetOf{nic.Subnet, nic.VPC.ID}, by)
		for _, g := range nic.SecurityGroups {
			add(t.groups, g, by)
		}
	}
}

// add counts, and forgets what is counted no more.
func add[K comparable](counts map[K]int, key K, by int) {
	if n := counts[key] + by; n != 0 {
		counts[key] = n
	} else {
		delete(counts, key)
	}
}

// Objects gives all that is counted and has an ID, each once, sorted by ID.
// Where interfaces name one object differently, as they do while a rename goes
// round, the smaller text is taken, so that equal fleets give equal objects; a
// text goes before none.
func (t *Tally) Objects() ([]VPC, []SubnetUse, []SecurityGroup) {
	vpcs := map[string]VPC{}
	for v := range t.vpcs {
		known := vpcs[v.ID]
		vpcs[v.ID] = VPC{v.ID, first(known.Name, v.Name), first(known.CIDR, v.CIDR)}
	}
	subnets := map[string]SubnetUse{}
	for s, interfaces := range t.subnets {
		known := subnets[s.ID]
		subnets[s.ID] = SubnetUse{
			Subnet:     Subnet{s.ID, first(known.Name, s.Name), first(known.CIDR, s.CIDR)},
			VPCID:      first(known.VPCID, s.vpcID),
			Interfaces: known.Interfaces + interfaces,
		}
	}
	groups := map[string]SecurityGroup{}
	for g := range t.groups {
		groups[g.ID] = SecurityGroup{g.ID, first(groups[g.ID].Name, g.Name)}
	}
	return sorted(vpcs, func(v VPC) string { return v.ID }),
		sorted(subnets, func(s SubnetUse) string { return s.ID }),
		sorted(groups, func(g SecurityGroup) string { return g.ID })
}

// first gives the smaller of two texts, an empty one last.
func first(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// sorted gives the objects by ID, without what has none.
func sorted[T any](objects map[string]T, id func(T) string) []T {
	delete(objects, "")
	return slices.SortedFunc(maps.Values(objects), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}
