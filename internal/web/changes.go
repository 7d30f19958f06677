// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// changesVersion is increased when the JSON document changes incompatibly.
const changesVersion = 1

// changesView is the part of the changes that a request selects.
type changesView struct {
	projects []string // names or IDs; empty: all
	kinds    []string
	desktop  string // ID or name; "": all
	since    string // as in the request
	from     time.Time
	pages    pageRange
}

// changesParams returns the parameters of a changesView.
func changesParams() params {
	return single("desktop", "since", paramPage, paramSize).withRepeatable("project", "kind")
}

// parseChangesView parses the parameters of a view. With an error, it returns the
// parameters that are valid.
func parseChangesView(query url.Values, now time.Time) (changesView, error) {
	v := changesView{
		projects: export.ParameterValues(query, "project"), kinds: export.ParameterValues(query, "kind"),
		desktop: strings.TrimSpace(query.Get("desktop")), since: strings.TrimSpace(query.Get("since")),
	}
	var err error
	for _, k := range v.kinds {
		if !slices.Contains(inventory.ChangeKinds(), inventory.ChangeKind(k)) {
			err = fmt.Errorf("parameter %q must be one of %s, not %q", "kind", strings.Trim(fmt.Sprint(inventory.ChangeKinds()), "[]"), k)
		}
	}
	if v.since != "" {
		if age, parseErr := model.ParseDuration(v.since); parseErr == nil {
			v.from = now.Add(-time.Duration(age))
		} else if v.from, parseErr = time.Parse(time.RFC3339, v.since); parseErr != nil {
			err = errors.Join(err, fmt.Errorf("parameter %q must be a duration such as 6h or a time such as 2026-01-31T08:00:00Z, not %q", "since", v.since))
		}
	}
	var pageErr error
	v.pages, pageErr = parsePageRange(query)
	return v, errors.Join(err, pageErr)
}

// values returns the view as parameters, without those that have their defaults.
func (v changesView) values() url.Values {
	values := url.Values{}
	if len(v.projects) > 0 {
		values["project"] = slices.Clone(v.projects)
	}
	if len(v.kinds) > 0 {
		values["kind"] = slices.Clone(v.kinds)
	}
	if v.desktop != "" {
		values.Set("desktop", v.desktop)
	}
	if v.since != "" {
		values.Set("since", v.since)
	}
	v.pages.addTo(values)
	return values
}

// matches reports whether a change is in the view, on any of its pages.
func (v changesView) matches(c inventory.Change) bool {
	return (len(v.projects) == 0 || slices.Contains(v.projects, c.Project.Name) || slices.Contains(v.projects, c.Project.ID)) &&
		(len(v.kinds) == 0 || slices.Contains(v.kinds, string(c.Kind))) &&
		(v.desktop == "" || v.desktop == c.DesktopID || v.desktop == c.DesktopName) &&
		!c.Time.Before(v.from)
}

// filter returns the changes in the view, on all its pages.
func (v changesView) filter(all []inventory.Change) []inventory.Change {
	var matching []inventory.Change
	for _, c := range all {
		if v.matches(c) {
			matching = append(matching, c)
		}
	}
	return matching
}

// desktopChanges returns the changes of one desktop, newest first.
func (s *server) desktopChanges(project, id string) []inventory.Change {
	return slices.DeleteFunc(slices.Clone(s.Changes()), func(c inventory.Change) bool {
		return c.Project.Name != project || c.DesktopID != id
	})
}

// changeRow is a change in a table.
type changeRow struct {
	Time          time.Time
	Project       string
	Name, Link    string
	Kind          string
	Before, After string
}

func newChangeRow(c inventory.Change) changeRow {
	return changeRow{
		Time: c.Time.UTC(), Project: truncate(c.Project.Name),
		Name: truncate(cmp.Or(c.DesktopName, c.DesktopID)), Link: desktopURL(c.Project.Name, c.DesktopID),
		Kind: changeKindLabel(string(c.Kind)), Before: c.Before, After: c.After,
	}
}

// changeKindLabel returns the name of a kind of change for pages.
func changeKindLabel(kind string) string {
	return strings.ReplaceAll(strings.ReplaceAll(kind, "eip", "EIP"), "_", " ")
}

