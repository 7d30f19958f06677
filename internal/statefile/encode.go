// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// encode writes a state file. It converts one record at a time, so it needs no
// second copy of the state.
func encode(w io.Writer, s *State) error {
	sum := sha256.New()
	file := &countingWriter{w: io.MultiWriter(w, sum)}
	if _, err := io.WriteString(file, header+version+"\n"); err != nil {
		return err
	}
	compressor, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err != nil {
		return err
	}
	records := bufio.NewWriterSize(compressor, 64<<10)
	e := newEncoder(records)
	if err := e.state(s); err != nil {
		return err
	}
	if err := records.Flush(); err != nil {
		return err
	}
	if err := compressor.Close(); err != nil {
		return err
	}
	if err := pad(file, e.cost); err != nil {
		return err
	}
	if file.n+sha256.Size > maxFileSize {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, file.n+sha256.Size, maxFileSize)
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// countingWriter counts the bytes that are written.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// pad appends zeros until the file is large enough for what its records cost,
// since Read refuses files that compress extremely well. Real identifiers do
// not; those of tests may.
func pad(file *countingWriter, cost int64) error {
	missing := (cost-minBudget)/costPerByte + 1 - file.n - sha256.Size
	for zeros := make([]byte, 64<<10); missing > 0; missing -= int64(len(zeros)) {
		if _, err := file.Write(zeros[:min(missing, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	return nil
}

// encoder writes records.
type encoder struct {
	w       io.Writer
	json    *json.Encoder
	buffer  bytes.Buffer                // one record
	record  record                      // the one that is encoded
	cost    int64                       // of all records
	indexes map[*inventory.Networks]int // of the networks of desktop records
	count   int                         // how many those are

	// Reused by networks: valid until its next call.
	interfaces []interfaceRecord
	groups     []securityGroupRecord
}

func newEncoder(w io.Writer) *encoder {
	e := &encoder{w: w, indexes: map[*inventory.Networks]int{}}
	e.json = json.NewEncoder(&e.buffer)
	e.json.SetEscapeHTML(false)
	return e
}

func (e *encoder) write(r record) error {
	e.record = r
	e.buffer.Reset()
	if err := e.json.Encode(&e.record); err != nil {
		return err
	}
	if err := checkRecord(e.buffer.Bytes()); err != nil {
		return err
	}
	e.cost += recordCost(e.buffer.Bytes())
	_, err := e.w.Write(e.buffer.Bytes())
	return err
}

func (e *encoder) state(s *State) error {
	if err := e.write(record{State: &stateRecord{SavedAt: s.SavedAt}}); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(s.Projects)) {
		project := s.Projects[key]
		if err := e.project(key, &project); err != nil {
			return err
		}
	}
	for i := range s.Changes.Scopes {
		if err := e.scope(&s.Changes.Scopes[i]); err != nil {
			return err
		}
	}
	return e.changes(s)
}

func (e *encoder) project(key string, p *refresh.State) error {
	err := e.write(record{Project: &projectRecord{
		Key: key, Name: p.Project.Name, Region: p.Project.Region, ID: p.Project.ID,
		SavedAt: p.SavedAt, ListComplete: p.ListComplete, ListFailedAt: p.ListFailedAt, LastSuccessAt: p.LastSuccess,
	}})
	for i := 0; err == nil && i < len(p.Desktops); i++ {
		err = e.desktop(&p.Desktops[i])
	}
	return err
}

func (e *encoder) desktop(d *refresh.DesktopState) error {
	r := desktopRecord{
		ID: d.Desktop.ID, Name: d.Desktop.Name, IP: d.Desktop.IP, SubnetID: d.Desktop.SubnetID,
		EnterpriseProjectID: d.Desktop.EnterpriseProjectID, PoolID: d.Desktop.PoolID, AvailabilityZone: d.Desktop.AvailabilityZone,
		Type: d.Desktop.Type, Status: d.Desktop.Status, TaskStatus: d.Desktop.TaskStatus, Users: d.Desktop.Users,
		ReadAt: d.ReadAt, FailedAt: d.FailedAt, MissingSince: d.MissingSince,
		ChangeSuspected: d.ChangeSuspected, ListedEIPs: d.ListedEIPs, EIPListKnown: d.EIPListKnown,
	}
	for _, t := range d.Desktop.Tags {
		r.Tags = append(r.Tags, tagRecord(t))
	}
	if d.Networks != nil {
		r.Networks = e.networks(d.Networks)
		e.indexes[d.Networks] = e.count
		e.count++
	}
	return e.write(record{Desktop: &r})
}

// networks returns the record of networks. It is valid until the next call.
func (e *encoder) networks(n *inventory.Networks) *networksRecord {
	e.interfaces, e.groups = e.interfaces[:0], e.groups[:0]
	for i := range n.Interfaces {
		nic := &n.Interfaces[i]
		start := len(e.groups)
		for _, g := range nic.SecurityGroups {
			e.groups = append(e.groups, securityGroupRecord(g))
		}
		e.interfaces = append(e.interfaces, interfaceRecord{
			PortID: nic.PortID, PrivateIP: nic.PrivateIP,
			VPC: networkRecord(nic.VPC), Subnet: networkRecord(nic.Subnet), EIP: eipRecord(nic.EIP),
			SecurityGroups: e.groups[start:], GroupsUnknown: nic.GroupsUnknown,
		})
	}
	return &networksRecord{Name: n.Name, IP: n.IP, Interfaces: e.interfaces}
}

func (e *encoder) scope(s *changes.ScopeState) error {
	err := e.write(record{Scope: &scopeRecord{
		Region: s.Region, ProjectID: s.ProjectID, Filter: s.Filter, LastSeenAt: s.LastSeen, Complete: s.Complete,
	}})
	for i := 0; err == nil && i < len(s.Desktops); i++ {
		err = e.scopeDesktop(&s.Desktops[i])
	}
	return err
}

func (e *encoder) scopeDesktop(d *changes.DesktopState) error {
	r := scopeDesktopRecord{ID: d.ID, Name: d.Name, NameListed: d.Listed}
	if index, known := e.indexes[d.Networks]; known {
		r.NetworksIndex = &index
	} else if d.Networks != nil {
		r.Networks = e.networks(d.Networks)
	}
	return e.write(record{ScopeDesktop: &r})
}

// changes writes the list of changes, their counts, and the events that wait.
func (e *encoder) changes(s *State) error {
	for _, c := range s.Changes.Counts {
		counts := make(map[string]uint64, len(c.Kinds))
		for kind, n := range c.Kinds {
			counts[string(kind)] = n
		}
		if err := e.write(record{ChangeCounts: &changeCountsRecord{Region: c.Region, ProjectID: c.ProjectID, Counts: counts}}); err != nil {
			return err
		}
	}
	for _, c := range s.Changes.Changes {
		r := newChangeRecord(c)
		if err := e.write(record{Change: &r}); err != nil {
			return err
		}
	}
	for _, event := range s.Webhook.Waiting {
		if err := e.write(record{Event: &eventRecord{ID: event.ID, Change: newChangeRecord(event.Change)}}); err != nil {
			return err
		}
	}
	return nil
}

func newChangeRecord(c inventory.Change) changeRecord {
	return changeRecord{
		Time: c.Time, ProjectName: c.Project.Name, Region: c.Project.Region, ProjectID: c.Project.ID,
		DesktopID: c.DesktopID, DesktopName: c.DesktopName, Kind: string(c.Kind), Before: c.Before, After: c.After,
	}
}
