// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"errors"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The reasons for which a part of an answer is dropped, as the metric of
// dropped objects names them.
const (
	droppedNull             = "null_element"
	droppedMalformedField   = "malformed_field"
	droppedMalformedDesktop = "malformed_desktop"
	droppedMalformedEIP     = "malformed_eip"
	droppedNoID             = "desktop_without_id"
	droppedNoGroupID        = "security_group_without_id"
	droppedEmptyInterface   = "empty_interface"
	droppedDuplicate        = "duplicate_desktop"
	droppedDuplicateNIC     = "duplicate_interface"
	droppedDuplicateGroup   = "duplicate_security_group"
	droppedNotAsked         = "desktop_not_asked_for"
	droppedMalformedProject = "malformed_project"
	droppedNoProjectID      = "project_without_id"
)

// errNoList says that an answer lacks the list that it promises. An empty list
// is there; an absent one must not look like no desktops.
var errNoList = errors.New("the answer has no list")

// tally counts what was dropped from an answer, by reason, and cleaned in it.
type tally struct {
	dropped   map[string]int
	sanitized int
}

func (t *tally) drop(reason string, n int) {
	if n == 0 {
		return
	}
	if t.dropped == nil {
		t.dropped = map[string]int{}
	}
	t.dropped[reason] += n
}

// reading is the state of one decoding.
type reading struct {
	scanner
	tally
	known interner
}

// finish says how the decoding ended. The document has to be whole up to the
// end of its outermost value; what follows it is ignored, as by the SDK.
func (r *reading) finish(found bool) error {
	if r.err != nil {
		return r.err
	}
	r.drop(droppedMalformedField, r.strange)
	r.sanitized += r.repaired
	if !found {
		return errNoList
	}
	return nil
}

// list reads the elements of the named list in the outermost object, and the
// total_count beside it, -1 where there is none.
func (r *reading) list(name string, element func()) (total int, err error) {
	total = -1
	found := false
	if r.peek() != kindObject {
		if len(r.data) == 0 {
			return total, errTruncated
		}
		r.skip()
		return total, r.finish(false)
	}
	for ok := r.object(); ok && r.nextMember(); {
		switch string(r.key) {
		case name:
			if r.peek() != kindArray {
				r.skip()
				continue
			}
			found = true
			for ok := r.array(); ok && r.nextElement(); {
				element()
			}
		case "total_count":
			total = r.count()
		default:
			r.skip()
		}
	}
	return total, r.finish(found)
}

// element enters an element that has to be an object; else it is dropped.
func (r *reading) element(reason string) bool {
	switch r.peek() {
	case kindObject:
		return r.object()
	case kindNull:
		r.drop(droppedNull, 1)
	default:
		r.drop(reason, 1)
	}
	r.skip()
	return false
}

// page is what one call of ListDesktops brings.
type page struct {
	desktops []inventory.Desktop // each once
	size     int                 // elements of the list, those that were dropped included
	total    int                 // total_count; -1: not said
}

// extras chooses what is read beside the fixed parts of a desktop.
type extras struct {
	tags, users bool
}

// decodeDesktops reads an answer of ListDesktops.
func decodeDesktops(body []byte, want extras) (page, tally, error) {
	r := reading{scanner: scanner{data: body}}
	var p page
	var err error
	seen := map[string]struct{}{}
	p.total, err = r.list("desktops", func() {
		p.size++
		if !r.element(droppedMalformedDesktop) {
			return
		}
		d := r.desktop(want)
		if d.ID == "" {
			r.drop(droppedNoID, 1)
			return
		}
		if _, twice := seen[d.ID]; twice {
			r.drop(droppedDuplicate, 1)
			return
		}
		seen[d.ID] = struct{}{}
		p.desktops = append(p.desktops, d)
	})
	return p, r.tally, err
}

func (r *reading) desktop(want extras) inventory.Desktop {
	var d inventory.Desktop
	for r.nextMember() {
		switch string(r.key) {
		case "desktop_id":
			d.ID = r.text(nil)
		case "computer_name":
			d.Name = r.text(nil)
		case "ip_address":
			d.IP = r.text(nil)
		case "subnet_id":
			d.SubnetID = r.text(&r.known)
		case "enterprise_project_id":
			d.EnterpriseProjectID = r.text(&r.known)
		case "pool_id":
			d.PoolID = r.text(&r.known)
		case "availability_zone":
			d.AvailabilityZone = r.text(&r.known)
		case "desktop_type":
			d.Type = r.text(&r.known)
		case "status":
			d.Status = r.text(&r.known)
		case "task_status":
			d.TaskStatus = r.text(&r.known)
		case "tags":
			if !want.tags {
				r.skip()
				continue
			}
			d.Tags = r.tags()
		case "user_name":
			if !want.users {
				r.skip()
				continue
			}
			d.Users = r.user(d.Users)
		case "attach_user_infos":
			if !want.users {
				r.skip()
				continue
			}
			d.Users = r.users(d.Users)
		default:
			r.skip()
		}
	}
	slices.Sort(d.Users)
	d.Users = slices.Compact(d.Users)
	return d
}

func (r *reading) tags() []inventory.Tag {
	var tags []inventory.Tag
	for ok := r.array(); ok && r.nextElement(); {
		if !r.element(droppedMalformedField) {
			continue
		}
		var t inventory.Tag
		for r.nextMember() {
			switch string(r.key) {
			case "key":
				t.Key = r.text(&r.known)
			case "value":
				t.Value = r.text(&r.known)
			default:
				r.skip()
			}
		}
		tags = append(tags, t)
	}
	slices.SortFunc(tags, func(a, b inventory.Tag) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(tags)
}

// users adds the names of those whom a desktop is assigned to.
func (r *reading) users(users []string) []string {
	for ok := r.array(); ok && r.nextElement(); {
		if !r.element(droppedMalformedField) {
			continue
		}
		for r.nextMember() {
			if string(r.key) == "user_name" {
				users = r.user(users)
			} else {
				r.skip()
			}
		}
	}
	return users
}

func (r *reading) user(users []string) []string {
	if name := r.text(&r.known); name != "" {
		users = append(users, name)
	}
	return users
}

// decodeBindings reads an answer of ListDesktopsEips.
func decodeBindings(body []byte) (inventory.EIPBindings, tally, error) {
	r := reading{scanner: scanner{data: body}}
	addresses := map[string][]string{}
	_, err := r.list("eips", func() {
		if !r.element(droppedMalformedEIP) {
			return
		}
		var desktop, address string
		for r.nextMember() {
			switch string(r.key) {
			case "attached_desktop_id":
				desktop = r.text(nil)
			case "address":
				address = r.text(nil)
			default:
				r.skip()
			}
		}
		// Without a desktop it is bound to something else, or to nothing.
		if desktop != "" && address != "" {
			addresses[desktop] = append(addresses[desktop], address)
		}
	})
	if err != nil {
		return nil, r.tally, err
	}
	bindings := make(inventory.EIPBindings, len(addresses))
	for id, list := range addresses {
		bindings[id] = inventory.JoinAddresses(list)
	}
	return bindings, r.tally, nil
}
