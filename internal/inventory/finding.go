// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"strings"
)

// FindingReason names what contradicts itself in what the cloud says, as metrics and
// pages spell it.
type FindingReason string

// All reasons.
const (
	AddressOutsideSubnet FindingReason = "address_outside_subnet" // a private address that its subnet's CIDR does not hold
	SubnetOutsideVPC     FindingReason = "subnet_outside_vpc"     // a subnet whose CIDR its VPC's does not hold
	VPCsOverlap          FindingReason = "vpcs_overlap"           // two VPCs of a project whose CIDRs share addresses
	AddressUsedTwice     FindingReason = "address_used_twice"     // one private address on two interfaces in a VPC
	EIPUsedTwice         FindingReason = "eip_used_twice"         // one EIP on two desktops
	EIPNotShown          FindingReason = "eip_not_shown"          // the EIP list binds it, the networks lack it
	EIPNotListed         FindingReason = "eip_not_listed"         // the networks show it, the EIP list lacks it
)

// FindingReasons lists all reasons, sorted.
func FindingReasons() []FindingReason {
	return []FindingReason{
		AddressOutsideSubnet, AddressUsedTwice, EIPNotListed, EIPNotShown, EIPUsedTwice, SubnetOutsideVPC, VPCsOverlap,
	}
}

// Finding is one contradiction. Each is told once: of two desktops that share
// something, the one whose ID comes first is the subject; of two VPCs, the
// smaller network. What n share makes n-1 findings, each of which names two
// neighbours.
type Finding struct {
	Reason  FindingReason
	Subject string // ID of the desktop, subnet or VPC that it is about
	Other   string // ID of the other one, or of the subnet or VPC that the subject is in; "": there is none
	Value   string // the address or CIDR that does not fit; an EIP that has no address is told by its ID
}

// Compare gives the order in which findings are told: by reason, subject,
// other and value.
func (f Finding) Compare(o Finding) int {
	return cmp.Or(cmp.Compare(f.Reason, o.Reason), strings.Compare(f.Subject, o.Subject),
		strings.Compare(f.Other, o.Other), strings.Compare(f.Value, o.Value))
}
