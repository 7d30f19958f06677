// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import "time"

// The names in this file are the format: a change needs a new version, unless
// it adds a field that may be absent. docs/state-file.md describes them.

// record is one line of the file. Exactly one of its fields is set.
type record struct {
	State        *stateRecord        `json:"state,omitempty"`
	Project      *projectRecord      `json:"project,omitempty"`
	Desktop      *desktopRecord      `json:"desktop,omitempty"`
	Scope        *scopeRecord        `json:"scope,omitempty"`
	ScopeDesktop *scopeDesktopRecord `json:"scope_desktop,omitempty"`
	ChangeCounts *changeCountsRecord `json:"change_counts,omitempty"`
	Change       *changeRecord       `json:"change,omitempty"`
	Event        *eventRecord        `json:"event,omitempty"`
}

// stateRecord is the first record.
type stateRecord struct {
	SavedAt time.Time `json:"saved_at"`
}

// projectRecord is the refresh state of one project. The desktop records that
// follow belong to it.
type projectRecord struct {
	Key           string    `json:"key"`
	Name          string    `json:"name,omitempty"`
	Region        string    `json:"region,omitempty"`
	ID            string    `json:"id,omitempty"`
	SavedAt       time.Time `json:"saved_at,omitzero"`
	ListComplete  bool      `json:"list_complete,omitempty"`
	ListFailedAt  time.Time `json:"list_failed_at,omitzero"`
	LastSuccessAt time.Time `json:"last_success_at,omitzero"`
}

// desktopRecord is the refresh state of one desktop.
type desktopRecord struct {
	ID                  string          `json:"id"`
	Name                string          `json:"name,omitempty"`
	IP                  string          `json:"ip,omitempty"`
	SubnetID            string          `json:"subnet_id,omitempty"`
	EnterpriseProjectID string          `json:"enterprise_project_id,omitempty"`
	PoolID              string          `json:"pool_id,omitempty"`
	AvailabilityZone    string          `json:"availability_zone,omitempty"`
	Type                string          `json:"type,omitempty"`
	Status              string          `json:"status,omitempty"`
	TaskStatus          string          `json:"task_status,omitempty"`
	Tags                []tagRecord     `json:"tags,omitempty"`
	Users               []string        `json:"users,omitempty"`
	Networks            *networksRecord `json:"networks,omitempty"`
	ReadAt              time.Time       `json:"read_at,omitzero"`
	FailedAt            time.Time       `json:"failed_at,omitzero"`
	MissingSince        time.Time       `json:"missing_since,omitzero"`
	ChangeSuspected     bool            `json:"change_suspected,omitempty"`
	ListedEIPs          string          `json:"listed_eips,omitempty"`
	EIPListKnown        bool            `json:"eip_list_known,omitempty"`
}

type tagRecord struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// networksRecord is the networks of one desktop.
type networksRecord struct {
	Name       string            `json:"name,omitempty"`
	IP         string            `json:"ip,omitempty"`
	Interfaces []interfaceRecord `json:"interfaces,omitempty"`
}

type interfaceRecord struct {
	PortID         string                `json:"port_id,omitempty"`
	PrivateIP      string                `json:"private_ip,omitempty"`
	VPC            networkRecord         `json:"vpc,omitzero"`
	Subnet         networkRecord         `json:"subnet,omitzero"`
	EIP            eipRecord             `json:"eip,omitzero"`
	SecurityGroups []securityGroupRecord `json:"security_groups,omitempty"`
	GroupsUnknown  bool                  `json:"security_groups_unknown,omitempty"`
}

// networkRecord is a VPC or a subnet.
type networkRecord struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	CIDR string `json:"cidr,omitempty"`
}

type eipRecord struct {
	ID      string `json:"id,omitempty"`
	Address string `json:"address,omitempty"`
}

type securityGroupRecord struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// scopeRecord is the change detection's state of the desktops of one project
// that pass a filter. The scope_desktop records that follow belong to it.
type scopeRecord struct {
	Region     string    `json:"region,omitempty"`
	ProjectID  string    `json:"project_id,omitempty"`
	Filter     string    `json:"filter,omitempty"`
	LastSeenAt time.Time `json:"last_seen_at,omitzero"`
	Complete   bool      `json:"complete,omitempty"`
}

// scopeDesktopRecord is the last known content of one desktop. Its networks
// mostly are those of a desktop record: then it has their index instead.
type scopeDesktopRecord struct {
	ID            string          `json:"id"`
	Name          string          `json:"name,omitempty"`
	NameListed    bool            `json:"name_listed,omitempty"`
	Networks      *networksRecord `json:"networks,omitempty"`
	NetworksIndex *int            `json:"networks_index,omitempty"`
}

// changeCountsRecord is how many changes of each kind a project had.
type changeCountsRecord struct {
	Region    string            `json:"region,omitempty"`
	ProjectID string            `json:"project_id,omitempty"`
	Counts    map[string]uint64 `json:"counts,omitempty"`
}

// changeRecord is one change, in the list of changes or in an event.
type changeRecord struct {
	Time        time.Time `json:"time,omitzero"`
	ProjectName string    `json:"project_name,omitempty"`
	Region      string    `json:"region,omitempty"`
	ProjectID   string    `json:"project_id,omitempty"`
	DesktopID   string    `json:"desktop_id,omitempty"`
	DesktopName string    `json:"desktop_name,omitempty"`
	Kind        string    `json:"kind,omitempty"`
	Before      string    `json:"before,omitempty"`
	After       string    `json:"after,omitempty"`
}

// eventRecord is one change that waits for the webhook.
type eventRecord struct {
	ID     string       `json:"id"`
	Change changeRecord `json:"change"`
}
