// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	_ "embed" // for Schema
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Schema is the JSON Schema of the document that WriteJSON writes.
//
//go:embed inventory.schema.json
var Schema []byte

// schemaVersion is increased when a member is removed or its meaning changes, but
// not when one is added.
const schemaVersion = 1

// Inventory is the data of one export: the desktops of the snapshots that match
// the filter.
type Inventory struct {
	Snapshots []*inventory.Snapshot
	Filter    *Filter
	Fields    Fields
	Now       time.Time
}

// WriteJSON writes the inventory as one JSON object that conforms to Schema.
func (v *Inventory) WriteJSON(w io.Writer) error {
	e := newEncoder(w)
	e.begin('{')
	e.int("version", schemaVersion)
	e.time("generated_at", v.Now)
	v.writeFilter(e)
	e.array("projects")
	for _, s := range v.Snapshots {
		if v.Filter.MatchesProject(s) {
			e.newline()
			v.writeProject(e, s)
		}
	}
	e.end(']')
	e.array("desktops")
	for s, r := range v.Filter.Desktops(v.Snapshots) {
		e.newline()
		v.writeDesktop(e, s, r)
	}
	e.end(']')
	e.end('}')
	e.buf = append(e.buf, '\n')
	e.flush()
	return e.err
}

func (v *Inventory) writeFilter(e *encoder) {
	e.object("filter")
	values := v.Filter.Values()
	for _, name := range Parameters() {
		if len(values[name]) == 0 {
			continue
		}
		e.array(name)
		for _, value := range values[name] {
			e.stringValue(value)
		}
		e.end(']')
	}
	e.end('}')
}

func (v *Inventory) writeProject(e *encoder, s *inventory.Snapshot) {
	h := &s.Health
	count := func(name string, n int) {
		if h.Listed {
			e.int(name, n)
		} else {
			e.null(name)
		}
	}
	e.begin('{')
	e.string("name", s.Project.Name)
	e.string("region", s.Project.Region)
	e.string("project_id", s.Project.ID)
	if h.Refreshed {
		e.bool("up", h.Up)
	} else {
		e.null("up")
	}
	e.bool("discovered", s.Discovered)
	count("desktops", len(s.Records))
	count("desktops_unresolved", h.Unresolved)
	count("desktops_stale", h.Stale)
	e.time("last_refresh", h.LastRefresh)
	e.time("last_success", h.LastSuccess)
	e.time("oldest_data", h.OldestData)
	if h.OldestData.IsZero() {
		e.null("oldest_data_age_seconds")
	} else {
		e.raw("oldest_data_age_seconds", strconv.FormatFloat(max(0, v.Now.Sub(h.OldestData).Round(time.Millisecond).Seconds()), 'f', -1, 64))
	}
	e.time("quota_spent_until", h.QuotaExceededUntil)
	e.array("failures")
	for _, f := range h.Failures {
		e.begin('{')
		e.string("operation", f.Operation)
		e.string("kind", f.Kind.String())
		if f.Status == 0 {
			e.null("status")
		} else {
			e.int("status", f.Status)
		}
		e.stringOrNull("code", f.Code)
		e.stringOrNull("request_id", f.RequestID)
		e.stringOrNull("detail", f.Detail)
		e.stringOrNull("remedy", f.Hint)
		e.end('}')
	}
	e.end(']')
	e.end('}')
}

func (v *Inventory) writeDesktop(e *encoder, s *inventory.Snapshot, r *inventory.Record) {
	d := &r.Desktop
	e.begin('{')
	e.string("project", s.Project.Name)
	e.string("region", s.Project.Region)
	e.string("project_id", s.Project.ID)
	e.string("desktop_id", d.ID)
	e.string("desktop_name", r.Name())
	e.string("desktop_ip", IP(r))
	e.bool("listed", r.Listed)
	e.string("status", d.Status)
	e.string("task_status", d.TaskStatus)
	e.string("desktop_type", d.Type)
	e.string("pool_id", d.PoolID)
	e.string("availability_zone", d.AvailabilityZone)
	e.string("enterprise_project_id", d.EnterpriseProjectID)
	v.writeOptionalFields(e, r)
	if r.Networks == nil {
		e.null("interfaces")
	} else {
		e.array("interfaces")
		for i := range r.Networks.Interfaces {
			writeInterface(e, &r.Networks.Interfaces[i])
		}
		e.end(']')
	}
	e.end('}')
}

// writeOptionalFields writes the fields that the configuration enables, or null.
func (v *Inventory) writeOptionalFields(e *encoder, r *inventory.Record) {
	if v.Fields.Tags && r.Listed {
		e.array("tags")
		for _, t := range r.Desktop.Tags {
			e.begin('{')
			e.string("key", t.Key)
			e.string("value", t.Value)
			e.end('}')
		}
		e.end(']')
	} else {
		e.null("tags")
	}
	if v.Fields.Users && r.Listed {
		e.array("users")
		for _, u := range r.Desktop.Users {
			e.stringValue(u)
		}
		e.end(']')
	} else {
		e.null("users")
	}
}

func writeInterface(e *encoder, i *inventory.Interface) {
	e.begin('{')
	e.string("port_id", i.PortID)
	e.string("private_ip", i.PrivateIP)
	networkObject := func(key, id, name, cidr string) {
		e.object(key)
		e.string("id", id)
		e.string("name", name)
		e.string("cidr", cidr)
		e.end('}')
	}
	networkObject("vpc", i.VPC.ID, i.VPC.Name, i.VPC.CIDR)
	networkObject("subnet", i.Subnet.ID, i.Subnet.Name, i.Subnet.CIDR)
	if i.EIP == (inventory.EIP{}) {
		e.null("eip")
	} else {
		e.object("eip")
		e.string("id", i.EIP.ID)
		e.string("address", i.EIP.Address)
		e.end('}')
	}
	if i.GroupsUnknown {
		e.null("security_groups")
	} else {
		e.array("security_groups")
		for _, g := range i.SecurityGroups {
			e.begin('{')
			e.string("id", g.ID)
			e.string("name", g.Name)
			e.end('}')
		}
		e.end(']')
	}
	e.end('}')
}

// Apply returns the snapshots with the desktops that match only. A snapshot whose
// desktops all match is returned as it is.
func (f *Filter) Apply(snapshots []*inventory.Snapshot) []*inventory.Snapshot {
	var all []*inventory.Snapshot
	for _, s := range snapshots {
		if !f.MatchesProject(s) {
			continue
		}
		records := slices.DeleteFunc(slices.Clone(s.Records), func(r *inventory.Record) bool { return !f.matchesDesktop(r) })
		if len(records) == len(s.Records) {
			all = append(all, s)
			continue
		}
		filtered := *s
		filtered.Records = records
		filtered.VPCs, filtered.Subnets, filtered.SecurityGroups = inventory.Resources(records)
		filtered.CheckedReasons, filtered.Findings = nil, nil // they refer to desktops that may not match
		filtered.Health.Unresolved = 0
		for _, r := range records {
			if r.Networks == nil {
				filtered.Health.Unresolved++
			}
		}
		filtered.Health.Unread = min(s.Health.Unread, filtered.Health.Unresolved)
		filtered.Health.Stale = min(s.Health.Stale, len(records)-filtered.Health.Unresolved)
		all = append(all, &filtered)
	}
	return all
}
