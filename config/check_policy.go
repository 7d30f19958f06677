// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

func (k *checker) policies(c *Config) {
	first := make(map[string]string)
	all := "" // the policy that selects every desktop
	for i := range c.Policies {
		p, path := &c.Policies[i], fmt.Sprintf("policies[%d]", i)
		k.policy(path, p)
		if other, ok := first[p.Name]; ok && p.Name != "" {
			k.add(path+".name", "is %q, as is %s.name; names must differ", p.Name, other)
		} else {
			first[p.Name] = path
		}
		// Of accounts, only IAM knows the projects.
		if len(c.Projects) > 0 && len(c.Accounts) == 0 && !slices.ContainsFunc(c.Projects, func(project Project) bool { return p.Projects.MatchString(project.Name) }) {
			k.add(path+".projects", "is %q, which is the name of no project here; it must match the whole of one", p.Projects)
		}
		switch {
		case all != "":
			k.add(path, "selects nothing, since %s is for every desktop that comes to it; move that one to the end", all)
		case p.SelectsAll():
			all = path
		}
	}
}

func (k *checker) policy(path string, p *Policy) {
	k.name(path+".name", p.Name)
	switch p.EIP {
	case Required, Allowed, Forbidden:
	case "":
		k.add(path+".eip", "is missing; set it to required, allowed or forbidden")
	default:
		k.add(path+".eip", "is %q; use required, allowed or forbidden", string(p.EIP))
	}
	k.ids(path+".vpc_ids", p.VPCIDs)
	k.ids(path+".subnet_ids", p.SubnetIDs)
	k.ids(path+".pool_ids", p.PoolIDs)
	for key := range p.Tags {
		if strings.TrimSpace(key) == "" {
			k.add(path+".tags", "has an empty key; name the tag")
		}
	}
}
