// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// maxDesktopChanges is the maximum number of changes on the page of a desktop.
const maxDesktopChanges = 100

// desktopPage is the data of pages/desktop.html.
type desktopPage struct {
	Now         time.Time
	Project     inventory.Project
	ID          string
	Name        string
	Record      *inventory.Record // nil: not known
	StatusClass string
	DataClass   string
	Sentence    string
	Interfaces  []interfaceView
	Findings    []findingSentence
	Changes     []changeRow
	AllChanges  string // URL; "": all are in Changes
}

// interfaceView is an interface, with links to the desktops in the same VPC, subnet
// and security groups.
type interfaceView struct {
	inventory.Interface
	Number              int // from 1; 0: the only interface
	VPCLink, SubnetLink string
	Groups              []namedLink
}

func (s *server) serveDesktop(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	project, id := query.Get("project"), query.Get("id")
	for name, value := range map[string]string{"project": project, "id": id} {
		if value == "" {
			writeError(w, http.StatusBadRequest, "parameter %q is missing: %s needs the name of a project and the ID of one of its desktops", name, r.URL.Path)
			return
		}
	}
	p := desktopPage{Now: time.Now(), Project: inventory.Project{Name: project}, ID: id}
	for _, c := range s.desktopChanges(project, id) {
		p.Project, p.Name = c.Project, cmp.Or(p.Name, c.DesktopName)
		if len(p.Changes) == maxDesktopChanges {
			p.AllChanges = urlFor(pathChanges, url.Values{"project": {project}, "desktop": {id}})
			break
		}
		p.Changes = append(p.Changes, newChangeRow(c))
	}
	snapshots := s.Fleet.Snapshots()
	i := slices.IndexFunc(snapshots, func(s *inventory.Snapshot) bool { return s.Project.Name == project })
	status := http.StatusOK
	if len(p.Changes) == 0 {
		status = http.StatusNotFound
	}
	switch {
	case i < 0:
		p.Sentence = "No project in the configuration has this name."
	case findDesktop(snapshots[i], id) != nil:
		status = http.StatusOK
		s.fillDesktop(&p, snapshots[i])
	case !snapshots[i].Health.Listed:
		p.Sentence = "The desktops of this project are currently not known; see the status page."
	case len(p.Changes) > 0:
		p.Sentence = "This desktop no longer exists. Its recorded changes are below."
	default:
		p.Sentence = "This project has no desktop with this ID, and no recorded changes of one."
	}
	title := cmp.Or(p.Name, id)
	if status == http.StatusNotFound {
		title = "No such desktop"
	}
	s.render(w, r, page{status, "desktop.html", title, p})
}

// fillDesktop fills in the data of a desktop that is in the snapshot.
func (s *server) fillDesktop(p *desktopPage, snapshot *inventory.Snapshot) {
	r := findDesktop(snapshot, p.ID)
	p.Record, p.Project, p.Name = r, snapshot.Project, cmp.Or(r.Name(), p.ID)
	p.StatusClass = statusClass(r.Desktop.Status)
	status := s.Fleet.ReadStatuses(p.Project.Name, []*inventory.Record{r})[0]
	p.DataClass, _ = dataAge(r, status, p.Now)
	p.Sentence = networksSentence(r, status, p.Now)
	for _, f := range snapshot.Findings {
		if f.Subject == p.ID || f.Other == p.ID {
			p.Findings = append(p.Findings, newFindingSentence(snapshot, f))
		}
	}
	if r.Networks == nil {
		return
	}
	for i, nic := range r.Networks.Interfaces {
		view := interfaceView{
			Interface:  nic,
			VPCLink:    filterURL(export.ParamVPC, nic.VPC.ID),
			SubnetLink: filterURL(export.ParamSubnet, nic.Subnet.ID),
		}
		if len(r.Networks.Interfaces) > 1 {
			view.Number = i + 1
		}
		for _, g := range nic.SecurityGroups {
			view.Groups = append(view.Groups, namedLink{cmp.Or(g.Name, g.ID), filterURL(export.ParamSecurityGroup, g.ID)})
		}
		p.Interfaces = append(p.Interfaces, view)
	}
}

// networksSentence describes the age and state of a desktop's networks.
func networksSentence(r *inventory.Record, status refresh.ReadStatus, now time.Time) string {
	var sentence string
	switch {
	case r.Networks == nil && !status.RefusedUntil.IsZero():
		sentence = "The API refuses to return the networks of this desktop."
	case r.Networks == nil && !status.FailingSince.IsZero():
		sentence = "The network data of this desktop is unknown: reading it has failed for " + formatAge(status.FailingSince, now) + "."
	case r.Networks == nil:
		sentence = "The network data of this desktop has not been read yet."
	case !status.FailingSince.IsZero():
		sentence = "The network data is stale: it was read " + formatAge(status.ReadAt, now) + " ago, and reading it has failed for " + formatAge(status.FailingSince, now) + "."
	default:
		sentence = "Network data was read " + formatAge(status.ReadAt, now) + " ago."
	}
	if wait := status.RefusedUntil.Sub(now); !status.RefusedUntil.IsZero() && wait > 0 {
		sentence += " Next attempt in " + formatAge(now, status.RefusedUntil) + "."
	}
	if !status.MissingSince.IsZero() {
		sentence += " The desktop has been missing from the list of desktops, which could not be read completely, for " + formatAge(status.MissingSince, now) + "."
	}
	return sentence
}
