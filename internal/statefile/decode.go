// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// decode decodes the compressed records of a file of a size, one at a time.
func decode(body io.Reader, size int64) (State, error) {
	compressed, err := gzip.NewReader(bufio.NewReader(body))
	if err != nil {
		return State{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	compressed.Multistream(false) // zeros may follow
	d := newDecoder(size)
	lines := bufio.NewReaderSize(compressed, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(lines, d.line[:0])
		d.line = line
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0 && n > 1:
			d.endProject()
			return d.state, nil
		case err != nil && !errors.Is(err, ErrTooLarge):
			return State{}, fmt.Errorf("%w: record %d: %w", ErrDamaged, n, err)
		}
		if err == nil {
			err = d.decode(line, n == 1)
		}
		if err != nil {
			return State{}, fmt.Errorf("record %d: %w", n, err)
		}
	}
}

// readLine appends the next line, without its end, to line.
func readLine(r *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxRecordSize:
			return line, checkRecord(line)
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// decoder collects records into a State.
type decoder struct {
	line       []byte
	budget     int64 // what further records may cost
	state      State
	project    refresh.State // the one whose desktops are read
	projectKey string
	inProject  bool
	networks   []*inventory.Networks // those of desktop records, in order
	texts      map[string]string     // those that many desktops share
}

func newDecoder(size int64) *decoder {
	return &decoder{
		budget: minBudget + costPerByte*size,
		state:  State{Projects: map[string]refresh.State{}},
		texts:  map[string]string{},
	}
}

// decode decodes one record.
func (d *decoder) decode(line []byte, first bool) error {
	if d.budget -= recordCost(line); d.budget < 0 {
		return fmt.Errorf("%w: its records need more memory than its size allows", ErrTooLarge)
	}
	if err := checkRecord(line); err != nil {
		return err
	}
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if first != (r.State != nil) {
		return fmt.Errorf("%w: the first record, and no other, must be the state", ErrDamaged)
	}
	if err := d.take(&r); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// take adds a record to the state. A record of an unknown kind is skipped.
func (d *decoder) take(r *record) error {
	switch {
	case r.State != nil:
		d.state.SavedAt = r.State.SavedAt
	case r.Project != nil:
		return d.takeProject(r.Project)
	case r.Desktop != nil:
		return d.takeDesktop(r.Desktop)
	case r.Scope != nil:
		d.state.Changes.Scopes = append(d.state.Changes.Scopes, changes.ScopeState{
			Region: r.Scope.Region, ProjectID: r.Scope.ProjectID, Filter: r.Scope.Filter,
			LastSeen: r.Scope.LastSeenAt, Complete: r.Scope.Complete,
		})
	case r.ScopeDesktop != nil:
		return d.takeScopeDesktop(r.ScopeDesktop)
	case r.ChangeCounts != nil:
		kinds := make(map[inventory.ChangeKind]uint64, len(r.ChangeCounts.Counts))
		for kind, n := range r.ChangeCounts.Counts {
			kinds[inventory.ChangeKind(kind)] = n
		}
		d.state.Changes.Counts = append(d.state.Changes.Counts, changes.ProjectCounts{
			Region: r.ChangeCounts.Region, ProjectID: r.ChangeCounts.ProjectID, Kinds: kinds,
		})
	case r.Change != nil:
		d.state.Changes.Changes = append(d.state.Changes.Changes, r.Change.value())
	case r.Event != nil:
		d.state.Webhook.Waiting = append(d.state.Webhook.Waiting, webhook.Event{ID: r.Event.ID, Change: r.Event.Change.value()})
	}
	return nil
}

func (d *decoder) takeProject(r *projectRecord) error {
	d.endProject()
	if _, exists := d.state.Projects[r.Key]; exists {
		return fmt.Errorf("project %q occurs twice", r.Key)
	}
	d.inProject, d.projectKey = true, r.Key
	d.project = refresh.State{
		Project: inventory.Project{Name: r.Name, Region: r.Region, ID: r.ID},
		SavedAt: r.SavedAt, ListComplete: r.ListComplete, ListFailedAt: r.ListFailedAt, LastSuccess: r.LastSuccessAt,
	}
	return nil
}

// endProject keeps the project whose desktops were read.
func (d *decoder) endProject() {
	if d.inProject {
		d.state.Projects[d.projectKey] = d.project
	}
}

func (d *decoder) takeDesktop(r *desktopRecord) error {
	if !d.inProject {
		return errors.New("a desktop without a project")
	}
	if n := len(d.project.Desktops); n > 0 && d.project.Desktops[n-1].Desktop.ID >= r.ID {
		return fmt.Errorf("desktop %q is not in the order of IDs", r.ID)
	}
	desktop := inventory.Desktop{
		ID: r.ID, Name: r.Name, IP: r.IP, SubnetID: d.text(r.SubnetID),
		EnterpriseProjectID: d.text(r.EnterpriseProjectID), PoolID: d.text(r.PoolID), AvailabilityZone: d.text(r.AvailabilityZone),
		Type: d.text(r.Type), Status: d.text(r.Status), TaskStatus: d.text(r.TaskStatus), Users: r.Users,
	}
	for _, t := range r.Tags {
		desktop.Tags = append(desktop.Tags, inventory.Tag{Key: d.text(t.Key), Value: d.text(t.Value)})
	}
	networks := d.networksOf(r.Networks)
	if networks != nil {
		d.networks = append(d.networks, networks)
	}
	d.project.Desktops = append(d.project.Desktops, refresh.DesktopState{
		Desktop: desktop, Networks: networks, ReadAt: r.ReadAt, FailedAt: r.FailedAt, MissingSince: r.MissingSince,
		ChangeSuspected: r.ChangeSuspected, ListedEIPs: r.ListedEIPs, EIPListKnown: r.EIPListKnown,
	})
	return nil
}

func (d *decoder) takeScopeDesktop(r *scopeDesktopRecord) error {
	scopes := d.state.Changes.Scopes
	if len(scopes) == 0 {
		return errors.New("a scope_desktop without a scope")
	}
	scope := &scopes[len(scopes)-1]
	if n := len(scope.Desktops); n > 0 && scope.Desktops[n-1].ID >= r.ID {
		return fmt.Errorf("desktop %q is not in the order of IDs", r.ID)
	}
	networks := d.networksOf(r.Networks)
	if i := r.NetworksIndex; i != nil {
		if *i < 0 || *i >= len(d.networks) || networks != nil {
			return fmt.Errorf("networks_index %d of desktop %q is invalid", *i, r.ID)
		}
		networks = d.networks[*i]
	}
	scope.Desktops = append(scope.Desktops, changes.DesktopState{ID: r.ID, Name: r.Name, Listed: r.NameListed, Networks: networks})
	return nil
}

// networksOf converts networks; nil stays nil.
func (d *decoder) networksOf(r *networksRecord) *inventory.Networks {
	if r == nil {
		return nil
	}
	n := &inventory.Networks{Name: r.Name, IP: r.IP}
	if len(r.Interfaces) > 0 {
		n.Interfaces = make([]inventory.Interface, len(r.Interfaces))
	}
	for i := range r.Interfaces {
		nic := &r.Interfaces[i]
		n.Interfaces[i] = inventory.Interface{
			PortID: nic.PortID, PrivateIP: nic.PrivateIP, EIP: inventory.EIP(nic.EIP),
			VPC:    inventory.VPC{ID: d.text(nic.VPC.ID), Name: d.text(nic.VPC.Name), CIDR: d.text(nic.VPC.CIDR)},
			Subnet: inventory.Subnet{ID: d.text(nic.Subnet.ID), Name: d.text(nic.Subnet.Name), CIDR: d.text(nic.Subnet.CIDR)},

			GroupsUnknown: nic.GroupsUnknown,
		}
		for _, g := range nic.SecurityGroups {
			n.Interfaces[i].SecurityGroups = append(n.Interfaces[i].SecurityGroups, inventory.SecurityGroup{ID: d.text(g.ID), Name: d.text(g.Name)})
		}
	}
	return n
}

// text returns one string for all equal ones, of the first maxTexts that differ.
func (d *decoder) text(s string) string {
	const maxTexts = 100_000
	if known, ok := d.texts[s]; ok {
		return known
	}
	if s != "" && len(d.texts) < maxTexts {
		d.texts[s] = s
	}
	return s
}

// value returns the change of a record.
func (r *changeRecord) value() inventory.Change {
	return inventory.Change{
		Time: r.Time, Project: inventory.Project{Name: r.ProjectName, Region: r.Region, ID: r.ProjectID},
		DesktopID: r.DesktopID, DesktopName: r.DesktopName, Kind: inventory.ChangeKind(r.Kind), Before: r.Before, After: r.After,
	}
}
