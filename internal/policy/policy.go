// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy answers whether a desktop complies with the policies of the
// configuration. Its functions are pure.
package policy

import (
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// EIPExpectation returns the function that reports whether a desktop should have
// an EIP, and by which policy. The first matching policy wins. ok is false where
// no policy matches, where the policy allows both, and where the match is
// unknown. Without policies the function is nil.
func EIPExpectation(policies []config.Policy) func(inventory.Project, *inventory.Record) (policy string, expected, ok bool) {
	if len(policies) == 0 {
		return nil
	}
	return func(project inventory.Project, r *inventory.Record) (policy string, expected, ok bool) {
		for i := range policies {
			p := &policies[i]
			switch evaluate(p, project, r) {
			case match:
				switch p.EIP {
				case config.Required:
					return p.Name, true, true
				case config.Forbidden:
					return p.Name, false, true
				case config.Allowed:
				}
				return p.Name, false, false
			case unknownMatch:
				return "", false, false // a later policy must not win over this one
			case noMatch:
			}
		}
		return "", false, false
	}
}

// matchResult is whether a policy matches a desktop. Results are ordered: of
// several selectors, the lowest counts.
type matchResult int

const (
	noMatch matchResult = iota
	unknownMatch
	match
)

// evaluate returns whether all selectors of a policy match a desktop. The match
// is unknown where a selector needs a value of the desktop list and the desktop
// was not listed, or a value of the networks and they were not read.
func evaluate(p *config.Policy, project inventory.Project, r *inventory.Record) matchResult {
	if !p.Projects.MatchString(project.Name) {
		return noMatch
	}
	result := match
	selector := func(set, known, matched bool) {
		switch {
		case set && !known:
			result = min(result, unknownMatch)
		case set && !matched:
			result = noMatch
		}
	}
	read, name := r.Networks != nil, r.Name()
	selector(len(p.PoolIDs) > 0, r.Listed, slices.Contains(p.PoolIDs, r.Desktop.PoolID))
	selector(len(p.Tags) > 0, r.Listed, hasTags(r, p.Tags))
	selector(!p.DesktopNames.IsZero(), read || name != "", p.DesktopNames.MatchString(name))
	selector(len(p.VPCIDs) > 0, read, hasInterface(r, func(i inventory.Interface) bool { return slices.Contains(p.VPCIDs, i.VPC.ID) }))
	selector(len(p.SubnetIDs) > 0, read, hasInterface(r, func(i inventory.Interface) bool { return slices.Contains(p.SubnetIDs, i.Subnet.ID) }))
	return result
}

func hasTags(r *inventory.Record, tags map[string]string) bool {
	for key, value := range tags {
		if !slices.Contains(r.Desktop.Tags, inventory.Tag{Key: key, Value: value}) {
			return false
		}
	}
	return true
}

// hasInterface reports whether a function returns true for an interface of the
// desktop.
func hasInterface(r *inventory.Record, wanted func(inventory.Interface) bool) bool {
	return r.Networks != nil && slices.ContainsFunc(r.Networks.Interfaces, wanted)
}
