// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// findingText is a contradiction as a sentence: subject, has, value, but,
// other, where the last may be missing.
type findingText struct {
	Subject, Other  thing
	Has, Value, But string
}

// thing is a desktop, subnet or VPC with a link to what is known of it.
type thing struct{ Name, Link string }

func describeFinding(s *inventory.Snapshot, f inventory.Finding) findingText {
	t := findingText{Subject: find(s, f.Subject), Other: find(s, f.Other), Value: short(f.Value)}
	switch f.Reason {
	case inventory.AddressOutsideSubnet:
		t.Has, t.But = "has the address", "which is not in its subnet"
	case inventory.SubnetOutsideVPC:
		t.Has, t.But = "has the CIDR", "which is not in its VPC"
	case inventory.VPCsOverlap:
		t.Has, t.But = "has the CIDR", "which shares addresses with the VPC"
	case inventory.AddressUsedTwice:
		t.Has, t.But = "has the address", "and in the same VPC so has"
		if f.Other == f.Subject {
			t.But, t.Other = "on two of its interfaces in the same VPC", thing{}
		}
	case inventory.EIPUsedTwice:
		t.Has, t.But = "has the EIP", "and so has"
	case inventory.EIPNotShown:
		t.Has, t.But = "has the EIP", "as the EIP list says, but not its networks"
	case inventory.EIPNotListed:
		t.Has, t.But = "has the EIP", "as its networks say, but not the EIP list"
	default:
		t.Has, t.But = strings.ReplaceAll(string(f.Reason), "_", " ")+":", ""
	}
	return t
}

// find names what an ID stands for.
func find(s *inventory.Snapshot, id string) thing {
	if r := findDesktop(s, id); r != nil {
		return thing{short(cmp.Or(r.Name(), id)), desktopLink(s.Project.Name, id)}
	}
	for _, v := range s.VPCs {
		if v.ID == id {
			return thing{short(cmp.Or(v.Name, id)), at("/inventory", url.Values{"vpc": {id}})}
		}
	}
	for _, n := range s.Subnets {
		if n.ID == id {
			return thing{short(cmp.Or(n.Name, id)), at("/inventory", url.Values{"subnet": {id}})}
		}
	}
	return thing{Name: short(id)}
}

// findDesktop gives the desktop of an ID, or nil.
func findDesktop(s *inventory.Snapshot, id string) *inventory.Record {
	i, found := slices.BinarySearchFunc(s.Records, id, func(r *inventory.Record, id string) int {
		return cmp.Compare(r.Desktop.ID, id)
	})
	if !found {
		return nil
	}
	return s.Records[i]
}
