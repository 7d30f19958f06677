// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"cmp"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Page is the content of one response of ListDesktops.
type Page struct {
	Extent
	Desktops []inventory.Desktop // without duplicates
}

// OptionalFields selects the fields of a desktop that are decoded on demand.
type OptionalFields struct {
	Tags, Users bool
}

// Desktops decodes a response of ListDesktops. The error is [ErrTruncated],
// [ErrSyntax] or [ErrNoList].
func Desktops(body []byte, fields OptionalFields) (Page, Counts, error) {
	d := newDecoder(body)
	var p Page
	var err error
	seen := map[string]struct{}{}
	p.Extent, err = d.readList("desktops", func() {
		if !d.enterElement(ReasonMalformedDesktop) {
			return
		}
		desktop := d.readDesktop(fields)
		if desktop.ID == "" {
			d.counts.Drop(ReasonNoDesktopID, 1)
			return
		}
		if _, duplicate := seen[desktop.ID]; duplicate {
			d.counts.Drop(ReasonDuplicateDesktop, 1)
			return
		}
		seen[desktop.ID] = struct{}{}
		p.Desktops = append(p.Desktops, desktop)
	})
	return p, d.counts, err
}

func (d *decoder) readDesktop(fields OptionalFields) inventory.Desktop {
	var desktop inventory.Desktop
	for d.nextMember() {
		switch string(d.key) {
		case "desktop_id":
			desktop.ID = d.readString(nil)
		case "computer_name":
			desktop.Name = d.readString(nil)
		case "ip_address":
			desktop.IP = d.readString(nil)
		case "subnet_id":
			desktop.SubnetID = d.readString(&d.strings)
		case "enterprise_project_id":
			desktop.EnterpriseProjectID = d.readString(&d.strings)
		case "pool_id":
			desktop.PoolID = d.readString(&d.strings)
		case "availability_zone":
			desktop.AvailabilityZone = d.readString(&d.strings)
		case "desktop_type":
			desktop.Type = d.readString(&d.strings)
		case "status":
			desktop.Status = d.readString(&d.strings)
		case "task_status":
			desktop.TaskStatus = d.readString(&d.strings)
		case "tags":
			if !fields.Tags {
				d.skip()
				continue
			}
			desktop.Tags = d.readTags()
		case "user_name":
			if !fields.Users {
				d.skip()
				continue
			}
			desktop.Users = d.appendUser(desktop.Users)
		case "attach_user_infos":
			if !fields.Users {
				d.skip()
				continue
			}
			desktop.Users = d.appendUsers(desktop.Users)
		default:
			d.skip()
		}
	}
	slices.Sort(desktop.Users)
	desktop.Users = slices.Compact(desktop.Users)
	return desktop
}

func (d *decoder) readTags() []inventory.Tag {
	var tags []inventory.Tag
	for ok := d.enterArray(); ok && d.nextElement(); {
		if !d.enterElement(ReasonMalformedField) {
			continue
		}
		var t inventory.Tag
		for d.nextMember() {
			switch string(d.key) {
			case "key":
				t.Key = d.readString(&d.strings)
			case "value":
				t.Value = d.readString(&d.strings)
			default:
				d.skip()
			}
		}
		tags = append(tags, t)
	}
	slices.SortFunc(tags, func(a, b inventory.Tag) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(tags)
}

// appendUsers appends the names of the users to which a desktop is assigned.
func (d *decoder) appendUsers(users []string) []string {
	for ok := d.enterArray(); ok && d.nextElement(); {
		if !d.enterElement(ReasonMalformedField) {
			continue
		}
		for d.nextMember() {
			if string(d.key) == "user_name" {
				users = d.appendUser(users)
			} else {
				d.skip()
			}
		}
	}
	return users
}

func (d *decoder) appendUser(users []string) []string {
	if name := d.readString(&d.strings); name != "" {
		users = append(users, name)
	}
	return users
}
