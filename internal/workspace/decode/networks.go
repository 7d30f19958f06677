// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"cmp"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Networks decodes a response of ShowDesktopNetworks, by desktop ID. The value
// is nil for a desktop of which a counted part (an interface, an EIP, a security
// group) has a wrong type: treating it as absent would report a desktop without
// an EIP. A wrong type of a name is treated as absent. An element that lacks
// network_infos, or has null there, is dropped: it does not mean that the desktop
// has no interface. Of two elements for one desktop the first one is used. The error is [ErrTruncated], [ErrSyntax] or
// [ErrNoList].
func Networks(body []byte) (map[string]*inventory.Networks, Counts, error) {
	d := newDecoder(body)
	networks := map[string]*inventory.Networks{}
	_, err := d.readList("networks", func() {
		if !d.enterElement(ReasonMalformedDesktop) {
			return
		}
		id, n, known, ok := d.readNetworks()
		_, duplicate := networks[id]
		switch {
		case id == "":
			d.counts.Drop(ReasonNoDesktopID, 1)
		case duplicate:
			d.counts.Drop(ReasonDuplicateDesktop, 1)
		case !ok:
			d.counts.Drop(ReasonMalformedDesktop, 1)
			networks[id] = nil
		case !known:
			d.counts.Drop(ReasonNoInterfaces, 1)
		default:
			networks[id] = n
		}
	})
	return networks, d.counts, err
}

// readNetworks reads the networks of one desktop. It returns known = false if they
// are absent, and ok = false if a counted part is malformed.
func (d *decoder) readNetworks() (id string, n *inventory.Networks, known, ok bool) {
	n = &inventory.Networks{}
	ok = true
	for d.nextMember() {
		switch string(d.key) {
		case "computer_id":
			id = d.readString(nil)
		case "computer_name":
			n.Name = d.readString(nil)
		case "computer_ip":
			n.IP = d.readString(nil)
		case "network_infos":
			n.Interfaces, known, ok = d.readInterfaces()
		default:
			d.skip()
		}
	}
	return id, n, known, ok
}

func (d *decoder) readInterfaces() (interfaces []inventory.Interface, known, ok bool) {
	known, ok = d.readCounted(func() bool {
		i, ok := d.readInterface()
		if isEmpty(&i) {
			d.counts.Drop(ReasonEmptyInterface, 1)
			return ok
		}
		interfaces = append(interfaces, i)
		return ok
	})
	if len(interfaces) < 2 {
		return interfaces, known, ok
	}
	slices.SortStableFunc(interfaces, func(a, b inventory.Interface) int {
		return cmp.Or(cmp.Compare(a.PortID, b.PortID), cmp.Compare(a.PrivateIP, b.PrivateIP))
	})
	unique := slices.CompactFunc(interfaces, func(a, b inventory.Interface) bool {
		// A port identifies an interface. Without a port, the address does.
		return a.PortID == b.PortID && (a.PortID != "" || a.PrivateIP == b.PrivateIP)
	})
	d.counts.Drop(ReasonDuplicateInterface, len(interfaces)-len(unique))
	return unique, known, ok
}

// readCounted calls readObject for each object of a list whose elements are
// counted. It returns known = false if the list is absent, and ok = false if the
// list, an element, or a part of an element that readObject returned false for is
// malformed. Null elements are dropped.
func (d *decoder) readCounted(readObject func() bool) (known, ok bool) {
	before := d.mismatches
	known = d.enterArray()
	ok = d.mismatches == before
	for known && d.nextElement() {
		switch d.peek() {
		case kindObject:
			ok = readObject() && ok
		case kindNull:
			d.counts.Drop(ReasonNullElement, 1)
			d.skip()
		default:
			d.mismatches++
			d.skip()
			ok = false
		}
	}
	return known, ok
}

func (d *decoder) readInterface() (i inventory.Interface, ok bool) {
	ok = true
	i.GroupsUnknown = true
	for entered := d.enterObject(); entered && d.nextMember(); {
		switch string(d.key) {
		case "vpc_info":
			o := d.readNamedObject("cidr")
			i.VPC = inventory.VPC{ID: o.id, Name: o.name, CIDR: o.third}
		case "subnet_info":
			o := d.readNamedObject("cidr")
			i.Subnet = inventory.Subnet{ID: o.id, Name: o.name, CIDR: o.third}
		case "port_info":
			for entered := d.enterObject(); entered && d.nextMember(); {
				switch string(d.key) {
				case "id":
					i.PortID = d.readString(nil)
				case "ip_address":
					i.PrivateIP = d.readString(nil)
				default:
					d.skip()
				}
			}
		case "public_ip_info":
			before := d.mismatches
			o := d.readNamedObject("public_ip_address")
			i.EIP = inventory.EIP{ID: o.id, Address: o.third}
			if i.EIP == (inventory.EIP{}) && d.mismatches > before {
				ok = false
			}
		case "security_groups":
			groups, known, groupsOK := d.readSecurityGroups()
			i.SecurityGroups, i.GroupsUnknown = groups, !known
			ok = ok && groupsOK
		default:
			d.skip()
		}
	}
	return i, ok
}

// namedObject is an object of the cloud with an ID, a name and a third string.
type namedObject struct{ id, name, third string }

func (d *decoder) readNamedObject(third string) (o namedObject) {
	for entered := d.enterObject(); entered && d.nextMember(); {
		switch string(d.key) {
		case "id":
			o.id = d.readString(&d.strings)
		case "name":
			o.name = d.readString(&d.strings)
		case third:
			o.third = d.readString(&d.strings)
		default:
			d.skip()
		}
	}
	return o
}

func (d *decoder) readSecurityGroups() (groups []inventory.SecurityGroup, known, ok bool) {
	known, ok = d.readCounted(func() bool {
		before := d.mismatches
		o := d.readNamedObject("cidr")
		switch {
		case o.id != "":
			groups = append(groups, inventory.SecurityGroup{ID: o.id, Name: o.name})
		case d.mismatches > before:
			return false
		default:
			d.counts.Drop(ReasonNoSecurityGroupID, 1)
		}
		return true
	})
	if len(groups) < 2 {
		return groups, known, ok
	}
	slices.SortStableFunc(groups, func(a, b inventory.SecurityGroup) int { return cmp.Compare(a.ID, b.ID) })
	unique := slices.CompactFunc(groups, func(a, b inventory.SecurityGroup) bool { return a.ID == b.ID })
	d.counts.Drop(ReasonDuplicateSecurityGroup, len(groups)-len(unique))
	return unique, known, ok
}

func isEmpty(i *inventory.Interface) bool {
	return i.PortID == "" && i.PrivateIP == "" && i.VPC == inventory.VPC{} &&
		i.Subnet == inventory.Subnet{} && i.EIP == inventory.EIP{} && len(i.SecurityGroups) == 0
}
