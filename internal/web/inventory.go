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

// inventoryView is the part of the inventory that a request selects: filter, sort
// order and page, all of which are parameters of the URL.
type inventoryView struct {
	filter export.Filter
	sort   sortOrder
	pages  pageRange
}

// parseInventoryView parses the parameters of a view. With an error, it returns the
// parameters that are valid.
func parseInventoryView(query url.Values) (v inventoryView, err error) {
	v.filter, err = export.ParseFilter(query)
	v.sort.column, v.sort.descending = strings.CutPrefix(cmp.Or(strings.TrimSpace(query.Get(paramSort)), "name"), "-")
	if !slices.ContainsFunc(sortColumns(), func(c column) bool { return c.name == v.sort.column }) {
		err = errors.Join(err, fmt.Errorf("parameter %q must be the name of a column, with a leading - for descending order, not %q", paramSort, query.Get(paramSort)))
		v.sort = sortOrder{column: "name"}
	}
	var pageErr error
	v.pages, pageErr = parsePageRange(query)
	return v, errors.Join(err, pageErr)
}

// values returns the view as parameters, without those that have their defaults.
func (v inventoryView) values() url.Values {
	values := v.filter.Values()
	if v.sort != (sortOrder{column: "name"}) {
		values.Set(paramSort, v.sort.String())
	}
	v.pages.addTo(values)
	return values
}

func (v inventoryView) url() string { return urlFor(pathInventory, v.values()) }

// inventoryPage is the data of pages/inventory.html.
type inventoryPage struct {
	Now                time.Time
	Error              string // in the parameters
	AnyListed          bool   // the desktops of some project are known
	Unhealthy, Healthy []projectStatus
	MoreUnhealthy      []projectStatus // collapsed, to keep the table near the top
	Findings           []findingSentence
	MoreFindings       int
	Search             formField
	Fields, MoreFields []formField
	MoreFieldsOpen     bool
	Chips              []chip
	Columns            []columnHeader
	Rows               []desktopRow
	Pager              pager
	Total              int // desktops in all projects
	JSON, CSV          string
}

// chip is a value of the filter, and the URL that removes it.
type chip struct{ Label, Value, Without string }

// columnHeader is the header of a column. Sorted is the value of aria-sort.
type columnHeader struct{ Label, Link, Sorted string }

func (s *server) serveInventory(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	v, err := parseInventoryView(query)
	snapshots := s.Fleet.Snapshots()
	index := s.sortIndexes.get(snapshots)
	p := inventoryPage{Now: time.Now(), Total: len(index.entries)}
	status := http.StatusOK
	if err != nil {
		status, p.Error = http.StatusBadRequest, err.Error()
	} else {
		if _, err := v.filter.Select(snapshots); err != nil {
			p.Error = err.Error()
		}
		shown, total := s.selectPage(index, snapshots, v)
		if v.pages.clamp(total) || hasEmptyValue(query) {
			s.redirect(w, pathInventory, v.values())
			return
		}
		p.Rows = s.desktopRows(shown, snapshots, p.Now)
		p.Pager = newPager(v.pages, total, func(page int) string {
			v.pages.page = page
			return v.url()
		})
	}
	p.fill(v, &index.options, snapshots)
	s.render(w, r, page{status, "inventory.html", "Inventory", p})
}

