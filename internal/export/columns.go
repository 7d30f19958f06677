// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"

// Row is one line of a table: a desktop with one of its interfaces.
type Row struct {
	Project inventory.Project
	*inventory.Record
	// Interface is nil if the networks are unknown or have no interface.
	Interface *inventory.Interface
}

// Rows appends the rows of a desktop to rows and returns the result: one row for
// each interface, or one without an interface if there is none.
func Rows(rows []Row, p inventory.Project, r *inventory.Record) []Row {
	if r.Networks == nil || len(r.Networks.Interfaces) == 0 {
		return append(rows, Row{Project: p, Record: r})
	}
	for i := range r.Networks.Interfaces {
		rows = append(rows, Row{Project: p, Record: r, Interface: &r.Networks.Interfaces[i]})
	}
	return rows
}

// IP returns the private address of a desktop: the one in the list of desktops,
// else the one of its networks, else the one of its first interface.
func IP(r *inventory.Record) string {
	if r.Desktop.IP != "" || r.Networks == nil {
		return r.Desktop.IP
	}
	if r.Networks.IP == "" && len(r.Networks.Interfaces) > 0 {
		return r.Networks.Interfaces[0].PrivateIP
	}
	return r.Networks.IP
}

// column is one value of a row, with its name and its documentation. A column
// without a description is documented together with the one before it.
type column struct {
	name        string
	description string
	value       func(*Row) string
}

// interfaceValue returns the value function of a column of the row's interface:
// empty if there is none.
func interfaceValue(text func(*inventory.Interface) string) func(*Row) string {
	return func(r *Row) string {
		if r.Interface == nil {
			return ""
		}
		return text(r.Interface)
	}
}

// identityColumns are the columns that identify a desktop.
func identityColumns() []column {
	return []column{
		{"project", "The name of the project in the configuration.", func(r *Row) string { return r.Project.Name }},
		{"region", "Its region.", func(r *Row) string { return r.Project.Region }},
		{"project_id", "Its project ID.", func(r *Row) string { return r.Project.ID }},
		{"desktop_id", "The ID of the desktop.", func(r *Row) string { return r.Desktop.ID }},
		{"desktop_name", "Its name.", func(r *Row) string { return r.Name() }},
	}
}

// ownershipColumns are the pool, zone and enterprise project of a desktop.
func ownershipColumns() []column {
	return []column{
		{"pool_id", "The ID of its desktop pool.", func(r *Row) string { return r.Desktop.PoolID }},
		{"availability_zone", "Its availability zone.", func(r *Row) string { return r.Desktop.AvailabilityZone }},
		{"enterprise_project_id", "The ID of its enterprise project.", func(r *Row) string { return r.Desktop.EnterpriseProjectID }},
	}
}

// networkColumns are the VPC, subnet and EIP of an interface.
func networkColumns() []column {
	return []column{
		{"vpc_id", "Its VPC.", interfaceValue(func(i *inventory.Interface) string { return i.VPC.ID })},
		{"vpc_name", "", interfaceValue(func(i *inventory.Interface) string { return i.VPC.Name })},
		{"vpc_cidr", "", interfaceValue(func(i *inventory.Interface) string { return i.VPC.CIDR })},
		{"subnet_id", "Its subnet.", interfaceValue(func(i *inventory.Interface) string { return i.Subnet.ID })},
		{"subnet_name", "", interfaceValue(func(i *inventory.Interface) string { return i.Subnet.Name })},
		{"subnet_cidr", "", interfaceValue(func(i *inventory.Interface) string { return i.Subnet.CIDR })},
		{"eip_id", "Its EIP, if it has one.", interfaceValue(func(i *inventory.Interface) string { return i.EIP.ID })},
		{"eip_address", "", interfaceValue(func(i *inventory.Interface) string { return i.EIP.Address })},
	}
}

// Fields are the optional fields of desktops, which the configuration enables.
type Fields struct {
	Tags  bool
	Users bool
}
