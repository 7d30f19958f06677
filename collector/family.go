// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Options select the families, and provide what snapshots do not contain.
type Options struct {
	Disable []string // names of families to leave out, without prefix
	Tags    []string // keys of desktop_tags_info; none: no such family
	Users   bool     // enables desktop_user_info

	Policies int            // number of policies
	Expect   EIPExpectation // of desktop_eip_expected; nil: no such family

	// Changes returns the number of changes of each kind in a project; nil: not
	// known yet. If Changes itself is nil, desktop_changes_total has no samples.
	Changes func(inventory.Project) map[inventory.ChangeKind]uint64
}

// EIPExpectation reports whether a desktop must have an EIP, or must not, and by
// which policy; ok is false where no policy decides. The result must depend on
// the arguments alone: it is cached as long as the record exists.
type EIPExpectation func(inventory.Project, *inventory.Record) (policy string, expected, ok bool)

// Family is a metric family of a project, with its emit function.
type Family struct {
	Metric
	desc *prometheus.Desc

	// One of these is set.
	desktop func(*Emitter, *inventory.Record)
	shared  func(*Emitter, *inventory.Snapshot)
	project func(*Emitter, *Scope)
}

// Kind is what the samples of a family depend on.
type Kind int

// The kinds of families.
const (
	DesktopKind Kind = iota // one desktop
	SharedKind              // what desktops share: VPCs, subnets, security groups, findings
	ProjectKind             // the state of a project, which changes with every refresh
)

// Kind returns what the samples of the family depend on.
func (f *Family) Kind() Kind {
	switch {
	case f.desktop != nil:
		return DesktopKind
	case f.shared != nil:
		return SharedKind
	default:
		return ProjectKind
	}
}

// Emit passes the samples of the family to e. Records are the desktops of the
// scope, or some of them, for a family of DesktopKind; other families do not
// use them.
func (f *Family) Emit(e *Emitter, records []*inventory.Record) {
	switch f.Kind() {
	case DesktopKind:
		for _, r := range records {
			f.desktop(e, r)
		}
	case SharedKind:
		f.shared(e, e.scope.Snapshot)
	case ProjectKind:
		f.project(e, e.scope)
	}
}

// Families returns the families that the options select, sorted by name.
func Families(o Options) []Family {
	families := slices.DeleteFunc(projectFamilies(o), func(f Family) bool {
		return slices.Contains(o.Disable, strings.TrimPrefix(f.Name, prefix)) ||
			f.OptIn == optTags && len(o.Tags) == 0 ||
			f.OptIn == optUsers && !o.Users ||
			f.OptIn == optPolicies && o.Expect == nil
	})
	slices.SortFunc(families, func(a, b Family) int { return strings.Compare(a.Name, b.Name) })
	for i := range families {
		f := &families[i]
		f.desc = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	}
	return families
}
