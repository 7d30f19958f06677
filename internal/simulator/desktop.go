// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/json"
	"slices"
	"time"
)

// Desktop is a desktop of the cloud. Strings may contain any bytes; empty ones are
// encoded as Options.AbsentValues defines.
type Desktop struct {
	ID                  string
	Name                string // computer_name of ListDesktops and ShowDesktopNetworks
	HostName            string // of the operating system
	IP                  string // of the first interface, also in ListDesktops
	Created             time.Time
	UserName            string
	UserGroup           string
	Users               []User // attach_user_infos
	EnterpriseProjectID string
	Tags                []Tag
	Type                string // DEDICATED or SHARED
	DetailType          string
	Shared              bool // is_share_desktop: has a SKU for collaboration
	SubnetID            string
	Status              string // such as ACTIVE
	TaskStatus          string
	ConnectStatus       string
	AvailabilityZone    string
	PoolID              string
	Interfaces          []Interface
	Hidden              bool // unknown to ShowDesktopNetworks

	// RawListed and RawNetworks replace the JSON of this desktop in ListDesktops
	// and ShowDesktopNetworks.
	RawListed   json.RawMessage
	RawNetworks json.RawMessage
}

// User is a user that a desktop is assigned to.
type User struct{ ID, Name, Group string }

// Tag is a key and a value.
type Tag struct{ Key, Value string }

// Interface is a network interface of a desktop.
type Interface struct {
	PortID    string
	PrivateIP string
	VPC       VPC
	Subnet    Subnet
	EIP       *EIP // nil: none bound
	Groups    []Group
}

// VPC is a virtual private cloud.
type VPC struct{ ID, Name, CIDR string }

// Subnet is a subnet of a VPC.
type Subnet struct{ ID, Name, CIDR string }

// EIP is an elastic IP address.
type EIP struct{ ID, Address string }

// Group is a security group.
type Group struct{ ID, Name string }

// clone returns a deep copy, so that callers and the cloud share no memory.
func (d *Desktop) clone() *Desktop {
	out := new(*d)
	out.Users = slices.Clone(d.Users)
	out.Tags = slices.Clone(d.Tags)
	out.RawListed = slices.Clone(d.RawListed)
	out.RawNetworks = slices.Clone(d.RawNetworks)
	out.Interfaces = slices.Clone(d.Interfaces)
	for i := range out.Interfaces {
		n := &out.Interfaces[i]
		n.Groups = slices.Clone(n.Groups)
		if n.EIP != nil {
			n.EIP = new(*n.EIP)
		}
	}
	return out
}

// listedDesktop encodes a desktop in the format of ListDesktops.
func (e *encoder) listedDesktop(project string, d *Desktop) {
	if d.RawListed != nil {
		e.rawElement(d.RawListed)
		return
	}
	e.open('{')
	e.stringField("project_id", project)
	e.stringField("desktop_id", d.ID)
	e.stringField("computer_name", d.Name)
	e.stringField("os_host_name", d.HostName)
	if !d.Created.IsZero() {
		e.key("created")
		e.buf = d.Created.UTC().AppendFormat(e.buf, `"2006-01-02T15:04:05.000Z"`)
	}
	e.stringField("ip_address", d.IP)
	e.stringField("user_name", d.UserName)
	e.stringField("user_group", d.UserGroup)
	if len(d.Users) == 0 {
		e.absentValue("attach_user_infos", "[]")
	} else {
		e.arrayField("attach_user_infos")
		for _, u := range d.Users {
			e.open('{')
			e.stringField("user_id", u.ID)
			e.stringField("user_name", u.Name)
			e.stringField("user_group", u.Group)
			e.rawField("type", `"USER"`)
			e.close('}')
		}
		e.close(']')
	}
	e.stringField("enterprise_project_id", d.EnterpriseProjectID)
	if len(d.Tags) == 0 {
		e.absentValue("tags", "[]")
	} else {
		e.arrayField("tags")
		for _, t := range d.Tags {
			e.open('{')
			e.stringField("key", t.Key)
			e.stringField("value", t.Value)
			e.close('}')
		}
		e.close(']')
	}
	e.rawField("in_maintenance_mode", "false")
	if d.Shared {
		e.rawField("share_resource_sku", `"workspace.share.4"`)
	}
	e.stringField("desktop_type", d.Type)
	e.stringField("desktop_detail_type", d.DetailType)
	e.stringField("subnet_id", d.SubnetID)
	e.stringField("status", d.Status)
	e.stringField("task_status", d.TaskStatus)
	e.stringField("availability_zone", d.AvailabilityZone)
	e.stringField("connect_status", d.ConnectStatus)
	e.stringField("pool_id", d.PoolID)
	e.close('}')
}

// desktopNetworks encodes a desktop in the format of ShowDesktopNetworks.
func (e *encoder) desktopNetworks(d *Desktop) {
	if d.RawNetworks != nil {
		e.rawElement(d.RawNetworks)
		return
	}
	e.open('{')
	e.stringField("computer_name", d.Name)
	e.stringField("computer_id", d.ID)
	e.stringField("computer_ip", d.IP)
	e.arrayField("network_infos") // the service always has it
	for i := range d.Interfaces {
		e.networkInterface(&d.Interfaces[i])
	}
	e.close(']')
	e.close('}')
}

func (e *encoder) networkInterface(n *Interface) {
	e.open('{')
	e.objectField("vpc_info", field{"id", n.VPC.ID}, field{"name", n.VPC.Name}, field{"cidr", n.VPC.CIDR})
	e.objectField("subnet_info", field{"id", n.Subnet.ID}, field{"name", n.Subnet.Name}, field{"cidr", n.Subnet.CIDR})
	e.objectField("port_info", field{"id", n.PortID}, field{"ip_address", n.PrivateIP})
	var eip EIP
	if n.EIP != nil {
		eip = *n.EIP
	}
	e.objectField("public_ip_info", field{"id", eip.ID}, field{"public_ip_address", eip.Address})
	e.arrayField("security_groups") // the service always has it
	for _, g := range n.Groups {
		e.open('{')
		e.stringField("id", g.ID)
		e.stringField("name", g.Name)
		e.close('}')
	}
	e.close(']')
	e.close('}')
}
