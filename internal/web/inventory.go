// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// view is what of the inventory somebody wants to see: the whole of it stands
// in the URL.
type view struct {
	filter export.Filter
	order  order
	part   part
}

// readView reads a view. With an error comes as much of it as can be shown.
func readView(query url.Values) (v view, err error) {
	v.filter, err = export.ParseFilter(query)
	v.order.column, v.order.down = strings.CutPrefix(cmp.Or(strings.TrimSpace(query.Get(paramSort)), "name"), "-")
	if !slices.ContainsFunc(columns(), func(c column) bool { return c.name == v.order.column }) {
		err = errors.Join(err, fmt.Errorf("parameter %q takes the name of a column, with a - before it to turn the order, not %q", paramSort, query.Get(paramSort)))
		v.order = order{column: "name"}
	}
	var wrong error
	v.part, wrong = readPart(query)
	return v, errors.Join(err, wrong)
}

// values gives the view as parameters.
func (v view) values() url.Values {
	values := v.filter.Values()
	if v.order != (order{column: "name"}) {
		values.Set(paramSort, v.order.String())
	}
	v.part.values(values)
	return values
}

// String gives the order as the URL has it.
func (o order) String() string {
	if o.down {
		return "-" + o.column
	}
	return o.column
}

func (v view) link() string { return at("/inventory", v.values()) }

// inventoryPage is what the template shows.
type inventoryPage struct {
	Now           time.Time
	Fault         string // of the parameters
	Known         bool   // some project has been read
	Busy, Quiet   []projectStatus
	MoreBusy      []projectStatus // folded away, so that the table is not far below
	Findings      []findingText
	MoreFindings  int
	Search        field
	Fields, Rarer []field
	RarerOpen     bool
	Chips         []chip
	Columns       []heading
	Rows          []row
	Pager         pager
	Fleet         int // desktops that there are
	JSON, CSV     string
}

// chip is a part of the filter, and the link that takes it away.
type chip struct{ Label, Value, Without string }

// heading is a column's head; Sorted is as aria-sort has it.
type heading struct{ Label, Link, Sorted string }

func (s *server) inventory(w http.ResponseWriter, r *http.Request) {
	query, ok := takes(w, r, []string{paramSort, paramPage, paramSize}, export.Parameters())
	if !ok {
		return
	}
	v, err := readView(query)
	snapshots := s.Fleet.Snapshots()
	c := s.catalogs.of(snapshots)
	p := inventoryPage{Now: time.Now(), Fleet: len(c.entries)}
	status := http.StatusOK
	if err != nil {
		status, p.Fault = http.StatusBadRequest, err.Error()
	} else {
		if _, err := v.filter.Select(snapshots); err != nil {
			p.Fault = err.Error()
		}
		shown, total := s.choose(c, snapshots, v)
		if v.part.clamp(total) || blank(query) {
			s.redirect(w, "/inventory", v.values())
			return
		}
		p.Rows = s.rows(shown, snapshots, p.Now)
		p.Pager = newPager(v.part, total, func(page int) string {
			v.part.page = page
			return v.link()
		})
	}
	p.describe(v, c, snapshots)
	s.render(w, r, page{status, "inventory.html", "Inventory", p})
}

