// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Documented limits of the API.
const (
	maxPage  = 1000
	maxBatch = 100
)

// listDesktops serves a page of the desktops that match the filters.
func (c *Cloud) listDesktops(_ *http.Request, x *request) response {
	offset, limit, invalid := parsePage(x.query, maxPage)
	if invalid != "" {
		return badRequest(invalid)
	}
	pass, invalid := parseFilters(x.query)
	if invalid != "" {
		return badRequest(invalid)
	}
	total, found := c.store.listPage(x, pass, offset, limit)
	_, absent := c.store.modes()
	e := encoder{absent: absent, buf: make([]byte, 0, 64+800*len(found))}
	e.open('{')
	e.rawField("total_count", strconv.Itoa(total))
	e.arrayField("desktops")
	for _, d := range found {
		e.listedDesktop(x.Project, d)
	}
	e.close(']')
	e.close('}')
	return response{status: http.StatusOK, body: e.buf}
}

// listPage returns the number of matching desktops, and those of one page. pass nil
// matches all.
func (s *store) listPage(x *request, pass func(*Desktop) bool, offset, limit int) (total int, found []*Desktop) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.find(x.Project)
	if h == nil {
		return 0, nil // removed after admission
	}
	all := h.entries
	if pass != nil {
		all = nil
		for _, r := range h.entries {
			if pass(r.desktop) {
				all = append(all, r)
			}
		}
	}
	for _, r := range paginate(all, x.effect, offset, limit) {
		found = append(found, r.desktop)
	}
	return len(all) + x.effect.TotalCountDelta, found
}

// paginate returns a page of a list; limit < 0 returns all after offset.
func paginate[T any](all []T, e faultEffect, offset, limit int) []T {
	if e.EmptyPage {
		return nil
	}
	if e.RepeatPage {
		offset = 0
	}
	all = all[min(offset, len(all)):]
	if limit >= 0 {
		all = all[:min(limit, len(all))]
	}
	if e.PageLimit > 0 {
		all = all[:min(e.PageLimit, len(all))]
	}
	return all
}

// parsePage parses offset and limit. most is the default and the maximum of limit;
// 0: unlimited. invalid is the error detail, or "".
func parsePage(q url.Values, most int) (offset, limit int, invalid string) {
	limit = -1
	if most > 0 {
		limit = most
	}
	for _, p := range [...]struct {
		name string
		into *int
		most int
	}{{"offset", &offset, 0}, {"limit", &limit, most}} {
		if !q.Has(p.name) {
			continue
		}
		n, err := strconv.ParseInt(q.Get(p.name), 10, 32)
		if err != nil || n < 0 || p.most > 0 && int(n) > p.most {
			return 0, 0, fmt.Sprintf("%s is out of range", p.name)
		}
		*p.into = int(n)
	}
	return offset, limit, ""
}

// parseFilters returns a function for all filters of ListDesktops; nil matches all.
// invalid is the error detail, or "".
func parseFilters(q url.Values) (pass func(*Desktop) bool, invalid string) {
	var tests []func(*Desktop) bool
	add := func(name string, test func(value string) func(*Desktop) bool) {
		if v := q.Get(name); v != "" {
			tests = append(tests, test(v))
		}
	}
	equal := func(get func(*Desktop) string) func(string) func(*Desktop) bool {
		return func(v string) func(*Desktop) bool {
			return func(d *Desktop) bool { return get(d) == v }
		}
	}
	among := func(get func(*Desktop) string) func(string) func(*Desktop) bool {
		return func(v string) func(*Desktop) bool {
			values := strings.Split(v, ",")
			return func(d *Desktop) bool { return slices.Contains(values, get(d)) }
		}
	}
	add("enterprise_project_id", equal(func(d *Desktop) string { return d.EnterpriseProjectID }))
	add("subnet_id", equal(func(d *Desktop) string { return d.SubnetID }))
	add("status", equal(func(d *Desktop) string { return d.Status }))
	add("desktop_ip", equal(func(d *Desktop) string { return d.IP }))
	add("is_share_desktop", equal(func(d *Desktop) string { return strconv.FormatBool(d.Shared) }))
	add("pool_id", among(func(d *Desktop) string { return d.PoolID }))
	add("desktop_type", among(func(d *Desktop) string { return d.Type }))
	add("computer_name", func(v string) func(*Desktop) bool {
		return func(d *Desktop) bool { return strings.Contains(d.Name, v) }
	})
	if names := q["user_name"]; len(names) > 0 {
		tests = append(tests, func(d *Desktop) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(d.UserName, n) })
		})
	}
	if ids := q["desktop_id"]; len(ids) > maxBatch {
		return nil, fmt.Sprintf("desktop_id takes at most %d ids", maxBatch)
	} else if len(ids) > 0 {
		tests = append(tests, func(d *Desktop) bool { return slices.Contains(ids, d.ID) })
	}
	if tag := q.Get("tag"); tag != "" {
		for pair := range strings.SplitSeq(tag, ",") {
			key, value, ok := strings.Cut(pair, "=")
			if !ok || key == "" {
				return nil, "tag must be key1=value1,key2=value2"
			}
			tests = append(tests, func(d *Desktop) bool { return slices.Contains(d.Tags, Tag{key, value}) })
		}
	}
	if len(tests) == 0 {
		return nil, ""
	}
	return func(d *Desktop) bool {
		for _, test := range tests {
			if !test(d) {
				return false
			}
		}
		return true
	}, ""
}

