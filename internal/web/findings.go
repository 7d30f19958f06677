// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// findingSentence is an inconsistency as a sentence: subject, verb, value, detail and
// the other object, which may be missing.
type findingSentence struct {
	Subject, Other      namedLink
	Verb, Value, Detail string
}

// namedLink is the name of an object with the URL of its page; "": none.
type namedLink struct{ Name, Link string }

func newFindingSentence(s *inventory.Snapshot, f inventory.Finding) findingSentence {
	t := findingSentence{Subject: objectLink(s, f.Subject), Other: objectLink(s, f.Other), Value: truncate(f.Value)}
	switch f.Reason {
	case inventory.AddressOutsideSubnet:
		t.Verb, t.Detail = "has the address", "which is not in its subnet"
	case inventory.SubnetOutsideVPC:
		t.Verb, t.Detail = "has the CIDR", "which is not in its VPC"
	case inventory.VPCsOverlap:
		t.Verb, t.Detail = "has the CIDR", "which overlaps with the VPC"
	case inventory.AddressUsedTwice:
		t.Verb, t.Detail = "has the address", "the same address in the same VPC as"
		if f.Other == f.Subject {
			t.Detail, t.Other = "on two of its interfaces in the same VPC", namedLink{}
		}
	case inventory.EIPUsedTwice:
		t.Verb, t.Detail = "has the EIP", "the same EIP as"
	case inventory.EIPNotShown:
		t.Verb, t.Detail = "has the EIP", "according to the EIP list, but not to its networks"
	case inventory.EIPNotListed:
		t.Verb, t.Detail = "has the EIP", "according to its networks, but not to the EIP list"
	default:
		t.Verb, t.Detail = strings.ReplaceAll(string(f.Reason), "_", " ")+":", ""
	}
	return t
}

// objectLink returns the name and URL of the object with an ID.
func objectLink(s *inventory.Snapshot, id string) namedLink {
	if r := findDesktop(s, id); r != nil {
		return namedLink{truncate(cmp.Or(r.Name(), id)), desktopURL(s.Project.Name, id)}
	}
	for _, v := range s.VPCs {
		if v.ID == id {
			return namedLink{truncate(cmp.Or(v.Name, id)), filterURL(export.ParamVPC, id)}
		}
	}
	for _, n := range s.Subnets {
		if n.ID == id {
			return namedLink{truncate(cmp.Or(n.Name, id)), filterURL(export.ParamSubnet, id)}
		}
	}
	return namedLink{Name: truncate(id)}
}

// findDesktop returns the desktop with an ID, or nil.
func findDesktop(s *inventory.Snapshot, id string) *inventory.Record {
	i, found := slices.BinarySearchFunc(s.Records, id, func(r *inventory.Record, id string) int {
		return cmp.Compare(r.Desktop.ID, id)
	})
	if !found {
		return nil
	}
	return s.Records[i]
}
