// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package export answers the questions which desktops match, and how they are
// written: filters, and the inventory as JSON, CSV, text table and Prometheus HTTP
// service discovery. It works on snapshots and calls no API.
//
// The JSON encoder is ours because it streams a document of any size through a
// fixed buffer, and without the intermediate structs that encoding/json needs.
package export

import (
	"fmt"
	"iter"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The parameters of a filter. All but search may have several values.
const (
	ParamProject       = "project" // configured name or ID
	ParamRegion        = "region"
	ParamVPC           = "vpc" // ID or name; the next two likewise
	ParamSubnet        = "subnet"
	ParamSecurityGroup = "security_group"
	ParamStatus        = "status"
	ParamEIP           = "eip"    // an address, or one of the values below
	ParamSearch        = "search" // search terms, separated by spaces
)

// The values of the parameter eip other than addresses.
const (
	EIPNone    = "none"    // the networks are known, and no interface has an EIP
	EIPAny     = "any"     // an interface has an EIP
	EIPUnknown = "unknown" // the networks are not known
)

// The limits of a filter. Each value is compared with each desktop.
const (
	maxValues     = 100
	maxTerms      = 20
	maxValueBytes = 256
)

// Parameters returns the names of the parameters that ParseFilter reads.
func Parameters() []string {
	return []string{ParamProject, ParamRegion, ParamVPC, ParamSubnet, ParamSecurityGroup, ParamStatus, ParamEIP, ParamSearch}
}

// Filter selects desktops. A desktop matches if it matches at least one value of
// every parameter given. The zero value matches all. A Filter is immutable.
type Filter struct {
	values url.Values // canonical

	projects, regions []string
	vpcs, subnets     []string
	groups            []string
	statuses          []string
	eips              []string // addresses
	anyEIP            bool     // eip=any
	noEIP             bool     // eip=none
	unknownEIP        bool     // eip=unknown
	terms             []term
}

// ParseFilter parses the filter parameters of a request and ignores all others.
// Empty values, which forms send for empty fields, are ignored. The error names
// the invalid parameter and its valid values.
func ParseFilter(query url.Values) (Filter, error) {
	f := Filter{values: url.Values{}}
	for _, name := range Parameters() {
		values := ParameterValues(query, name)
		if len(values) == 0 {
			continue
		}
		if len(values) > maxValues {
			return Filter{}, fmt.Errorf("parameter %q has %d values; the maximum is %d", name, len(values), maxValues)
		}
		for _, v := range values {
			if len(v) > maxValueBytes {
				return Filter{}, fmt.Errorf("parameter %q has a value of %d bytes; the maximum is %d", name, len(v), maxValueBytes)
			}
		}
		f.values[name] = values
	}
	f.projects, f.regions = f.values[ParamProject], f.values[ParamRegion]
	f.vpcs, f.subnets, f.groups = f.values[ParamVPC], f.values[ParamSubnet], f.values[ParamSecurityGroup]
	f.statuses = f.values[ParamStatus]
	if err := f.parseEIPs(); err != nil {
		return Filter{}, err
	}
	return f, f.parseSearch()
}

// ParameterValues returns the distinct values of a parameter, sorted and without
// empty ones.
func ParameterValues(query url.Values, name string) []string {
	values := slices.DeleteFunc(slices.Clone(query[name]), func(v string) bool { return strings.TrimSpace(v) == "" })
	slices.Sort(values)
	return slices.Compact(values)
}

func (f *Filter) parseEIPs() error {
	for _, v := range f.values[ParamEIP] {
		switch v {
		case EIPNone:
			f.noEIP = true
		case EIPAny:
			f.anyEIP = true
		case EIPUnknown:
			f.unknownEIP = true
		default:
			address, err := netip.ParseAddr(v)
			if err != nil {
				return fmt.Errorf("parameter %q must be %s, %s, %s or an IP address, not %q", ParamEIP, EIPNone, EIPAny, EIPUnknown, v)
			}
			f.eips = append(f.eips, address.String())
		}
	}
	return nil
}

func (f *Filter) parseSearch() error {
	values := f.values[ParamSearch]
	if len(values) > 1 {
		return fmt.Errorf("parameter %q has %d values; give all search terms in one, separated by spaces", ParamSearch, len(values))
	}
	if len(values) == 0 {
		return nil
	}
	terms := strings.Fields(values[0])
	if len(terms) > maxTerms {
		return fmt.Errorf("parameter %q has %d search terms; the maximum is %d", ParamSearch, len(terms), maxTerms)
	}
	f.values[ParamSearch] = []string{strings.Join(terms, " ")}
	for _, t := range terms {
		f.terms = append(f.terms, newTerm(t))
	}
	return nil
}

// Values returns the filter as parameters, sorted and without empty values. The
// caller may change them.
func (f *Filter) Values() url.Values {
	values := url.Values{}
	for name, v := range f.values {
		values[name] = slices.Clone(v)
	}
	return values
}

// NamesProjects reports whether the filter has a project parameter, so that no
// other project can match.
func (f *Filter) NamesProjects() bool { return len(f.projects) > 0 }

// MatchesProject reports whether desktops of a project can match.
func (f *Filter) MatchesProject(s *inventory.Snapshot) bool {
	return (len(f.projects) == 0 || slices.Contains(f.projects, s.Project.Name) || slices.Contains(f.projects, s.Project.ID)) &&
		(len(f.regions) == 0 || slices.Contains(f.regions, s.Project.Region))
}

// Matches reports whether a desktop of a project matches.
func (f *Filter) Matches(s *inventory.Snapshot, r *inventory.Record) bool {
	return f.MatchesProject(s) && f.matchesDesktop(r)
}

// Select returns the snapshots of the projects that match. It returns an error if
// the filter names a project or region that does not exist.
func (f *Filter) Select(snapshots []*inventory.Snapshot) ([]*inventory.Snapshot, error) {
	for _, want := range f.projects {
		if !slices.ContainsFunc(snapshots, func(s *inventory.Snapshot) bool { return s.Project.Name == want || s.Project.ID == want }) {
			return nil, fmt.Errorf("no project has the name or ID %q", want)
		}
	}
	for _, want := range f.regions {
		if !slices.ContainsFunc(snapshots, func(s *inventory.Snapshot) bool { return s.Project.Region == want }) {
			return nil, fmt.Errorf("no project is in the region %q", want)
		}
	}
	return slices.DeleteFunc(slices.Clone(snapshots), func(s *inventory.Snapshot) bool { return !f.MatchesProject(s) }), nil
}

// Desktops returns an iterator over the desktops that match, each with its
// project's snapshot, in the order of the snapshots.
func (f *Filter) Desktops(snapshots []*inventory.Snapshot) iter.Seq2[*inventory.Snapshot, *inventory.Record] {
	return func(yield func(*inventory.Snapshot, *inventory.Record) bool) {
		for _, s := range snapshots {
			if !f.MatchesProject(s) {
				continue
			}
			for _, r := range s.Records {
				if f.matchesDesktop(r) && !yield(s, r) {
					return
				}
			}
		}
	}
}

// needsNetworks reports whether a match depends on the desktops' networks.
func (f *Filter) needsNetworks() bool {
	return f.filtersNetworkObjects() || f.filtersEIP() || len(f.terms) > 0
}

// filtersNetworkObjects reports whether the filter selects by VPC, subnet or
// security group.
func (f *Filter) filtersNetworkObjects() bool { return len(f.vpcs)+len(f.subnets)+len(f.groups) > 0 }

func (f *Filter) filtersEIP() bool { return f.anyEIP || f.noEIP || f.unknownEIP || len(f.eips) > 0 }

func (f *Filter) matchesDesktop(r *inventory.Record) bool {
	return (len(f.statuses) == 0 || slices.ContainsFunc(f.statuses, func(s string) bool { return strings.EqualFold(s, r.Desktop.Status) })) &&
		f.matchesNetworks(r.Networks) && f.matchesSearch(r)
}

// matchesNetworks reports whether a desktop has an interface that matches all
// network parameters. Unknown networks match eip=unknown only: neither a VPC,
// subnet or group, nor eip=any or eip=none.
func (f *Filter) matchesNetworks(n *inventory.Networks) bool {
	filtersObjects := f.filtersNetworkObjects()
	if !filtersObjects && !f.filtersEIP() {
		return true
	}
	if n == nil {
		return f.unknownEIP && !filtersObjects
	}
	withoutEIP := f.noEIP && !hasEIP(n)
	if withoutEIP && !filtersObjects {
		return true
	}
	for i := range n.Interfaces {
		if f.matchesInterface(&n.Interfaces[i], withoutEIP) {
			return true
		}
	}
	return false
}

// matchesInterface reports whether an interface matches by its network objects and
// its EIP. withoutEIP: its desktop matches eip=none, so its EIP is not compared.
func (f *Filter) matchesInterface(i *inventory.Interface, withoutEIP bool) bool {
	return f.matchesNetworkObjects(i) && (withoutEIP || !f.filtersEIP() ||
		i.EIP != (inventory.EIP{}) && (f.anyEIP || slices.Contains(f.eips, i.EIP.Address)))
}

func (f *Filter) matchesNetworkObjects(i *inventory.Interface) bool {
	return matchesIDOrName(f.vpcs, i.VPC.ID, i.VPC.Name) && matchesIDOrName(f.subnets, i.Subnet.ID, i.Subnet.Name) &&
		(len(f.groups) == 0 || slices.ContainsFunc(i.SecurityGroups, func(g inventory.SecurityGroup) bool { return matchesIDOrName(f.groups, g.ID, g.Name) }))
}

// matchesIDOrName reports whether wanted is empty or contains the ID or the name.
func matchesIDOrName(wanted []string, id, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, id) || slices.Contains(wanted, name)
}

func hasEIP(n *inventory.Networks) bool {
	return slices.ContainsFunc(n.Interfaces, func(i inventory.Interface) bool { return i.EIP != (inventory.EIP{}) })
}