// choose gives the desktops that a part of a view shows, and how many all its
// parts do.
func (s *server) choose(c *catalog, snapshots []*inventory.Snapshot, v view) (shown []entry, total int) {
	places := s.places(c, snapshots, v.order)
	if len(v.filter.Values()) == 0 {
		from, to := v.part.bounds(len(places))
		for _, place := range places[from:to] {
			shown = append(shown, c.entries[place])
		}
		return shown, len(places)
	}
	// To match is much quicker in the order in which the desktops were read,
	// which is how they lie in memory.
	matches := make([]bool, len(c.entries))
	for i, e := range c.entries {
		if v.filter.Matches(snapshots[e.project], e.record) {
			matches[i] = true
			total++
		}
	}
	from, to := v.part.bounds(total)
	skip := from
	for _, place := range places {
		if len(shown) == to-from {
			break
		}
		if !matches[place] {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		shown = append(shown, c.entries[place])
	}
	return shown, total
}

// places gives the places of all desktops in an order.
func (s *server) places(c *catalog, snapshots []*inventory.Snapshot, o order) []int32 {
	for _, column := range columns() {
		if column.name == o.column && column.key != nil {
			return c.in(o, column.key)
		}
	}
	// The worst data first: unknown, then held, then by age.
	keys := make([]string, 0, len(c.entries))
	for _, snapshot := range snapshots {
		for i, reading := range s.Fleet.ReadStatuses(snapshot.Project.Name, snapshot.Records) {
			rank := byte(3)
			if snapshot.Records[i].Networks == nil {
				rank = 1
			} else if !reading.FailingSince.IsZero() {
				rank = 2
			}
			keys = append(keys, string(binary.BigEndian.AppendUint64([]byte{rank}, uint64(max(0, reading.ReadAt.UnixNano())))))
		}
	}
	return sorted(keys, o.down)
}

// row is one desktop in the table.
type row struct {
	Name, Link  string
	Project     string // "": there is only one
	Status      string
	StatusClass string
	Cells       []cell
	Data        string
	DataClass   string
}

// cell is what a desktop has of one thing, one line for each interface.
type cell struct {
	Label   string
	Lines   []string
	Unknown bool
	More    int // lines that are left out
}

// What a table shows of a text, and of many lines; the desktop's own page shows
// all.
const (
	mostRunes = 120
	mostLines = 6
)

func (s *server) rows(shown []entry, snapshots []*inventory.Snapshot, now time.Time) []row {
	readings := make([]refresh.ReadStatus, len(shown))
	for i, snapshot := range snapshots {
		var records []*inventory.Record
		var places []int
		for place, e := range shown {
			if e.project == i {
				records, places = append(records, e.record), append(places, place)
			}
		}
		if len(records) > 0 {
			for j, reading := range s.Fleet.ReadStatuses(snapshot.Project.Name, records) {
				readings[places[j]] = reading
			}
		}
	}
	rows := make([]row, len(shown))
	for i, e := range shown {
		r := newRow(snapshots[e.project].Project.Name, e.record)
		r.DataClass, r.Data = dataState(e.record, readings[i], now)
		if len(snapshots) > 1 {
			r.Project = short(snapshots[e.project].Project.Name)
		}
		rows[i] = r
	}
	return rows
}

func newRow(project string, r *inventory.Record) row {
	ips, eips := cell{Label: "Private IP"}, cell{Label: "EIP"}
	vpcs, subnets, groups := cell{Label: "VPC"}, cell{Label: "Subnet"}, cell{Label: "Security groups"}
	all := []*cell{&ips, &eips, &vpcs, &subnets, &groups}
	if r.Networks == nil {
		for _, c := range all {
			c.Unknown = true
		}
		if r.Desktop.IP != "" { // the list knows it
			ips = cell{Label: ips.Label, Lines: []string{short(r.Desktop.IP)}}
		}
	} else {
		for i := range r.Networks.Interfaces {
			nic := &r.Networks.Interfaces[i]
			ips.add(nic.PrivateIP)
			eips.add(cmp.Or(nic.EIP.Address, nic.EIP.ID))
			vpcs.add(cmp.Or(nic.VPC.Name, nic.VPC.ID))
			subnets.add(cmp.Or(nic.Subnet.Name, nic.Subnet.ID))
			for _, g := range nic.SecurityGroups {
				groups.add(cmp.Or(g.Name, g.ID))
			}
		}
	}
	out := row{
		Name: short(cmp.Or(r.Name(), r.Desktop.ID)), Link: desktopLink(project, r.Desktop.ID),
		Status: short(r.Desktop.Status), StatusClass: statusClass(r.Desktop.Status),
	}
	for _, c := range all {
		out.Cells = append(out.Cells, *c)
	}
	return out
}

// add adds a line, unless it is there already.
func (c *cell) add(text string) {
	if text = short(text); text == "" || slices.Contains(c.Lines, text) {
		return
	}
	if len(c.Lines) == mostLines {
		c.More++
		return
	}
	c.Lines = append(c.Lines, text)
}

// short cuts a text that would fill the page.
func short(text string) string {
	if len(text) <= mostRunes {
		return text
	}
	n := 0
	for i := range text {
		if n++; n > mostRunes {
			return text[:i] + "…"
		}
	}
	return text
}

func statusClass(status string) string {
	switch strings.ToUpper(status) {
	case "ACTIVE":
		return "well"
	case "ERROR":
		return "failing"
	}
	return "quiet"
}

func desktopLink(project, id string) string {
	return at("/desktop", url.Values{"project": {project}, "id": {id}})
}

// dataState puts into a few words how good what is known of a desktop's
// networks is.
func dataState(r *inventory.Record, reading refresh.ReadStatus, now time.Time) (class, text string) {
	switch {
	case r.Networks == nil && !reading.RefusedUntil.IsZero():
		return "failing", "refused"
	case r.Networks == nil:
		return "waiting", "unknown"
	case !reading.FailingSince.IsZero():
		return "failing", "held, " + age(reading.ReadAt, now)
	}
	return "quiet", age(reading.ReadAt, now)
}

// age tells how long ago something was, in one unit.
func age(t, now time.Time) string {
	d := max(0, now.Sub(t))
	switch {
	case t.IsZero():
		return "never"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}
