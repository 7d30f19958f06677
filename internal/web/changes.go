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

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// changesVersion is raised when the JSON of changes changes in a way that can
// break who reads it.
const changesVersion = 1

// changeView is which changes somebody wants to see.
type changeView struct {
	projects []string // names or IDs; none: all
	kinds    []string
	desktop  string // ID or name; "": all
	since    string // as given
	from     time.Time
	part     part
}

func readChangeView(query url.Values, now time.Time) (changeView, error) {
	filled := func(name string) []string {
		values := slices.DeleteFunc(slices.Clone(query[name]), func(v string) bool { return strings.TrimSpace(v) == "" })
		slices.Sort(values)
		return slices.Compact(values)
	}
	v := changeView{projects: filled("project"), kinds: filled("kind"), desktop: strings.TrimSpace(query.Get("desktop"))}
	var err error
	for _, k := range v.kinds {
		if !slices.Contains(inventory.ChangeKinds(), inventory.ChangeKind(k)) {
			err = fmt.Errorf("parameter %q takes %s, not %q", "kind", strings.Trim(fmt.Sprint(inventory.ChangeKinds()), "[]"), k)
		}
	}
	v.since = strings.TrimSpace(query.Get("since"))
	if v.since != "" {
		if ago, wrong := model.ParseDuration(v.since); wrong == nil {
			v.from = now.Add(-time.Duration(ago))
		} else if v.from, wrong = time.Parse(time.RFC3339, v.since); wrong != nil {
			err = errors.Join(err, fmt.Errorf("parameter %q takes a duration such as 6h or a time such as 2026-01-31T08:00:00Z, not %q", "since", v.since))
		}
	}
	var wrong error
	v.part, wrong = readPart(query)
	return v, errors.Join(err, wrong)
}

// values gives the view as parameters.
func (v changeView) values() url.Values {
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
	v.part.values(values)
	return values
}

func (v changeView) shows(c inventory.Change) bool {
	return (len(v.projects) == 0 || slices.Contains(v.projects, c.Project.Name) || slices.Contains(v.projects, c.Project.ID)) &&
		(len(v.kinds) == 0 || slices.Contains(v.kinds, string(c.Kind))) &&
		(v.desktop == "" || v.desktop == c.DesktopID || v.desktop == c.DesktopName) &&
		!c.Time.Before(v.from)
}

// choose gives the changes that the view shows, on all its pages.
func (v changeView) choose(all []inventory.Change) []inventory.Change {
	var chosen []inventory.Change
	for _, c := range all {
		if v.shows(c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// changesOf gives the changes of one desktop, the newest first.
func (s *server) changesOf(project, id string) []inventory.Change {
	return slices.DeleteFunc(slices.Clone(s.Changes()), func(c inventory.Change) bool {
		return c.Project.Name != project || c.DesktopID != id
	})
}

// takesChanges reads the parameters of a request for changes.
func takesChanges(w http.ResponseWriter, r *http.Request) (query url.Values, ok bool) {
	return takes(w, r, []string{"desktop", "since", paramPage, paramSize}, []string{"project", "kind"})
}

// changeText is a change in words.
type changeText struct {
	Time          time.Time
	Project       string
	Name, Link    string
	Kind          string
	Before, After string
}

func describeChange(c inventory.Change) changeText {
	return changeText{
		Time: c.Time.UTC(), Project: short(c.Project.Name),
		Name: short(cmp.Or(c.DesktopName, c.DesktopID)), Link: desktopLink(c.Project.Name, c.DesktopID),
		Kind: kindText(string(c.Kind)), Before: c.Before, After: c.After,
	}
}

// kindText spells a kind for people.
func kindText(kind string) string {
	return strings.ReplaceAll(strings.ReplaceAll(kind, "eip", "EIP"), "_", " ")
}

// changesPage is what the template shows.
type changesPage struct {
	Now      time.Time
	Fault    string
	Any      bool // some change is remembered
	Projects bool // there are several
	Fields   []field
	Changes  []changeText
	Pager    pager
	JSON     string
}

func (s *server) changes(w http.ResponseWriter, r *http.Request) {
	query, ok := takesChanges(w, r)
	if !ok {
		return
	}
	p := changesPage{Now: time.Now().UTC()}
	v, err := readChangeView(query, p.Now)
	all := s.Changes()
	status := http.StatusOK
	if err != nil {
		status, p.Fault = http.StatusBadRequest, err.Error()
	} else {
		chosen := v.choose(all)
		if v.part.clamp(len(chosen)) || blank(query) {
			s.redirect(w, "/changes", v.values())
			return
		}
		from, to := v.part.bounds(len(chosen))
		for _, c := range chosen[from:to] {
			p.Changes = append(p.Changes, describeChange(c))
		}
		p.Pager = newPager(v.part, len(chosen), func(page int) string {
			v.part.page = page
			return at("/changes", v.values())
		})
	}
	projects := map[string]bool{}
	for _, name := range s.Fleet.Names() {
		projects[name] = true
	}
	for _, c := range all {
		projects[c.Project.Name] = true
	}
	p.Any, p.Projects = len(all) > 0, len(projects) > 1
	p.Fields = v.fields(sortedKeys(projects))
	v.part = part{1, sizes()[0]}
	p.JSON = at("/changes.json", v.values())
	s.render(w, r, page{status, "changes.html", "Changes", p})
}

// fields makes the form.
func (v changeView) fields(projects []string) []field {
	kinds := []option{{Text: "all"}}
	for _, k := range inventory.ChangeKinds() {
		kinds = append(kinds, option{Value: string(k), Text: kindText(string(k))})
	}
	single := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	desktop := proposed("desktop", "Desktop", single(v.desktop), nil)
	desktop.Hint = "name or ID"
	since := choice("since", "Since", single(v.since), option{"", "the beginning", false}, option{"1h", "one hour", false},
		option{"6h", "6 hours", false}, option{"1d", "one day", false}, option{"7d", "7 days", false})
	fields := []field{desktop, choice("kind", "Kind", v.kinds, kinds...), since}
	if len(projects) > 1 || len(v.projects) > 0 {
		fields = append(fields, choice("project", "Project", v.projects, options("all", projects)...))
	}
	return append(fields, sizeField(v.part))
}

// changesJSON is the document that /changes.json answers with.
type changesJSON struct {
	Version int          `json:"version"`
	Total   int          `json:"total"` // on all pages
	Page    int          `json:"page"`
	Pages   int          `json:"pages"`
	Changes []changeJSON `json:"changes"` // the newest first
}

type changeJSON struct {
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

func (s *server) changesDocument(w http.ResponseWriter, r *http.Request) {
	query, ok := takesChanges(w, r)
	if !ok {
		return
	}
	v, err := readChangeView(query, time.Now())
	if err != nil {
		refuse(w, http.StatusBadRequest, "%s", err)
		return
	}
	chosen := v.choose(s.Changes())
	document := changesJSON{
		Version: changesVersion, Total: len(chosen), Page: v.part.page, Pages: v.part.pages(len(chosen)), Changes: []changeJSON{},
	}
	from, to := v.part.bounds(len(chosen))
	for _, c := range chosen[from:to] {
		document.Changes = append(document.Changes, changeJSON{
			c.Time.UTC(), string(c.Kind), c.Project.Name, c.Project.Region, c.Project.ID, c.DesktopID, c.DesktopName, c.Before, c.After,
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // the client may be gone
}
