// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package export tells the inventory to other tools: which desktops are meant,
// and how JSON, CSV, tables for people and Prometheus' service discovery say
// them. It writes from snapshots and asks nobody.
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

// The parameters of a filter. All but the last may be given several times.
const (
	paramProject = "project" // name in the configuration, or ID
	paramRegion  = "region"
	paramVPC     = "vpc" // ID or name, as the next two
	paramSubnet  = "subnet"
	paramGroup   = "security_group"
	paramStatus  = "status"
	paramEIP     = "eip"    // an address, or one of those below
	paramSearch  = "search" // words
)

// The values of eip that are no address.
const (
	eipNone    = "none"    // the networks are known, and no interface has an EIP
	eipAny     = "any"     // an interface has one
	eipUnknown = "unknown" // the networks are not known
)

// What a filter may hold at most: each value is compared with each desktop.
const (
	mostValues = 100
	mostWords  = 20
	mostBytes  = 256
)

// Parameters lists the names of the parameters that ParseFilter reads.
func Parameters() []string {
	return []string{paramProject, paramRegion, paramVPC, paramSubnet, paramGroup, paramStatus, paramEIP, paramSearch}
}

// Filter chooses desktops. All parameters that are given must hold; of several
// values of one, any. The zero value chooses all. It is immutable.
type Filter struct {
	values url.Values // as given, canonical

	projects, regions []string
	vpcs, subnets     []string
	groups            []string
	statuses          []string
	eips              []string // addresses
	bound             bool     // any EIP will do
	unbound           bool     // none will
	unread            bool     // unknown networks will
	words             []word
}

// ParseFilter reads a filter from the parameters of a request; other
// parameters are not its business. An empty value, as a form sends for a field
// that nobody filled in, says nothing.
func ParseFilter(query url.Values) (Filter, error) {
	f := Filter{values: url.Values{}}
	for _, name := range Parameters() {
		values := slices.DeleteFunc(slices.Clone(query[name]), func(v string) bool { return strings.TrimSpace(v) == "" })
		if len(values) == 0 {
			continue
		}
		slices.Sort(values)
		values = slices.Compact(values)
		if len(values) > mostValues {
			return Filter{}, fmt.Errorf("parameter %q has %d values, and more than %d are not taken", name, len(values), mostValues)
		}
		for _, v := range values {
			if len(v) > mostBytes {
				return Filter{}, fmt.Errorf("parameter %q has a value of %d bytes, and more than %d are not taken", name, len(v), mostBytes)
			}
		}
		f.values[name] = values
	}
	f.projects, f.regions = f.values[paramProject], f.values[paramRegion]
	f.vpcs, f.subnets, f.groups = f.values[paramVPC], f.values[paramSubnet], f.values[paramGroup]
	f.statuses = f.values[paramStatus]
	if err := f.parseEIPs(); err != nil {
		return Filter{}, err
	}
	return f, f.parseSearch()
}

func (f *Filter) parseEIPs() error {
	for _, v := range f.values[paramEIP] {
		switch v {
		case eipNone:
			f.unbound = true
		case eipAny:
			f.bound = true
		case eipUnknown:
			f.unread = true
		default:
			address, err := netip.ParseAddr(v)
			if err != nil {
				return fmt.Errorf("parameter %q takes %s, %s, %s or an IP address, not %q", paramEIP, eipNone, eipAny, eipUnknown, v)
			}
			f.eips = append(f.eips, address.String())
		}
	}
	return nil
}

func (f *Filter) parseSearch() error {
	values := f.values[paramSearch]
	if len(values) > 1 {
		return fmt.Errorf("parameter %q has %d values, and takes one: words that must all be found", paramSearch, len(values))
	}
	if len(values) == 0 {
		return nil
	}
	words := strings.Fields(values[0])
	if len(words) > mostWords {
		return fmt.Errorf("parameter %q has %d words, and more than %d are not taken", paramSearch, len(words), mostWords)
	}
	f.values[paramSearch] = []string{strings.Join(words, " ")}
	for _, w := range words {
		f.words = append(f.words, newWord(w))
	}
	return nil
}

