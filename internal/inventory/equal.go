// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import "slices"

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
		i.EIP == o.EIP && slices.Equal(i.SecurityGroups, o.SecurityGroups)
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
