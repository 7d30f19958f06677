// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import "time"

// ChangeKind names what happened to a desktop, as metrics, logs and pages
// spell it.
type ChangeKind string

// All kinds of changes.
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

// ChangeKinds lists all kinds, in the order in which those of one desktop are
// told.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{
		Appeared, Vanished, Renamed, EIPBound, EIPUnbound, EIPSwapped, SubnetChanged, AddressChanged, SecurityGroupsChanged,
	}
}

// Change is one thing that happened to one desktop between two readings of it.
type Change struct {
	Time        time.Time // when it was noticed
	Project     Project
	DesktopID   string
	DesktopName string // as it is now, or was last
	Kind        ChangeKind
	Before      string // names, addresses or IDs, sorted and joined by commas; "": none
	After       string
}