// Values gives the filter as parameters again, sorted and without what says
// nothing. The caller may change them.
func (f *Filter) Values() url.Values {
	values := url.Values{}
	for name, v := range f.values {
		values[name] = slices.Clone(v)
	}
	return values
}

// NamesProjects tells whether the projects are given by name or ID, so that no
// other can be chosen.
func (f *Filter) NamesProjects() bool { return len(f.projects) > 0 }

// Wants tells whether desktops of a project are chosen at all.
func (f *Filter) Wants(s *inventory.Snapshot) bool {
	return (len(f.projects) == 0 || slices.Contains(f.projects, s.Project.Name) || slices.Contains(f.projects, s.Project.ID)) &&
		(len(f.regions) == 0 || slices.Contains(f.regions, s.Project.Region))
}

// Match tells whether a desktop of a project is chosen.
func (f *Filter) Match(s *inventory.Snapshot, r *inventory.Record) bool {
	return f.Wants(s) && f.matches(r)
}

// Choose gives the snapshots of the projects that are chosen. The error names a
// project or region that is none.
func (f *Filter) Choose(snapshots []*inventory.Snapshot) ([]*inventory.Snapshot, error) {
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
	return slices.DeleteFunc(slices.Clone(snapshots), func(s *inventory.Snapshot) bool { return !f.Wants(s) }), nil
}

// Desktops yields the desktops that are chosen, each with its project's
// snapshot, in the order of the snapshots.
func (f *Filter) Desktops(snapshots []*inventory.Snapshot) iter.Seq2[*inventory.Snapshot, *inventory.Record] {
	return func(yield func(*inventory.Snapshot, *inventory.Record) bool) {
		for _, s := range snapshots {
			if !f.Wants(s) {
				continue
			}
			for _, r := range s.Records {
				if f.matches(r) && !yield(s, r) {
					return
				}
			}
		}
	}
}

// asksNetworks tells whether the answer depends on what the networks call says.
func (f *Filter) asksNetworks() bool {
	return f.asksPlace() || f.asksEIP() || len(f.words) > 0
}

func (f *Filter) asksPlace() bool { return len(f.vpcs)+len(f.subnets)+len(f.groups) > 0 }

func (f *Filter) asksEIP() bool { return f.bound || f.unbound || f.unread || len(f.eips) > 0 }

func (f *Filter) matches(r *inventory.Record) bool {
	return (len(f.statuses) == 0 || slices.ContainsFunc(f.statuses, func(s string) bool { return strings.EqualFold(s, r.Desktop.Status) })) &&
		f.matchesNetworks(r.Networks) && f.found(r)
}

// matchesNetworks tells whether a desktop has an interface that is all that is
// asked for. Unknown networks are in no VPC, and neither with an EIP nor without.
func (f *Filter) matchesNetworks(n *inventory.Networks) bool {
	place := f.asksPlace()
	if !place && !f.asksEIP() {
		return true
	}
	if n == nil {
		return f.unread && !place
	}
	free := f.unbound && !hasEIP(n)
	if free && !place {
		return true
	}
	for i := range n.Interfaces {
		if f.matchesInterface(&n.Interfaces[i], free) {
			return true
		}
	}
	return false
}

// matchesInterface tells whether an interface is in the right place and has the
// right EIP. free: it needs none, for its desktop is right in having none.
func (f *Filter) matchesInterface(i *inventory.Interface, free bool) bool {
	return f.inPlace(i) && (free || !f.asksEIP() ||
		i.EIP != (inventory.EIP{}) && (f.bound || slices.Contains(f.eips, i.EIP.Address)))
}

func (f *Filter) inPlace(i *inventory.Interface) bool {
	return named(f.vpcs, i.VPC.ID, i.VPC.Name) && named(f.subnets, i.Subnet.ID, i.Subnet.Name) &&
		(len(f.groups) == 0 || slices.ContainsFunc(i.SecurityGroups, func(g inventory.SecurityGroup) bool { return named(f.groups, g.ID, g.Name) }))
}

// named tells whether an object is one of those wanted. None wanted: all are.
func named(wanted []string, id, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, id) || slices.Contains(wanted, name)
}

func hasEIP(n *inventory.Networks) bool {
	return slices.ContainsFunc(n.Interfaces, func(i inventory.Interface) bool { return i.EIP != (inventory.EIP{}) })
}