// selectPage returns the desktops on the page of a view, and the number of desktops on
// all its pages.
func (s *server) selectPage(index *sortIndex, snapshots []*inventory.Snapshot, v inventoryView) (shown []entry, total int) {
	positions := s.sortedPositions(index, snapshots, v.sort)
	if len(v.filter.Values()) == 0 {
		from, to := v.pages.bounds(len(positions))
		for _, i := range positions[from:to] {
			shown = append(shown, index.entries[i])
		}
		return shown, len(positions)
	}
	// Matching is much faster in the order of the snapshots, which is the order in
	// memory.
	matches := make([]bool, len(index.entries))
	for i, e := range index.entries {
		if v.filter.Matches(snapshots[e.project], e.record) {
			matches[i] = true
			total++
		}
	}
	from, to := v.pages.bounds(total)
	skip := from
	for _, i := range positions {
		if len(shown) == to-from {
			break
		}
		if !matches[i] {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		shown = append(shown, index.entries[i])
	}
	return shown, total
}

// sortedPositions returns the positions of all desktops in an order.
func (s *server) sortedPositions(index *sortIndex, snapshots []*inventory.Snapshot, o sortOrder) []int32 {
	for _, column := range sortColumns() {
		if column.name == o.column && column.key != nil {
			return index.positions(o, column.key)
		}
	}
	// Sort by data age: unknown first, then stale, then by age.
	keys := make([]string, 0, len(index.entries))
	for _, snapshot := range snapshots {
		for i, status := range s.Fleet.ReadStatuses(snapshot.Project.Name, snapshot.Records) {
			rank := byte(3)
			if snapshot.Records[i].Networks == nil {
				rank = 1
			} else if !status.FailingSince.IsZero() {
				rank = 2
			}
			keys = append(keys, string(binary.BigEndian.AppendUint64([]byte{rank}, uint64(max(0, status.ReadAt.UnixNano())))))
		}
	}
	return sortPositions(keys, o.descending)
}

// desktopRow is a desktop in the table.
type desktopRow struct {
	Name, Link  string
	Project     string // "": there is only one project
	Status      string
	StatusClass string
	Cells       []cell
	DataAge     string
	DataClass   string
}

// cell is a cell of the table, with a line for each distinct value.
type cell struct {
	Label   string
	Lines   []string
	Unknown bool
	More    int // number of lines omitted
}

// The limits of a cell of the table. The desktop's own page has no limits.
const (
	maxRunes = 120
	maxLines = 6
)

func (s *server) desktopRows(shown []entry, snapshots []*inventory.Snapshot, now time.Time) []desktopRow {
	statuses := make([]refresh.ReadStatus, len(shown))
	for i, snapshot := range snapshots {
		var records []*inventory.Record
		var positions []int
		for j, e := range shown {
			if e.project == i {
				records, positions = append(records, e.record), append(positions, j)
			}
		}
		if len(records) > 0 {
			for j, status := range s.Fleet.ReadStatuses(snapshot.Project.Name, records) {
				statuses[positions[j]] = status
			}
		}
	}
	rows := make([]desktopRow, len(shown))
	for i, e := range shown {
		r := newDesktopRow(snapshots[e.project].Project.Name, e.record)
		r.DataClass, r.DataAge = dataAge(e.record, statuses[i], now)
		if len(snapshots) > 1 {
			r.Project = truncate(snapshots[e.project].Project.Name)
		}
		rows[i] = r
	}
	return rows
}

func newDesktopRow(project string, r *inventory.Record) desktopRow {
	ips, eips := cell{Label: "Private IP"}, cell{Label: "EIP"}
	vpcs, subnets, groups := cell{Label: "VPC"}, cell{Label: "Subnet"}, cell{Label: "Security groups"}
	all := []*cell{&ips, &eips, &vpcs, &subnets, &groups}
	if r.Networks == nil {
		for _, c := range all {
			c.Unknown = true
		}
		if r.Desktop.IP != "" { // known from the list of desktops
			ips = cell{Label: ips.Label, Lines: []string{truncate(r.Desktop.IP)}}
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
		groups.Unknown = !r.Networks.GroupsKnown()
	}
	out := desktopRow{
		Name: truncate(cmp.Or(r.Name(), r.Desktop.ID)), Link: desktopURL(project, r.Desktop.ID),
		Status: truncate(r.Desktop.Status), StatusClass: statusClass(r.Desktop.Status),
	}
	for _, c := range all {
		out.Cells = append(out.Cells, *c)
	}
	return out
}

// add adds a line, unless the cell has it already.
func (c *cell) add(text string) {
	if text = truncate(text); text == "" || slices.Contains(c.Lines, text) {
		return
	}
	if len(c.Lines) == maxLines {
		c.More++
		return
	}
	c.Lines = append(c.Lines, text)
}

// truncate shortens a text to maxRunes characters.
func truncate(text string) string {
	if len(text) <= maxRunes {
		return text
	}
	n := 0
	for i := range text {
		if n++; n > maxRunes {
			return text[:i] + "…"
		}
	}
	return text
}

// statusClass returns the CSS class of a desktop's status.
func statusClass(status string) string {
	switch strings.ToUpper(status) {
	case "ACTIVE":
		return classOK
	case "ERROR":
		return classFailing
	}
	return classMuted
}

// filterURL returns the URL of the inventory page with one filter.
func filterURL(name, value string) string {
	return urlFor(pathInventory, url.Values{name: {value}})
}

func desktopURL(project, id string) string {
	return urlFor(pathDesktop, url.Values{"project": {project}, "id": {id}})
}

// dataAge returns the age or state of a desktop's networks in a few words, and its
// CSS class.
func dataAge(r *inventory.Record, status refresh.ReadStatus, now time.Time) (class, text string) {
	switch {
	case r.Networks == nil && !status.RefusedUntil.IsZero():
		return classFailing, "refused"
	case r.Networks == nil:
		return classWaiting, "unknown"
	case !status.FailingSince.IsZero():
		return classFailing, "stale, " + formatAge(status.ReadAt, now)
	}
	return classMuted, formatAge(status.ReadAt, now)
}

// formatAge returns the time since t in one unit.
func formatAge(t, now time.Time) string {
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
