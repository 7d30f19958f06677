// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// maxHistory is the maximum number of changes on the page of a desktop.
const maxHistory = 100

// desktopPage is the data of pages/desktop.html.
type desktopPage struct {
	Now         time.Time
	Project     inventory.Project
	ID          string
	Name        string
	Record      *inventory.Record // nil: not known
	StatusClass string
	Reading     refresh.ReadStatus
	DataClass   string
	Sentence    string
	Interfaces  []interfaceView
	Findings    []findingSentence
	History     []changeRow
	MoreHistory string // URL of all changes
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
		if len(p.History) == maxHistory {
			p.MoreHistory = urlFor("/changes", url.Values{"project": {project}, "desktop": {id}})
			break
		}
		p.History = append(p.History, newChangeRow(c))
	}
	snapshots := s.Fleet.Snapshots()
	i := slices.IndexFunc(snapshots, func(s *inventory.Snapshot) bool { return s.Project.Name == project })
	status := http.StatusOK
	if len(p.History) == 0 {
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
	case len(p.History) > 0:
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
	p.Reading = s.Fleet.ReadStatuses(p.Project.Name, []*inventory.Record{r})[0]
	p.DataClass, _ = dataAge(r, p.Reading, p.Now)
	p.Sentence = networksSentence(r, p.Reading, p.Now)
	for _, f := range snapshot.Findings {
		if f.Subject == p.ID || f.Other == p.ID {
			p.Findings = append(p.Findings, newFindingSentence(snapshot, f))
		}
	}
	if r.Networks == nil {
		return
	}
	for i, nic := range r.Networks.Interfaces {
		t := interfaceView{
			Interface:  nic,
			VPCLink:    urlFor("/inventory", url.Values{"vpc": {nic.VPC.ID}}),
			SubnetLink: urlFor("/inventory", url.Values{"subnet": {nic.Subnet.ID}}),
		}
		if len(r.Networks.Interfaces) > 1 {
			t.Number = i + 1
		}
		for _, g := range nic.SecurityGroups {
			t.Groups = append(t.Groups, namedLink{cmp.Or(g.Name, g.ID), urlFor("/inventory", url.Values{"security_group": {g.ID}})})
		}
		p.Interfaces = append(p.Interfaces, t)
	}
}

// networksSentence describes the age and state of a desktop's networks.
func networksSentence(r *inventory.Record, reading refresh.ReadStatus, now time.Time) string {
	var sentence string
	switch {
	case r.Networks == nil && !reading.RefusedUntil.IsZero():
		sentence = "The API refuses to return the networks of this desktop."
	case r.Networks == nil && !reading.FailingSince.IsZero():
		sentence = "The network data of this desktop is unknown: reading it has failed for " + formatAge(reading.FailingSince, now) + "."
	case r.Networks == nil:
		sentence = "The network data of this desktop has not been read yet."
	case !reading.FailingSince.IsZero():
		sentence = "The network data is stale: it was read " + formatAge(reading.ReadAt, now) + " ago, and reading it has failed for " + formatAge(reading.FailingSince, now) + "."
	default:
		sentence = "Network data was read " + formatAge(reading.ReadAt, now) + " ago."
	}
	if wait := reading.RefusedUntil.Sub(now); !reading.RefusedUntil.IsZero() && wait > 0 {
		sentence += " Next attempt in " + formatAge(now, reading.RefusedUntil) + "."
	}
	if !reading.MissingSince.IsZero() {
		sentence += " The desktop has been missing from the list of desktops, which could not be read completely, for " + formatAge(reading.MissingSince, now) + "."
	}
	return sentence
}
