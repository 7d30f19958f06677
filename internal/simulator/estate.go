// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"slices"
	"sync"
)

// Project is a project of the cloud.
type Project struct {
	ID       string
	Name     string // in IAM; absent: the region, as for a region's own project
	Region   string
	Disabled bool  // Workspace is not enabled in it
	FreeEIPs []EIP // bound to nothing; ListDesktopsEips lists them too
}

// holding is a project and its desktops.
type holding struct {
	Project
	rows   []*row // in the order of creation
	index  map[string]*row
	serial int
}

// row is a place in the list. Its desktop may be replaced, but is never changed,
// so that an answer can be written without a lock.
type row struct {
	serial  int
	desktop *Desktop
}

// estate is all that the cloud's customers have.
type estate struct {
	mu       sync.RWMutex
	unknown  Unknown
	absent   Absent
	projects []*holding // in the order of creation
}

func (s *estate) init(unknown Unknown, absent Absent) { s.unknown, s.absent = unknown, absent }

func (s *estate) find(id string) *holding {
	for _, h := range s.projects {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// must finds a project that a test or the demo says it made.
func (s *estate) must(id string) *holding {
	h := s.find(id)
	if h == nil {
		panic(fmt.Sprintf("simulated cloud: no project %q", id))
	}
	return h
}

func (s *estate) project(id string) (Project, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.find(id); h != nil {
		return h.Project, true
	}
	return Project{}, false
}

// style gives what Options and setters chose.
func (s *estate) style() (Unknown, Absent) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unknown, s.absent
}

// SetUnknown changes what ShowDesktopNetworks says to unknown ids.
func (c *Cloud) SetUnknown(u Unknown) {
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	c.estate.unknown = u
}

// SetAbsent changes how absent values are written.
func (c *Cloud) SetAbsent(a Absent) {
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	c.estate.absent = a
}

// AddProject adds a project without desktops, or changes the one of that ID,
// which keeps its desktops.
func (c *Cloud) AddProject(p Project) {
	if p.Name == "" {
		p.Name = p.Region
	}
	p.FreeEIPs = slices.Clone(p.FreeEIPs)
	s := &c.estate
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.find(p.ID); h != nil {
		h.Project = p
		return
	}
	s.projects = append(s.projects, &holding{Project: p, index: map[string]*row{}})
}

// RemoveProject removes a project with all that is in it.
func (c *Cloud) RemoveProject(id string) {
	s := &c.estate
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projects = slices.DeleteFunc(s.projects, func(h *holding) bool { return h.ID == id })
}

// Projects gives all projects, in the order of their creation.
func (c *Cloud) Projects() []Project {
	s := &c.estate
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Project, 0, len(s.projects))
	for _, h := range s.projects {
		p := h.Project
		p.FreeEIPs = slices.Clone(p.FreeEIPs)
		out = append(out, p)
	}
	return out
}

// SetDesktops replaces all desktops of a project. Of two with one ID the later
// one counts. It panics, as the following do, if there is no such project.
func (c *Cloud) SetDesktops(project string, desktops []Desktop) {
	fresh := holding{rows: make([]*row, 0, len(desktops)), index: make(map[string]*row, len(desktops))}
	for i := range desktops {
		fresh.put(desktops[i].clone())
	}
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	h := c.estate.must(project)
	h.rows, h.index, h.serial = fresh.rows, fresh.index, fresh.serial
}

// PutDesktop adds a desktop at the end of the list, or replaces the one of that
// ID in its place.
func (c *Cloud) PutDesktop(project string, d Desktop) {
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	c.estate.must(project).put(d.clone())
}

func (h *holding) put(d *Desktop) {
	if r, ok := h.index[d.ID]; ok {
		r.desktop = d
		return
	}
	h.serial++
	r := &row{serial: h.serial, desktop: d}
	h.index[d.ID] = r
	h.rows = append(h.rows, r)
}

// DeleteDesktop deletes a desktop and says whether there was one.
func (c *Cloud) DeleteDesktop(project, id string) bool {
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	h := c.estate.must(project)
	gone, ok := h.index[id]
	if !ok {
		return false
	}
	delete(h.index, id)
	at, _ := slices.BinarySearchFunc(h.rows, gone.serial, func(r *row, serial int) int { return r.serial - serial })
	h.rows = slices.Delete(h.rows, at, at+1)
	return true
}

// UpdateDesktop has change alter a desktop and says whether there is one. The
// ID stays what it is.
func (c *Cloud) UpdateDesktop(project, id string, change func(*Desktop)) bool {
	c.estate.mu.Lock()
	defer c.estate.mu.Unlock()
	r, ok := c.estate.must(project).index[id]
	if !ok {
		return false
	}
	d := r.desktop.clone()
	change(d)
	d.ID = id
	r.desktop = d.clone() // change may have kept what it was given
	return true
}

// Desktop gives a desktop.
func (c *Cloud) Desktop(project, id string) (Desktop, bool) {
	c.estate.mu.RLock()
	defer c.estate.mu.RUnlock()
	if r, ok := c.estate.must(project).index[id]; ok {
		return *r.desktop.clone(), true
	}
	return Desktop{}, false
}

// all gives the desktops of a project, which must not be changed.
func (s *estate) all(project string) []*Desktop {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rows := s.must(project).rows
	out := make([]*Desktop, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.desktop)
	}
	return out
}

// Desktops gives all desktops of a project, in the order of their creation.
func (c *Cloud) Desktops(project string) []Desktop {
	all := c.estate.all(project)
	out := make([]Desktop, 0, len(all))
	for _, d := range all {
		out = append(out, *d.clone())
	}
	return out
}
