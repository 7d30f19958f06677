// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory answers the question what a desktop is: plain values for
// desktops, their networks, inconsistencies between them, and what changed. It
// does no I/O, reads no clock and imports no other package of ours.
package inventory

import (
	"slices"
	"strings"
	"time"
)

// Project identifies a Huawei Cloud project. The ID is empty until it is known:
// the configuration may omit it, and IAM resolves it then.
type Project struct {
	Name   string // in the configuration
	Region string
	ID     string
}

// Desktop is a desktop as ListDesktops returns it. Strings are valid UTF-8; a
// field that the response lacks is "".
type Desktop struct {
	ID                  string
	Name                string
	IP                  string
	SubnetID            string
	EnterpriseProjectID string
	PoolID              string
	AvailabilityZone    string
	Type                string
	Status              string
	TaskStatus          string
	Tags                []Tag    // sorted by key and value; nil unless requested
	Users               []string // sorted, without duplicates; nil unless requested
}

// Tag is a tag of a desktop, as the API returns it.
type Tag struct {
	Key, Value string
}

// LabelName returns a tag's key with every character that is invalid in a label
// name replaced by an underscore, as Prometheus' service discoveries do.
func LabelName(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, key)
}

// Networks is the network part of a desktop as ShowDesktopNetworks returns it.
// Interfaces is sorted and has no duplicates.
type Networks struct {
	Name       string
	IP         string
	Interfaces []Interface
}

// Interface is a network interface of a desktop. An absent part is its zero value:
// an interface without an EIP has EIP{}.
type Interface struct {
	PortID         string
	PrivateIP      string
	VPC            VPC
	Subnet         Subnet
	EIP            EIP
	SecurityGroups []SecurityGroup // sorted, without duplicates
	GroupsUnknown  bool            // the response lacks the security groups, which is not the same as none
}

// GroupsKnown reports whether the security groups of all interfaces are known.
func (n *Networks) GroupsKnown() bool {
	return !slices.ContainsFunc(n.Interfaces, func(i Interface) bool { return i.GroupsUnknown })
}

// VPC is a virtual private cloud. CIDR is not parsed.
type VPC struct {
	ID, Name, CIDR string
}

// Subnet is a subnet of a VPC. CIDR is not parsed.
type Subnet struct {
	ID, Name, CIDR string
}

// EIP is an elastic IP address bound to an interface.
type EIP struct {
	ID, Address string
}

// SecurityGroup is a security group that an interface belongs to.
type SecurityGroup struct {
	ID, Name string
}

// EIPBindings maps a desktop's ID to the EIP addresses that the EIP list binds to
// it, joined by JoinAddresses.
type EIPBindings map[string]string

// JoinAddresses sorts addresses in place, and returns them without duplicates,
// joined by commas.
func JoinAddresses(addresses []string) string {
	slices.Sort(addresses)
	return strings.Join(slices.Compact(addresses), ",")
}

// NetworksResult is the result of a request for the networks of some desktops, by
// desktop ID. A requested ID that is in neither map got no response; the error
// returned with the result is the reason.
type NetworksResult struct {
	Networks   map[string]*Networks
	Unresolved map[string]*Failure // the response lacks or rejects this desktop
}

// Record is a desktop in a snapshot. Records are immutable, and snapshots share a
// Record until any of its values changes, so equal pointers mean equal values.
type Record struct {
	Desktop  Desktop
	Listed   bool      // the desktop list has it; false: only its ID is configured
	Networks *Networks // nil: unknown, never read or expired
}

// Name returns the desktop's name from the list or, if it has none, from its
// networks.
func (r *Record) Name() string {
	if r.Desktop.Name == "" && r.Networks != nil {
		return r.Networks.Name
	}
	return r.Desktop.Name
}

// SubnetUsage is a subnet, the ID of its VPC, and the number of desktops'
// interfaces in it.
type SubnetUsage struct {
	Subnet
	VPCID      string
	Interfaces int
}

// Snapshot is the state of a project after a refresh. It is immutable. Slices are
// sorted by ID and have no duplicates.
type Snapshot struct {
	Project        Project
	Discovered     bool // desktops come from the desktop list; false: from configured IDs
	Records        []*Record
	VPCs           []VPC
	Subnets        []SubnetUsage
	SecurityGroups []SecurityGroup
	CheckedReasons []FindingReason // sorted; reasons that could be checked, findings of others are unknown
	Findings       []Finding       // sorted by Finding.Compare, without duplicates
	Health         Health
}

// Health is the state of a project's refreshes. Times are zero until known.
type Health struct {
	Refreshed          bool          // a refresh has finished
	Listed             bool          // the list of desktops is known
	ListComplete       bool          // the last list was complete: a desktop that it lacks does not exist
	Up                 bool          // the last refresh that got a response had no failure
	Unresolved         int           // desktops whose networks are unknown
	Unread             int           // of these, those that are not new and got no response, not even a failure of their own
	Stale              int           // desktops whose networks are kept although the last read failed
	Duration           time.Duration // of the last refresh
	LastRefresh        time.Time     // end of the last refresh, failed or not
	LastSuccess        time.Time
	OldestData         time.Time  // when the oldest networks in the snapshot were read
	Failures           []*Failure // of the last refresh, one for each kind and operation, the most severe first
	QuotaExceededUntil time.Time  // zero: quota is available
}