// changesPage is the data of pages/changes.html.
type changesPage struct {
	Now         time.Time
	Error       string
	HasChanges  bool // changes are recorded
	ShowProject bool // there are several projects
	Fields      []formField
	Changes     []changeRow
	Pager       pager
	JSON        string
}

func (s *server) serveChanges(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p := changesPage{Now: time.Now().UTC()}
	v, err := parseChangesView(query, p.Now)
	all := s.Changes()
	status := http.StatusOK
	if err != nil {
		status, p.Error = http.StatusBadRequest, err.Error()
	} else {
		matching := v.filter(all)
		if v.pages.clamp(len(matching)) || hasEmptyValue(query) {
			s.redirect(w, pathChanges, v.values())
			return
		}
		from, to := v.pages.bounds(len(matching))
		for _, c := range matching[from:to] {
			p.Changes = append(p.Changes, newChangeRow(c))
		}
		p.Pager = newPager(v.pages, len(matching), func(page int) string {
			v.pages.page = page
			return urlFor(pathChanges, v.values())
		})
	}
	projects := map[string]bool{}
	for _, name := range s.Fleet.Names() {
		projects[name] = true
	}
	for _, c := range all {
		projects[c.Project.Name] = true
	}
	p.HasChanges, p.ShowProject = len(all) > 0, len(projects) > 1
	p.Fields = v.formFields(sortedKeys(projects))
	v.pages = pageRange{1, pageSizes()[0]}
	p.JSON = urlFor(pathChangesJSON, v.values())
	s.render(w, r, page{status, "changes.html", "Changes", p})
}

// formFields returns the fields of the filter form.
func (v changesView) formFields(projects []string) []formField {
	kinds := []formOption{{Text: "all"}}
	for _, k := range inventory.ChangeKinds() {
		kinds = append(kinds, formOption{Value: string(k), Text: changeKindLabel(string(k))})
	}
	list := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	desktop := textField("desktop", "Desktop", list(v.desktop), nil)
	desktop.Hint = "name or ID"
	since := selectField("since", "Time", list(v.since), formOption{"", "all time", false}, formOption{"1h", "last hour", false},
		formOption{"6h", "last 6 hours", false}, formOption{"1d", "last day", false}, formOption{"7d", "last 7 days", false})
	fields := []formField{desktop, selectField("kind", "Kind", v.kinds, kinds...), since}
	if len(projects) > 1 || len(v.projects) > 0 {
		fields = append(fields, selectField("project", "Project", v.projects, formOptions(projects)...))
	}
	return append(fields, sizeField(v.pages))
}

// changesDocument is the response of /changes.json.
type changesDocument struct {
	Version int            `json:"version"`
	Total   int            `json:"total"` // on all pages
	Page    int            `json:"page"`
	Pages   int            `json:"pages"`
	Changes []changeRecord `json:"changes"` // newest first
}

type changeRecord struct {
	Time        time.Time `json:"time"`
	Kind        string    `json:"kind"`
	Project     string    `json:"project"`
	Region      string    `json:"region"`
	ProjectID   string    `json:"project_id"`
	DesktopID   string    `json:"desktop_id"`
	DesktopName string    `json:"desktop_name"`
	Before      string    `json:"before"`
	After       string    `json:"after"`
}

func (s *server) serveChangesJSON(w http.ResponseWriter, r *http.Request) {
	v, err := parseChangesView(r.URL.Query(), time.Now())
	if err != nil {
		writeError(w, http.StatusBadRequest, "%s", err)
		return
	}
	matching := v.filter(s.Changes())
	document := changesDocument{
		Version: changesVersion, Total: len(matching), Page: v.pages.page, Pages: v.pages.pageCount(len(matching)), Changes: []changeRecord{},
	}
	from, to := v.pages.bounds(len(matching))
	for _, c := range matching[from:to] {
		document.Changes = append(document.Changes, changeRecord{
			c.Time.UTC(), string(c.Kind), c.Project.Name, c.Project.Region, c.Project.ID, c.DesktopID, c.DesktopName, c.Before, c.After,
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // the client may have disconnected
}
