// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"slices"
)

// Equal reports whether all fields are equal.
func (d *Desktop) Equal(o *Desktop) bool {
	return d.ID == o.ID && d.Name == o.Name && d.IP == o.IP && d.SubnetID == o.SubnetID &&
		d.EnterpriseProjectID == o.EnterpriseProjectID && d.PoolID == o.PoolID &&
		d.AvailabilityZone == o.AvailabilityZone && d.Type == o.Type &&
		d.Status == o.Status && d.TaskStatus == o.TaskStatus &&
		slices.Equal(d.Tags, o.Tags) && slices.Equal(d.Users, o.Users)
}

// Equal reports whether all fields are equal. nil, unknown, equals only nil.
func (n *Networks) Equal(o *Networks) bool {
	if n == o || n == nil || o == nil {
		return n == o
	}
	return n.Name == o.Name && n.IP == o.IP && slices.EqualFunc(n.Interfaces, o.Interfaces, Interface.Equal)
}

// Equal reports whether all fields are equal.
func (i Interface) Equal(o Interface) bool {
	return i.PortID == o.PortID && i.PrivateIP == o.PrivateIP && i.VPC == o.VPC && i.Subnet == o.Subnet &&
		i.EIP == o.EIP && i.GroupsUnknown == o.GroupsUnknown && slices.Equal(i.SecurityGroups, o.SecurityGroups)
}

// Complete returns n with the parts that its interfaces lack, although every
// interface has them, taken from the interfaces of before with the same port:
// address, VPC, subnet and security groups. It returns n itself if there are none.
func (n *Networks) Complete(before *Networks) *Networks {
	if before == nil || n == before {
		return n
	}
	completed := n
	for i := range n.Interfaces {
		nic := n.Interfaces[i]
		if nic.PortID == "" || nic.PrivateIP != "" && nic.VPC != (VPC{}) && nic.Subnet != (Subnet{}) && !nic.GroupsUnknown {
			continue
		}
		j := slices.IndexFunc(before.Interfaces, func(o Interface) bool { return o.PortID == nic.PortID })
		if j < 0 {
			continue
		}
		old := &before.Interfaces[j]
		nic.PrivateIP, nic.VPC, nic.Subnet = cmp.Or(nic.PrivateIP, old.PrivateIP), cmp.Or(nic.VPC, old.VPC), cmp.Or(nic.Subnet, old.Subnet)
		if nic.GroupsUnknown {
			nic.SecurityGroups, nic.GroupsUnknown = old.SecurityGroups, old.GroupsUnknown
		}
		if completed == n {
			clone := *n
			clone.Interfaces = slices.Clone(n.Interfaces)
			completed = &clone
		}
		completed.Interfaces[i] = nic
	}
	return completed
}

// EIPAddresses returns the EIP addresses of all interfaces, joined by
// JoinAddresses so that they compare with EIPBindings.
func (n *Networks) EIPAddresses() string {
	var addresses []string
	for _, i := range n.Interfaces {
		if i.EIP.Address != "" {
			addresses = append(addresses, i.EIP.Address)
		}
	}
	return JoinAddresses(addresses)
}
