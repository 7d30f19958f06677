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

// EIPExpectation gives the function that tells by policies which desktops should
// have an EIP, or nil where there are none.
func EIPExpectation(policies []config.Policy) func(inventory.Project, *inventory.Record) (policy string, expected, ok bool) {
	if len(policies) == 0 {
		return nil
	}
	return func(project inventory.Project, r *inventory.Record) (policy string, expected, ok bool) {
		for i := range policies {
			p := &policies[i]
			switch selects(p, project, r) {
			case yes:
				return p.Name, p.EIP == config.Required, p.EIP != config.Allowed
			case unknown:
				return "", false, false // a later policy must not take what may be this one's
			case no:
			}
		}
		return "", false, false
	}
}

// verdict is whether a policy selects a desktop. Of several conditions, the
// least verdict counts.
type verdict int

const (
	no verdict = iota
	unknown
	yes
)

// selects tells whether all that a policy asks for is true of a desktop. What
// the list says is unknown of a desktop that only the configuration names, and
// what the networks say of one whose networks were not read.
func selects(p *config.Policy, project inventory.Project, r *inventory.Record) verdict {
	if !p.Projects.MatchString(project.Name) {
		return no
	}
	v := yes
	ask := func(given, known, holds bool) {
		switch {
		case given && !known:
			v = min(v, unknown)
		case given && !holds:
			v = no
		}
	}
	read, name := r.Networks != nil, r.Name()
	ask(len(p.PoolIDs) > 0, r.Listed, slices.Contains(p.PoolIDs, r.Desktop.PoolID))
	ask(len(p.Tags) > 0, r.Listed, tagged(r, p.Tags))
	ask(!p.DesktopNames.IsZero(), read || name != "", p.DesktopNames.MatchString(name))
	ask(len(p.VPCIDs) > 0, read, plugged(r, func(i inventory.Interface) bool { return slices.Contains(p.VPCIDs, i.VPC.ID) }))
	ask(len(p.SubnetIDs) > 0, read, plugged(r, func(i inventory.Interface) bool { return slices.Contains(p.SubnetIDs, i.Subnet.ID) }))
	return v
}

func tagged(r *inventory.Record, tags map[string]string) bool {
	for key, value := range tags {
		if !slices.Contains(r.Desktop.Tags, inventory.Tag{Key: key, Value: value}) {
			return false
		}
	}
	return true
}

// plugged tells whether one of a desktop's interfaces is in the right place.
func plugged(r *inventory.Record, right func(inventory.Interface) bool) bool {
	return r.Networks != nil && slices.ContainsFunc(r.Networks.Interfaces, right)
}
