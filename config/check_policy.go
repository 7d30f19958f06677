// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

func (k *checker) policies(c *Config) {
	pathByName := make(map[string]string)
	catchAll := "" // path of the first policy that selects every desktop
	for i := range c.Policies {
		p, path := &c.Policies[i], fmt.Sprintf("policies[%d]", i)
		k.policy(path, p)
		if other, ok := pathByName[p.Name]; ok && p.Name != "" {
			k.add(path+".name", "duplicate name %q, also used by %s.name; use unique names", p.Name, other)
		} else {
			pathByName[p.Name] = path
		}
		// The projects of an account are unknown until IAM has listed them.
		if len(c.Projects) > 0 && len(c.Accounts) == 0 && !slices.ContainsFunc(c.Projects, func(project Project) bool { return p.Projects.MatchString(project.Name) }) {
			k.add(path+".projects", "%q matches no project; use an expression that matches the whole name of a project", p.Projects)
		}
		switch {
		case catchAll != "":
			k.add(path, "never applies, because %s selects every desktop before it; move that policy to the end", catchAll)
		case p.SelectsAll():
			catchAll = path
		}
	}
}

func (k *checker) policy(path string, p *Policy) {
	k.name(path+".name", p.Name)
	switch p.EIP {
	case Required, Allowed, Forbidden:
	case "":
		k.add(path+".eip", "missing; use required, allowed or forbidden")
	default:
		k.add(path+".eip", "unknown value %q; use required, allowed or forbidden", string(p.EIP))
	}
	k.ids(path+".vpc_ids", p.VPCIDs)
	k.ids(path+".subnet_ids", p.SubnetIDs)
	k.ids(path+".pool_ids", p.PoolIDs)
	for key := range p.Tags {
		if strings.TrimSpace(key) == "" {
			k.add(path+".tags", "empty tag key; set a key")
		}
	}
}
