// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package inventory holds what is known of a fleet of Workspace desktops, as
// plain values. It asks nobody, keeps no clock and imports no other room.
package inventory

import (
	"slices"
	"strings"
	"time"
)

// Project names one Huawei Cloud project. ID is empty until it is known: the
// configuration may leave it to IAM.
type Project struct {
	Name   string // its name in the configuration
	Region string
	ID     string
}

// Desktop is what the list of desktops (ListDesktops) says of one desktop.
// Text is valid UTF-8; what the cloud left out is "".
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
	Tags                []Tag    // sorted by key and value; nil unless asked for
	Users               []string // sorted, each once; nil unless asked for
}

// Tag is one key and value of a desktop, as the cloud spells them.
type Tag struct {
	Key, Value string
}

// LabelName makes of a tag's key what may stand in a label name, as Prometheus
// does for the labels of its service discoveries.
func LabelName(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, key)
}

// Networks is what the networks call (ShowDesktopNetworks) says of one
// desktop. Interfaces is sorted and holds each interface once.
type Networks struct {
	Name       string
	IP         string
	Interfaces []Interface
}

// Interface is one network interface of a desktop. An absent part is its zero
// value: an interface without an EIP has the EIP {}.
type Interface struct {
	PortID         string
	PrivateIP      string
	VPC            VPC
	Subnet         Subnet
	EIP            EIP
	SecurityGroups []SecurityGroup // sorted, each once
}

// VPC is a virtual private cloud; CIDR is as the cloud writes it.
type VPC struct {
	ID, Name, CIDR string
}

// Subnet is a subnet of a VPC; CIDR is as the cloud writes it.
type Subnet struct {
	ID, Name, CIDR string
}

// EIP is an elastic IP address bound to an interface.
type EIP struct {
	ID, Address string
}

// SecurityGroup is a group of firewall rules that an interface is in.
type SecurityGroup struct {
	ID, Name string
}

// EIPBindings is one reading of the EIP list: the addresses bound to each
// desktop, by desktop ID, as JoinAddresses writes them.
type EIPBindings map[string]string

// JoinAddresses sorts addresses, keeps each once and joins them by commas.
func JoinAddresses(addresses []string) string {
	slices.Sort(addresses)
	return strings.Join(slices.Compact(addresses), ",")
}

// NetworksResult is what one question for the networks of some desktops brought. An
// ID asked for that is in neither map was not answered: the error beside the
// Answer says why.
type NetworksResult struct {
	Networks   map[string]*Networks
	Unresolved map[string]*Failure // the cloud answered, but not for this one
}

// Record is what is known of one desktop. Records are immutable: while nothing
// that is said of a desktop changes, snapshots share one Record, so an equal
// pointer means equal content.
type Record struct {
	Desktop  Desktop
	Listed   bool      // Desktop comes from the list, not only from a configured ID
	Networks *Networks // nil: never read, or no longer good
}

// Name is the list's name of the desktop, else that of the networks.
func (r *Record) Name() string {
	if r.Desktop.Name == "" && r.Networks != nil {
		return r.Networks.Name
	}
	return r.Desktop.Name
}

// SubnetUsage is a subnet with the VPC it is in and the number of interfaces of
// desktops in it.
type SubnetUsage struct {
	Subnet
	VPCID      string
	Interfaces int
}

// Snapshot is one project at one moment, immutable. Slices are sorted by ID
// and hold each object once.
type Snapshot struct {
	Project        Project
	Discovered     bool // the desktops come from the list; false: from configured IDs
	Records        []*Record
	VPCs           []VPC
	Subnets        []SubnetUsage
	SecurityGroups []SecurityGroup
	CheckedReasons []FindingReason // what was looked for, sorted; of other reasons nothing is known
	Findings       []Finding       // in the order of Finding.Compare, each once
	Health         Health
}

// Health is how the reading of a project goes. Times are zero until known.
type Health struct {
	Refreshed          bool // a refresh has ended
	Listed             bool // the desktops of the project are known
	ListComplete       bool // the list that was read last was complete: a desktop that it lacks is gone
	Up                 bool // the last refresh of which anything was answered met no failure
	Unresolved         int  // desktops whose networks are not known
	Unread             int  // of these, the ones that did not just come and that no answer was about
	Stale              int  // desktops whose networks are held since the last try to read them failed
	Duration           time.Duration
	LastRefresh        time.Time // of the last refresh, however it went
	LastSuccess        time.Time
	OldestData         time.Time  // when the oldest networks that are shown were read
	Failures           []*Failure // of the last refresh, one for each kind and operation, the gravest first
	QuotaExceededUntil time.Time  // quota is spent until then; zero: it is not
}
