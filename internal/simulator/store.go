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
	Name     string // in IAM; default: the region, which names the region's main project
	Region   string
	Disabled bool  // Workspace is not enabled in it
	FreeEIPs []EIP // not bound; ListDesktopsEips returns them as well
}

// projectStore contains a project and its desktops.
type projectStore struct {
	Project
	entries []*listEntry // in order of creation
	index   map[string]*listEntry
	serial  int
}

// listEntry is an entry of the list of desktops. Its desktop can be replaced, but is
// immutable, so that responses are encoded without a lock.
type listEntry struct {
	serial  int
	desktop *Desktop
}

// store contains all projects.
type store struct {
	mu       sync.RWMutex
	unknown  UnknownIDs
	absent   AbsentValues
	projects []*projectStore // in order of creation
}

func (s *store) init(unknown UnknownIDs, absent AbsentValues) { s.unknown, s.absent = unknown, absent }

func (s *store) find(id string) *projectStore {
	for _, h := range s.projects {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// mustFind returns the project with an ID. It panics if there is none.
func (s *store) mustFind(id string) *projectStore {
	h := s.find(id)
	if h == nil {
		panic(fmt.Sprintf("simulated cloud: no project %q", id))
	}
	return h
}

func (s *store) project(id string) (Project, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.find(id); h != nil {
		return h.Project, true
	}
	return Project{}, false
}

// modes returns the settings of Options, as changed by setters.
func (s *store) modes() (UnknownIDs, AbsentValues) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unknown, s.absent
}

// SetUnknownIDs changes the response of ShowDesktopNetworks to unknown IDs.
func (c *Cloud) SetUnknownIDs(u UnknownIDs) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.unknown = u
}

// SetAbsentValues changes the encoding of absent values.
func (c *Cloud) SetAbsentValues(a AbsentValues) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.absent = a
}

// AddProject adds a project without desktops, or updates the one with its ID, which
// keeps its desktops.
func (c *Cloud) AddProject(p Project) {
	if p.Name == "" {
		p.Name = p.Region
	}
	p.FreeEIPs = slices.Clone(p.FreeEIPs)
	s := &c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.find(p.ID); h != nil {
		h.Project = p
		return
	}
	s.projects = append(s.projects, &projectStore{Project: p, index: map[string]*listEntry{}})
}

// RemoveProject removes a project and its desktops.
func (c *Cloud) RemoveProject(id string) {
	s := &c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projects = slices.DeleteFunc(s.projects, func(h *projectStore) bool { return h.ID == id })
}

// Projects returns all projects, in order of creation.
func (c *Cloud) Projects() []Project {
	s := &c.store
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

// SetDesktops replaces all desktops of a project. Of two desktops with the same ID,
// the later one wins. It panics if the project does not exist, as the following
// methods do.
func (c *Cloud) SetDesktops(project string, desktops []Desktop) {
	fresh := projectStore{entries: make([]*listEntry, 0, len(desktops)), index: make(map[string]*listEntry, len(desktops))}
	for i := range desktops {
		fresh.put(desktops[i].clone())
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	h := c.store.mustFind(project)
	h.entries, h.index, h.serial = fresh.entries, fresh.index, fresh.serial
}

// PutDesktop appends a desktop to the list, or replaces the one with its ID.
func (c *Cloud) PutDesktop(project string, d Desktop) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.mustFind(project).put(d.clone())
}

func (h *projectStore) put(d *Desktop) {
	if r, ok := h.index[d.ID]; ok {
		r.desktop = d
		return
	}
	h.serial++
	r := &listEntry{serial: h.serial, desktop: d}
	h.index[d.ID] = r
	h.entries = append(h.entries, r)
}

// DeleteDesktop deletes a desktop, and reports whether it existed.
func (c *Cloud) DeleteDesktop(project, id string) bool {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	h := c.store.mustFind(project)
	deleted, ok := h.index[id]
	if !ok {
		return false
	}
	delete(h.index, id)
	at, _ := slices.BinarySearchFunc(h.entries, deleted.serial, func(r *listEntry, serial int) int { return r.serial - serial })
	h.entries = slices.Delete(h.entries, at, at+1)
	return true
}

// UpdateDesktop calls change with a copy of a desktop and stores the result, except
// for its ID. It reports whether the desktop exists.
func (c *Cloud) UpdateDesktop(project, id string, change func(*Desktop)) bool {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	r, ok := c.store.mustFind(project).index[id]
	if !ok {
		return false
	}
	d := r.desktop.clone()
	change(d)
	d.ID = id
	r.desktop = d.clone() // change may have kept a reference
	return true
}

// Desktop returns a copy of a desktop.
func (c *Cloud) Desktop(project, id string) (Desktop, bool) {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	if r, ok := c.store.mustFind(project).index[id]; ok {
		return *r.desktop.clone(), true
	}
	return Desktop{}, false
}

// desktops returns the desktops of a project, which are immutable.
func (s *store) desktops(project string) []*Desktop {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rows := s.mustFind(project).entries
	out := make([]*Desktop, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.desktop)
	}
	return out
}

// Desktops returns all desktops of a project, in order of creation.
func (c *Cloud) Desktops(project string) []Desktop {
	all := c.store.desktops(project)
	out := make([]Desktop, 0, len(all))
	for _, d := range all {
		out = append(out, *d.clone())
	}
	return out
}
