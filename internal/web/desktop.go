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

// mostHistory is how many changes a desktop's own page lists.
const mostHistory = 100

// desktopPage is what the template shows.
type desktopPage struct {
	Now         time.Time
	Project     inventory.Project
	ID          string
	Name        string
	Record      *inventory.Record // nil: it is not known
	StatusClass string
	Reading     refresh.ReadStatus
	DataClass   string
	Sentence    string
	Interfaces  []interfaceText
	Findings    []findingText
	History     []changeText
	MoreHistory string // link to the rest
}

// interfaceText is an interface with links to what shares its parts.
type interfaceText struct {
	inventory.Interface
	Number              int // from 1; 0: it is the only one
	VPCLink, SubnetLink string
	Groups              []thing
}

func (s *server) desktop(w http.ResponseWriter, r *http.Request) {
	query, ok := takes(w, r, []string{"project", "id"}, nil)
	if !ok {
		return
	}
	project, id := query.Get("project"), query.Get("id")
	for name, value := range map[string]string{"project": project, "id": id} {
		if value == "" {
			refuse(w, http.StatusBadRequest, "parameter %q is missing: %s takes the name of a project and the ID of one of its desktops", name, r.URL.Path)
			return
		}
	}
	p := desktopPage{Now: time.Now(), Project: inventory.Project{Name: project}, ID: id}
	for _, c := range s.changesOf(project, id) {
		p.Project, p.Name = c.Project, cmp.Or(p.Name, c.DesktopName)
		if len(p.History) == mostHistory {
			p.MoreHistory = at("/changes", url.Values{"project": {project}, "desktop": {id}})
			break
		}
		p.History = append(p.History, describeChange(c))
	}
	snapshots := s.Fleet.Snapshots()
	i := slices.IndexFunc(snapshots, func(s *inventory.Snapshot) bool { return s.Project.Name == project })
	status := http.StatusOK
	if len(p.History) == 0 {
		status = http.StatusNotFound
	}
	switch {
	case i < 0:
		p.Sentence = "No project of the configuration has this name."
	case findDesktop(snapshots[i], id) != nil:
		status = http.StatusOK
		s.describeDesktop(&p, snapshots[i])
	case !snapshots[i].Health.Listed:
		p.Sentence = "The desktops of this project are not known at the moment; the status page says why."
	case len(p.History) > 0:
		p.Sentence = "This desktop is not there any more. What is known is its history."
	default:
		p.Sentence = "This project has no desktop with this ID, nor is any change of one remembered."
	}
	title := cmp.Or(p.Name, id)
	if status == http.StatusNotFound {
		title = "No such desktop"
	}
	s.render(w, r, page{status, "desktop.html", title, p})
}

// describeDesktop fills in what is known of a desktop.
func (s *server) describeDesktop(p *desktopPage, snapshot *inventory.Snapshot) {
	r := findDesktop(snapshot, p.ID)
	p.Record, p.Project, p.Name = r, snapshot.Project, cmp.Or(r.Name(), p.ID)
	p.StatusClass = statusClass(r.Desktop.Status)
	p.Reading = s.Fleet.ReadStatuses(p.Project.Name, []*inventory.Record{r})[0]
	p.DataClass, _ = dataState(r, p.Reading, p.Now)
	p.Sentence = freshness(r, p.Reading, p.Now)
	for _, f := range snapshot.Findings {
		if f.Subject == p.ID || f.Other == p.ID {
			p.Findings = append(p.Findings, describeFinding(snapshot, f))
		}
	}
	if r.Networks == nil {
		return
	}
	for i, nic := range r.Networks.Interfaces {
		t := interfaceText{
			Interface:  nic,
			VPCLink:    at("/inventory", url.Values{"vpc": {nic.VPC.ID}}),
			SubnetLink: at("/inventory", url.Values{"subnet": {nic.Subnet.ID}}),
		}
		if len(r.Networks.Interfaces) > 1 {
			t.Number = i + 1
		}
		for _, g := range nic.SecurityGroups {
			t.Groups = append(t.Groups, thing{cmp.Or(g.Name, g.ID), at("/inventory", url.Values{"security_group": {g.ID}})})
		}
		p.Interfaces = append(p.Interfaces, t)
	}
}

// freshness says in words how good what is known of a desktop's networks is.
func freshness(r *inventory.Record, reading refresh.ReadStatus, now time.Time) string {
	var sentence string
	switch {
	case r.Networks == nil && !reading.RefusedUntil.IsZero():
		sentence = "The cloud gives no networks for this desktop."
	case r.Networks == nil && !reading.FailingSince.IsZero():
		sentence = "The networks of this desktop are not known: reading them has failed for " + age(reading.FailingSince, now) + "."
	case r.Networks == nil:
		sentence = "The networks of this desktop have not been read yet."
	case !reading.FailingSince.IsZero():
		sentence = "These networks are held: they were read " + age(reading.ReadAt, now) + " ago, and reading them has failed for " + age(reading.FailingSince, now) + "."
	default:
		sentence = "These networks were read " + age(reading.ReadAt, now) + " ago."
	}
	if wait := reading.RefusedUntil.Sub(now); !reading.RefusedUntil.IsZero() && wait > 0 {
		sentence += " It is asked again in " + age(now, reading.RefusedUntil) + "."
	}
	if !reading.MissingSince.IsZero() {
		sentence += " The list of desktops, which could not be read to its end, has lacked it for " + age(reading.MissingSince, now) + "."
	}
	return sentence
}
