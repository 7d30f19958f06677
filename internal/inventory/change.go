// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import "time"

// ChangeKind is the kind of a change, as metrics, logs, pages and events have it.
type ChangeKind string

// All kinds of changes; docs/changes.md defines them.
const (
	Appeared              ChangeKind = "appeared"
	Vanished              ChangeKind = "vanished"
	Renamed               ChangeKind = "renamed"
	EIPBound              ChangeKind = "eip_bound"
	EIPUnbound            ChangeKind = "eip_unbound"
	EIPSwapped            ChangeKind = "eip_swapped"
	SubnetChanged         ChangeKind = "subnet_changed"
	AddressChanged        ChangeKind = "address_changed"
	SecurityGroupsChanged ChangeKind = "security_groups_changed"
)

// ChangeKinds returns all kinds, in the order in which changes of one desktop are
// reported.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{
		Appeared, Vanished, Renamed, EIPBound, EIPUnbound, EIPSwapped, SubnetChanged, AddressChanged, SecurityGroupsChanged,
	}
}

// Change is a difference between two consecutive known states of a desktop.
type Change struct {
	Time        time.Time // when it was found
	Project     Project
	DesktopID   string
	DesktopName string // the current name, or the last known one
	Kind        ChangeKind
	Before      string // names, addresses or IDs, sorted and joined by commas; "" means no value
	After       string
}
