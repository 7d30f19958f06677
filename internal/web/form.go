// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"maps"
	"slices"
	"strconv"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// mostFindings is how many contradictions the page lists.
const mostFindings = 50

// mostBusy is how many projects that are not well the page shows unfolded.
const mostBusy = 12

// describe fills in what is around the table.
func (p *inventoryPage) describe(v view, c *catalog, snapshots []*inventory.Snapshot) {
	for _, s := range snapshots {
		status := describe(s, p.Now)
		p.Known = p.Known || s.Health.Listed
		switch {
		case status.State == "well" && s.Health.Unresolved+s.Health.Stale == 0:
			p.Quiet = append(p.Quiet, status)
		case len(p.Busy) < mostBusy:
			p.Busy = append(p.Busy, status)
		default:
			p.MoreBusy = append(p.MoreBusy, status)
		}
		if v.filter.MatchesProject(s) {
			for _, f := range s.Findings {
				if len(p.Findings) == mostFindings {
					p.MoreFindings++
					continue
				}
				p.Findings = append(p.Findings, describeFinding(s, f))
			}
		}
	}
	p.fields(v, c)
	p.chips(v)
	whole := v.filter.Values()
	p.JSON, p.CSV = at("/inventory.json", whole), at("/inventory.csv", whole)
	p.headings(v, len(snapshots) > 1)
}

// headings makes the heads of the columns: each sorts by its column, and the
// one that is sorted by turns the order.
func (p *inventoryPage) headings(v view, projects bool) {
	v.part.page = 1
	current := v.order
	for _, c := range columns() {
		if c.name == "project" && !projects {
			continue
		}
		h := heading{Label: c.label}
		v.order = order{column: c.name}
		if current.column == c.name {
			h.Sorted = "ascending"
			if current.down {
				h.Sorted = "descending"
			}
			v.order.down = !current.down
		}
		h.Link = v.link()
		if c.name == dataColumn { // the groups go before it, and are no order
			p.Columns = append(p.Columns, heading{Label: "Security groups"})
		}
		p.Columns = append(p.Columns, h)
	}
}

// fields makes the form.
func (p *inventoryPage) fields(v view, c *catalog) {
	values, names := v.filter.Values(), c.offers
	p.Search = proposed("search", "Search", values["search"], nil)
	p.Search.Hint = "words: name, ID, address, VPC, subnet, group"
	p.Fields = []field{
		choice("status", "Status", values["status"], options("any", names.statuses)...),
		choice("eip", "EIP", values["eip"], option{"", "any or none", false}, option{"any", "has one", false}, option{"none", "has none", false}, option{"unknown", "not known", false}),
	}
	if len(names.projects) > 1 || len(values["project"]) > 0 {
		p.Fields = append(p.Fields, choice("project", "Project", values["project"], options("all", names.projects)...))
	}
	p.Rarer = []field{
		proposed("vpc", "VPC", values["vpc"], names.vpcs),
		proposed("subnet", "Subnet", values["subnet"], names.subnets),
		proposed("security_group", "Security group", values["security_group"], names.groups),
	}
	if len(names.regions) > 1 || len(values["region"]) > 0 {
		p.Rarer = append(p.Rarer, choice("region", "Region", values["region"], options("all", names.regions)...))
	}
	for _, f := range p.Rarer {
		p.RarerOpen = p.RarerOpen || f.Value != "" || len(f.Kept) > 0
	}
	p.Rarer = append(p.Rarer, sortField(v.order, len(names.projects) > 1), sizeField(v.part))
}

// sortField offers all orders, for where the heads of the columns have no room.
// What goes without saying has no value, so that it does not fill the URL.
func sortField(current order, projects bool) field {
	f := field{Name: paramSort, Label: "Sort by", Select: true}
	for _, c := range columns() {
		if c.name == "project" && !projects {
			continue
		}
		for _, o := range []order{{c.name, false}, {c.name, true}} {
			text := c.label
			if o.down {
				text += ", descending"
			}
			value := o.String()
			if value == "name" {
				value = ""
			}
			f.Options = append(f.Options, option{value, text, o == current})
		}
	}
	return f
}

func sizeField(p part) field {
	f := field{Name: paramSize, Label: "Rows a page", Select: true}
	for i, n := range sizes() {
		value := strconv.Itoa(n)
		if i == 0 {
			value = ""
		}
		f.Options = append(f.Options, option{value, strconv.Itoa(n), n == p.size})
	}
	return f
}

// options makes options of names, behind one that chooses them all.
func options(all string, names []string) []option {
	out := []option{{Text: all}}
	for _, n := range names {
		out = append(out, option{Value: n, Text: short(n)})
	}
	return out
}

// chips makes what takes single parts of the filter away.
func (p *inventoryPage) chips(v view) {
	labels := map[string]string{
		"search": "Search", "project": "Project", "region": "Region", "vpc": "VPC",
		"subnet": "Subnet", "security_group": "Security group", "status": "Status", "eip": "EIP",
	}
	v.part.page = 1
	all := v.values()
	filter := v.filter.Values()
	for _, name := range sortedKeys(filter) {
		for i, value := range filter[name] {
			without := maps.Clone(all)
			without[name] = slices.Delete(slices.Clone(filter[name]), i, i+1)
			p.Chips = append(p.Chips, chip{labels[name], short(value), at("/inventory", without)})
		}
	}
}
