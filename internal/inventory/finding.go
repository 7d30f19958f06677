// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"strings"
)

// FindingReason is the kind of an inconsistency, as metrics and pages have it.
type FindingReason string

// All reasons.
const (
	AddressOutsideSubnet FindingReason = "address_outside_subnet" // a private address is not in its subnet's CIDR
	SubnetOutsideVPC     FindingReason = "subnet_outside_vpc"     // a subnet's CIDR is not in its VPC's CIDR
	VPCsOverlap          FindingReason = "vpcs_overlap"           // the CIDRs of two VPCs of a project overlap
	AddressUsedTwice     FindingReason = "address_used_twice"     // two interfaces in a VPC have the same private address
	EIPUsedTwice         FindingReason = "eip_used_twice"         // two desktops have the same EIP
	EIPNotShown          FindingReason = "eip_not_shown"          // the EIP list binds an EIP to the desktop, its networks lack it
	EIPNotListed         FindingReason = "eip_not_listed"         // the desktop's networks have an EIP, the EIP list lacks it
)

// FindingReasons returns all reasons, sorted.
func FindingReasons() []FindingReason {
	return []FindingReason{
		AddressOutsideSubnet, AddressUsedTwice, EIPNotListed, EIPNotShown, EIPUsedTwice, SubnetOutsideVPC, VPCsOverlap,
	}
}

// Finding is an inconsistency in the data of the cloud. Each is reported once: of
// two desktops, the subject is the one with the lower ID; of two VPCs, the one
// with the smaller CIDR. If n desktops share an address, there are n-1 findings,
// one for each pair of consecutive IDs.
type Finding struct {
	Reason  FindingReason
	Subject string // ID of a desktop, subnet or VPC
	Other   string // ID of the other desktop or VPC, or of the subnet or VPC that the subject is in; may be ""
	Value   string // the address or CIDR; the ID of an EIP without address
}

// Compare orders findings by reason, subject, other and value.
func (f Finding) Compare(o Finding) int {
	return cmp.Or(cmp.Compare(f.Reason, o.Reason), strings.Compare(f.Subject, o.Subject),
		strings.Compare(f.Other, o.Other), strings.Compare(f.Value, o.Value))
}
