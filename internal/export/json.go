// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	_ "embed" // the schema
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Schema is the JSON Schema of what WriteJSON writes.
//
//go:embed inventory.schema.json
var Schema []byte

// schemaVersion changes when something that was there changes its meaning or
// goes; what is merely added leaves it.
const schemaVersion = 1

// Inventory is what is exported of a fleet.
type Inventory struct {
	Snapshots []*inventory.Snapshot
	Filter    *Filter
	Show      Show
	Now       time.Time
}

// WriteJSON writes the inventory as one JSON object, as the schema has it.
func (v *Inventory) WriteJSON(w io.Writer) error {
	e := newEncoder(w)
	e.open('{')
	e.int("version", schemaVersion)
	e.time("generated_at", v.Now)
	v.filter(e)
	e.array("projects")
	for _, s := range v.Snapshots {
		if v.Filter.Wants(s) {
			e.line()
			v.project(e, s)
		}
	}
	e.end(']')
	e.array("desktops")
	for s, r := range v.Filter.Desktops(v.Snapshots) {
		e.line()
		v.desktop(e, s, r)
	}
	e.end(']')
	e.end('}')
	e.buf = append(e.buf, '\n')
	e.flush()
	return e.err
}

func (v *Inventory) filter(e *encoder) {
	e.object("filter")
	values := v.Filter.Values()
	for _, name := range Parameters() {
		if len(values[name]) == 0 {
			continue
		}
		e.array(name)
		for _, value := range values[name] {
			e.value(value)
		}
		e.end(']')
	}
	e.end('}')
}

func (v *Inventory) project(e *encoder, s *inventory.Snapshot) {
	h := &s.Health
	count := func(name string, n int) {
		if h.Listed {
			e.int(name, n)
		} else {
			e.null(name)
		}
	}
	e.open('{')
	e.text("name", s.Project.Name)
	e.text("region", s.Project.Region)
	e.text("project_id", s.Project.ID)
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
		e.open('{')
		e.text("operation", f.Operation)
		e.text("kind", f.Kind.String())
		if f.Status == 0 {
			e.null("status")
		} else {
			e.int("status", f.Status)
		}
		e.optional("code", f.Code)
		e.optional("request_id", f.RequestID)
		e.optional("detail", f.Detail)
		e.optional("remedy", f.Hint)
		e.end('}')
	}
	e.end(']')
	e.end('}')
}

func (v *Inventory) desktop(e *encoder, s *inventory.Snapshot, r *inventory.Record) {
	d := &r.Desktop
	e.open('{')
	e.text("project", s.Project.Name)
	e.text("region", s.Project.Region)
	e.text("project_id", s.Project.ID)
	e.text("desktop_id", d.ID)
	e.text("desktop_name", r.Name())
	e.text("desktop_ip", IP(r))
	e.bool("listed", r.Listed)
	e.text("status", d.Status)
	e.text("task_status", d.TaskStatus)
	e.text("desktop_type", d.Type)
	e.text("pool_id", d.PoolID)
	e.text("availability_zone", d.AvailabilityZone)
	e.text("enterprise_project_id", d.EnterpriseProjectID)
	v.asked(e, r)
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

// asked writes what is there only if it is asked for.
func (v *Inventory) asked(e *encoder, r *inventory.Record) {
	if v.Show.Tags && r.Listed {
		e.array("tags")
		for _, t := range r.Desktop.Tags {
			e.open('{')
			e.text("key", t.Key)
			e.text("value", t.Value)
			e.end('}')
		}
		e.end(']')
	} else {
		e.null("tags")
	}
	if v.Show.Users && r.Listed {
		e.array("users")
		for _, u := range r.Desktop.Users {
			e.value(u)
		}
		e.end(']')
	} else {
		e.null("users")
	}
}

func writeInterface(e *encoder, i *inventory.Interface) {
	e.open('{')
	e.text("port_id", i.PortID)
	e.text("private_ip", i.PrivateIP)
	place := func(name, id, called, cidr string) {
		e.object(name)
		e.text("id", id)
		e.text("name", called)
		e.text("cidr", cidr)
		e.end('}')
	}
	place("vpc", i.VPC.ID, i.VPC.Name, i.VPC.CIDR)
	place("subnet", i.Subnet.ID, i.Subnet.Name, i.Subnet.CIDR)
	if i.EIP == (inventory.EIP{}) {
		e.null("eip")
	} else {
		e.object("eip")
		e.text("id", i.EIP.ID)
		e.text("address", i.EIP.Address)
		e.end('}')
	}
	e.array("security_groups")
	for _, g := range i.SecurityGroups {
		e.open('{')
		e.text("id", g.ID)
		e.text("name", g.Name)
		e.end('}')
	}
	e.end(']')
	e.end('}')
}

// Reduce gives snapshots that hold nothing but what a filter chooses; where it
// chooses all, they are the same ones.
func (f *Filter) Reduce(snapshots []*inventory.Snapshot) []*inventory.Snapshot {
	var all []*inventory.Snapshot
	for _, s := range snapshots {
		if !f.Wants(s) {
			continue
		}
		records := slices.DeleteFunc(slices.Clone(s.Records), func(r *inventory.Record) bool { return !f.matches(r) })
		if len(records) == len(s.Records) {
			all = append(all, s)
			continue
		}
		reduced := *s
		reduced.Records = records
		reduced.VPCs, reduced.Subnets, reduced.SecurityGroups = inventory.Resources(records)
		reduced.CheckedReasons, reduced.Findings = nil, nil // they are about desktops that may not be there
		reduced.Health.Unresolved = 0
		for _, r := range records {
			if r.Networks == nil {
				reduced.Health.Unresolved++
			}
		}
		reduced.Health.Unread = min(s.Health.Unread, reduced.Health.Unresolved)
		reduced.Health.Stale = min(s.Health.Stale, len(records)-reduced.Health.Unresolved)
		all = append(all, &reduced)
	}
	return all
}
