// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"

// Row is a desktop with one of its interfaces: what a table has one line for.
type Row struct {
	Project inventory.Project
	*inventory.Record
	// Interface is nil where the networks are unknown, or hold none.
	Interface *inventory.Interface
}

// Rows appends the rows of a desktop: one for each interface, and one without
// an interface where there is none.
func Rows(rows []Row, p inventory.Project, r *inventory.Record) []Row {
	if r.Networks == nil || len(r.Networks.Interfaces) == 0 {
		return append(rows, Row{Project: p, Record: r})
	}
	for i := range r.Networks.Interfaces {
		rows = append(rows, Row{Project: p, Record: r, Interface: &r.Networks.Interfaces[i]})
	}
	return rows
}

// IP gives the address that the list has for a desktop, else that of the
// networks, else that of its first interface.
func IP(r *inventory.Record) string {
	if r.Desktop.IP != "" || r.Networks == nil {
		return r.Desktop.IP
	}
	if r.Networks.IP == "" && len(r.Networks.Interfaces) > 0 {
		return r.Networks.Interfaces[0].PrivateIP
	}
	return r.Networks.IP
}

// field is one text that is said of a row, with its name and what it is.
type field struct {
	name  string
	about string
	value func(*Row) string
}

// ofInterface gives what is said of the interface of a row: nothing where there
// is none.
func ofInterface(text func(*inventory.Interface) string) func(*Row) string {
	return func(r *Row) string {
		if r.Interface == nil {
			return ""
		}
		return text(r.Interface)
	}
}

// identity is what names a desktop.
func identity() []field {
	return []field{
		{"project", "The project by its name in the configuration.", func(r *Row) string { return r.Project.Name }},
		{"region", "Its region.", func(r *Row) string { return r.Project.Region }},
		{"project_id", "Its ID.", func(r *Row) string { return r.Project.ID }},
		{"desktop_id", "The desktop.", func(r *Row) string { return r.Desktop.ID }},
		{"desktop_name", "Its name.", func(r *Row) string { return r.Name() }},
	}
}

// belonging is what a desktop is a part of.
func belonging() []field {
	return []field{
		{"pool_id", "The pool that it belongs to.", func(r *Row) string { return r.Desktop.PoolID }},
		{"availability_zone", "Where it is.", func(r *Row) string { return r.Desktop.AvailabilityZone }},
		{"enterprise_project_id", "What it is billed to.", func(r *Row) string { return r.Desktop.EnterpriseProjectID }},
	}
}

// place is where an interface is in the network, and its EIP.
func place() []field {
	return []field{
		{"vpc_id", "Its VPC.", ofInterface(func(i *inventory.Interface) string { return i.VPC.ID })},
		{"vpc_name", "", ofInterface(func(i *inventory.Interface) string { return i.VPC.Name })},
		{"vpc_cidr", "", ofInterface(func(i *inventory.Interface) string { return i.VPC.CIDR })},
		{"subnet_id", "Its subnet.", ofInterface(func(i *inventory.Interface) string { return i.Subnet.ID })},
		{"subnet_name", "", ofInterface(func(i *inventory.Interface) string { return i.Subnet.Name })},
		{"subnet_cidr", "", ofInterface(func(i *inventory.Interface) string { return i.Subnet.CIDR })},
		{"eip_id", "Its EIP, if it has one.", ofInterface(func(i *inventory.Interface) string { return i.EIP.ID })},
		{"eip_address", "", ofInterface(func(i *inventory.Interface) string { return i.EIP.Address })},
	}
}

// Show is which of the desktops' details are said that the configuration has
// to ask for.
type Show struct {
	Tags  bool
	Users bool
}
