// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The converter of the networks answer: the one place that decides what is
// absent. Absent, null, "", {} and [] all mean none. A value of a wrong type
// means none as well where it is a mere name. Where it would be counted (an
// interface, an EIP, a group) none would be a lie: the desktop is then dropped
// as a whole, and so counts as not answered.

// decodeNetworks reads an answer of ShowDesktopNetworks, by desktop ID. nil is
// said of a desktop that was dropped because a part of it is malformed. Of two
// answers for one desktop the first counts.
func decodeNetworks(body []byte) (networks map[string]*inventory.Networks, t tally, err error) {
	r := reading{scanner: scanner{data: body}}
	networks = map[string]*inventory.Networks{}
	_, err = r.list("networks", func() {
		if !r.element(droppedMalformedDesktop) {
			return
		}
		id, n, ok := r.networks()
		_, known := networks[id]
		switch {
		case id == "":
			r.drop(droppedNoID, 1)
		case known:
			r.drop(droppedDuplicate, 1)
		case !ok:
			r.drop(droppedMalformedDesktop, 1)
			networks[id] = nil
		default:
			networks[id] = n
		}
	})
	return networks, r.tally, err
}

// networks reads one desktop of the answer; false: a part that counts is
// malformed.
func (r *reading) networks() (id string, n *inventory.Networks, ok bool) {
	n = &inventory.Networks{}
	ok = true
	for r.nextMember() {
		switch string(r.key) {
		case "computer_id":
			id = r.text(nil)
		case "computer_name":
			n.Name = r.text(nil)
		case "computer_ip":
			n.IP = r.text(nil)
		case "network_infos":
			n.Interfaces, ok = r.interfaces()
		default:
			r.skip()
		}
	}
	return id, n, ok
}

func (r *reading) interfaces() (nics []inventory.Interface, ok bool) {
	before := r.strange
	in := r.array()
	ok = r.strange == before
	for in && r.nextElement() {
		switch r.peek() {
		case kindObject:
			nic, whole := r.nic()
			ok = ok && whole
			if empty(&nic) {
				r.drop(droppedEmptyInterface, 1)
				continue
			}
			nics = append(nics, nic)
		case kindNull:
			r.drop(droppedNull, 1)
			r.skip()
		default:
			r.strange++
			r.skip()
			ok = false
		}
	}
	if len(nics) < 2 {
		return nics, ok
	}
	slices.SortStableFunc(nics, func(a, b inventory.Interface) int {
		return cmp.Or(cmp.Compare(a.PortID, b.PortID), cmp.Compare(a.PrivateIP, b.PrivateIP))
	})
	unique := slices.CompactFunc(nics, func(a, b inventory.Interface) bool {
		// A port is one interface, whatever else is said of it. Without a port
		// only the address tells interfaces apart.
		return a.PortID == b.PortID && (a.PortID != "" || a.PrivateIP == b.PrivateIP)
	})
	r.drop(droppedDuplicateNIC, len(nics)-len(unique))
	return unique, ok
}

func (r *reading) nic() (nic inventory.Interface, ok bool) {
	ok = true
	for in := r.object(); in && r.nextMember(); {
		switch string(r.key) {
		case "vpc_info":
			o := r.named("cidr")
			nic.VPC = inventory.VPC{ID: o.ID, Name: o.Name, CIDR: o.Third}
		case "subnet_info":
			o := r.named("cidr")
			nic.Subnet = inventory.Subnet{ID: o.ID, Name: o.Name, CIDR: o.Third}
		case "port_info":
			for in := r.object(); in && r.nextMember(); {
				switch string(r.key) {
				case "id":
					nic.PortID = r.text(nil)
				case "ip_address":
					nic.PrivateIP = r.text(nil)
				default:
					r.skip()
				}
			}
		case "public_ip_info":
			before := r.strange
			o := r.named("public_ip_address")
			nic.EIP = inventory.EIP{ID: o.ID, Address: o.Third}
			if nic.EIP == (inventory.EIP{}) && r.strange > before {
				ok = false
			}
		case "security_groups":
			groups, whole := r.groups()
			nic.SecurityGroups = groups
			ok = ok && whole
		default:
			r.skip()
		}
	}
	return nic, ok
}

// named reads an object that has an id, a name, and one more text.
func (r *reading) named(third string) (o struct{ ID, Name, Third string }) {
	for in := r.object(); in && r.nextMember(); {
		switch string(r.key) {
		case "id":
			o.ID = r.text(&r.known)
		case "name":
			o.Name = r.text(&r.known)
		case third:
			o.Third = r.text(&r.known)
		default:
			r.skip()
		}
	}
	return o
}

func (r *reading) groups() (groups []inventory.SecurityGroup, ok bool) {
	before := r.strange
	in := r.array()
	ok = r.strange == before
	for in && r.nextElement() {
		switch r.peek() {
		case kindObject:
			before := r.strange
			o := r.named("cidr")
			switch {
			case o.ID != "":
				groups = append(groups, inventory.SecurityGroup{ID: o.ID, Name: o.Name})
			case r.strange > before:
				ok = false
			default:
				r.drop(droppedNoGroupID, 1)
			}
		case kindNull:
			r.drop(droppedNull, 1)
			r.skip()
		default:
			r.strange++
			r.skip()
			ok = false
		}
	}
	if len(groups) < 2 {
		return groups, ok
	}
	slices.SortStableFunc(groups, func(a, b inventory.SecurityGroup) int { return cmp.Compare(a.ID, b.ID) })
	unique := slices.CompactFunc(groups, func(a, b inventory.SecurityGroup) bool { return a.ID == b.ID })
	r.drop(droppedDuplicateGroup, len(groups)-len(unique))
	return unique, ok
}

func empty(nic *inventory.Interface) bool {
	return nic.PortID == "" && nic.PrivateIP == "" && nic.VPC == inventory.VPC{} &&
		nic.Subnet == inventory.Subnet{} && nic.EIP == inventory.EIP{} && len(nic.SecurityGroups) == 0
}