// showNetworks serves the networks of up to 100 desktops, in reverse order of the
// request: the documentation promises none.
func (c *Cloud) showNetworks(_ *http.Request, x *request) response {
	switch n := len(x.IDs); {
	case n == 0:
		return badRequest("desktop_ids is missing")
	case n > maxBatch:
		return badRequest(fmt.Sprintf("desktop_ids takes at most %d ids", maxBatch))
	}
	unknown, absent := c.store.modes()
	found, missing := c.store.lookup(x.Project, x.IDs)
	switch {
	case missing == "" || unknown == OmitUnknown:
	case unknown == NotFoundUnknown:
		return workspaceError(http.StatusNotFound, "WKS.0202", "Resource not found.", "desktop "+missing, "")
	default:
		return badRequest("desktop " + missing + " does not exist")
	}
	e := encoder{absent: absent, buf: make([]byte, 0, 64+1000*len(found))}
	e.open('{')
	e.arrayField("networks")
	for _, d := range slices.Backward(found) {
		if !slices.Contains(x.effect.OmitIDs, d.ID) {
			e.desktopNetworks(d)
		}
	}
	e.close(']')
	e.close('}')
	return response{status: http.StatusOK, body: e.buf}
}

// lookup returns the desktops with some IDs, without duplicates, and an unknown ID.
func (s *store) lookup(project string, ids []string) (found []*Desktop, missing string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.find(project)
	if h == nil {
		return nil, ids[0]
	}
	for i, id := range ids {
		r, ok := h.index[id]
		switch {
		case !ok || r.desktop.Hidden:
			missing = id
		case !slices.Contains(ids[:i], id):
			found = append(found, r.desktop)
		}
	}
	return found, missing
}

// eipEntry is an EIP of the list; desktop is nil if it is not bound.
type eipEntry struct {
	EIP
	desktop *Desktop
}

// listEIPs serves the EIPs of the project, bound ones first.
func (c *Cloud) listEIPs(_ *http.Request, x *request) response {
	offset, limit, invalid := parsePage(x.query, 0)
	if invalid != "" {
		return badRequest(invalid)
	}
	state := x.query.Get("state")
	if state != "" && state != "bind" && state != "unbind" {
		return badRequest("state must be bind or unbind")
	}
	rows := c.store.listEIPs(x.Project, state, x.query)
	_, absent := c.store.modes()
	found := paginate(rows, x.effect, offset, limit)
	e := encoder{absent: absent, buf: make([]byte, 0, 64+300*len(found))}
	e.open('{')
	e.arrayField("eips")
	for _, row := range found {
		e.eip(row)
	}
	e.close(']')
	e.rawField("total_count", strconv.Itoa(len(rows)+x.effect.TotalCountDelta))
	e.close('}')
	return response{status: http.StatusOK, body: e.buf}
}

func (e *encoder) eip(row eipEntry) {
	d := row.desktop
	if d == nil {
		d = &Desktop{EnterpriseProjectID: "0"}
	}
	e.open('{')
	e.stringField("id", row.ID)
	e.stringField("address", row.Address)
	e.rawField("bandwidth_size", "5")
	e.rawField("eip_charge_mode", `"traffic"`)
	e.rawField("create_time", `"2026-01-05T08:00:00.000Z"`)
	e.stringField("attached_desktop_id", d.ID)
	e.stringField("attached_desktop_name", d.Name)
	e.stringField("enterprise_project_id", d.EnterpriseProjectID)
	e.close('}')
}

// listEIPs returns the EIPs that match the filters.
func (s *store) listEIPs(project, state string, q url.Values) []eipEntry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.find(project)
	if h == nil {
		return nil
	}
	id, name, user := q.Get("desktop_id"), q.Get("desktop_name"), q.Get("user_name")
	address, enterpriseProject := q.Get("address"), q.Get("enterprise_project_id")
	var rows []eipEntry
	add := func(eip EIP, d *Desktop) {
		if address == "" || address == eip.Address {
			rows = append(rows, eipEntry{EIP: eip, desktop: d})
		}
	}
	for _, r := range h.entries {
		d := r.desktop
		if state == "unbind" || id != "" && id != d.ID || enterpriseProject != "" && enterpriseProject != d.EnterpriseProjectID ||
			!strings.Contains(d.Name, name) || !strings.Contains(d.UserName, user) {
			continue
		}
		for i := range d.Interfaces {
			if eip := d.Interfaces[i].EIP; eip != nil {
				add(*eip, d)
			}
		}
	}
	if state != "bind" && id == "" && name == "" && user == "" && (enterpriseProject == "" || enterpriseProject == "0") {
		for _, eip := range h.FreeEIPs {
			add(eip, nil)
		}
	}
	return rows
}
