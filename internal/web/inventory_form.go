// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// maxFindings is the maximum number of inconsistencies on the page.
const maxFindings = 50

// maxUnhealthy is the maximum number of unhealthy projects that are not collapsed.
const maxUnhealthy = 12

// fill fills in everything around the table.
func (p *inventoryPage) fill(v inventoryView, options *filterOptions, snapshots []*inventory.Snapshot) {
	for _, s := range snapshots {
		status := newProjectStatus(s, p.Now)
		p.AnyListed = p.AnyListed || s.Health.Listed
		switch {
		case status.healthy():
			p.Healthy = append(p.Healthy, status)
		case len(p.Unhealthy) < maxUnhealthy:
			p.Unhealthy = append(p.Unhealthy, status)
		default:
			p.MoreUnhealthy = append(p.MoreUnhealthy, status)
		}
		if v.filter.MatchesProject(s) {
			for _, f := range s.Findings {
				if len(p.Findings) == maxFindings {
					p.MoreFindings++
					continue
				}
				p.Findings = append(p.Findings, newFindingSentence(s, f))
			}
		}
	}
	p.addFormFields(v, options)
	p.addChips(v)
	filter := v.filter.Values()
	p.JSON, p.CSV = urlFor(pathInventoryJSON, filter), urlFor(pathInventoryCSV, filter)
	p.addColumnHeaders(v, len(snapshots) > 1)
}

// addColumnHeaders adds the column headers, whose links sort by the column, or
// reverse the order of the column that the table is sorted by.
func (p *inventoryPage) addColumnHeaders(v inventoryView, showProject bool) {
	v.pages.page = 1
	current := v.sort
	for _, c := range sortColumns() {
		if c.name == "project" && !showProject {
			continue
		}
		h := columnHeader{Label: c.label}
		v.sort = sortOrder{column: c.name}
		if current.column == c.name {
			h.Sorted = "ascending"
			if current.descending {
				h.Sorted = "descending"
			}
			v.sort.descending = !current.descending
		}
		h.Link = v.url()
		if c.name == dataAgeColumn { // security groups are displayed before it, and cannot be sorted by
			p.Columns = append(p.Columns, columnHeader{Label: "Security groups"})
		}
		p.Columns = append(p.Columns, h)
	}
}

// addFormFields adds the fields of the filter form.
func (p *inventoryPage) addFormFields(v inventoryView, names *filterOptions) {
	values := v.filter.Values()
	text := func(name string, suggestions []string) formField {
		return textField(name, filterLabel(name), values[name], suggestions)
	}
	choice := func(name string, options ...formOption) formField {
		return selectField(name, filterLabel(name), values[name], options...)
	}
	p.Search = text(export.ParamSearch, nil)
	p.Search.Hint = "name, ID, IP, VPC, subnet, group"
	p.Fields = []formField{
		choice(export.ParamStatus, formOptions(names.statuses)...),
		choice(
			export.ParamEIP, formOption{Text: "all"}, formOption{Value: export.EIPAny, Text: "with EIP"},
			formOption{Value: export.EIPNone, Text: "without EIP"}, formOption{Value: export.EIPUnknown, Text: "unknown"},
		),
	}
	if len(names.projects) > 1 || len(values[export.ParamProject]) > 0 {
		p.Fields = append(p.Fields, choice(export.ParamProject, formOptions(names.projects)...))
	}
	p.MoreFields = []formField{
		text(export.ParamVPC, names.vpcs),
		text(export.ParamSubnet, names.subnets),
		text(export.ParamSecurityGroup, names.groups),
	}
	if len(names.regions) > 1 || len(values[export.ParamRegion]) > 0 {
		p.MoreFields = append(p.MoreFields, choice(export.ParamRegion, formOptions(names.regions)...))
	}
	for _, f := range p.MoreFields {
		p.MoreFieldsOpen = p.MoreFieldsOpen || f.Value != "" || len(f.Hidden) > 0
	}
	p.MoreFields = append(p.MoreFields, sortField(v.sort, len(names.projects) > 1), sizeField(v.pages))
}

// sortField returns a field for the sort order, for narrow screens, which have no
// column headers. The default has an empty value, which keeps it out of the URL.
func sortField(current sortOrder, showProject bool) formField {
	f := formField{Name: paramSort, Label: "Sort by", Select: true}
	for _, c := range sortColumns() {
		if c.name == "project" && !showProject {
			continue
		}
		for _, o := range []sortOrder{{c.name, false}, {c.name, true}} {
			text := c.label
			if o.descending {
				text += ", descending"
			}
			value := o.String()
			if value == "name" {
				value = ""
			}
			f.Options = append(f.Options, formOption{value, text, o == current})
		}
	}
	return f
}

// sizeField returns a field for the rows per page, the default with an empty value.
func sizeField(p pageRange) formField {
	f := formField{Name: paramSize, Label: "Rows per page", Select: true}
	for i, n := range pageSizes() {
		value := strconv.Itoa(n)
		if i == 0 {
			value = ""
		}
		f.Options = append(f.Options, formOption{value, strconv.Itoa(n), n == p.size})
	}
	return f
}

// formOptions returns options with names, after one that selects all.
func formOptions(names []string) []formOption {
	out := []formOption{{Text: "all"}}
	for _, n := range names {
		out = append(out, formOption{Value: n, Text: truncate(n)})
	}
	return out
}

// filterLabel returns the label of a filter parameter.
func filterLabel(name string) string {
	switch name {
	case export.ParamVPC, export.ParamEIP:
		return strings.ToUpper(name)
	}
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "_", " ")
}

// addChips adds a chip for each value of the filter.
func (p *inventoryPage) addChips(v inventoryView) {
	v.pages.page = 1
	all := v.values()
	filter := v.filter.Values()
	for _, name := range sortedKeys(filter) {
		for i, value := range filter[name] {
			without := maps.Clone(all)
			without[name] = slices.Delete(slices.Clone(filter[name]), i, i+1)
			p.Chips = append(p.Chips, chip{filterLabel(name), truncate(value), urlFor(pathInventory, without)})
		}
	}
}
