// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"fmt"
	"strings"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

var office = inventory.Project{Name: "office", Region: "r", ID: "p"}

// nic returns an interface described by words: a private address, and any of
// eip=ADDRESS, eipid=ID, subnet=ID/NAME, sg=ID/NAME and port=ID.
func nic(words string) inventory.Interface {
	var i inventory.Interface
	for word := range strings.FieldsSeq(words) {
		key, value, found := strings.Cut(word, "=")
		if !found {
			i.PrivateIP = key
			continue
		}
		id, name, _ := strings.Cut(value, "/")
		switch key {
		case "eip":
			i.EIP = inventory.EIP{ID: "id-" + value, Address: value}
		case "eipid":
			i.EIP = inventory.EIP{ID: value}
		case "subnet":
			i.Subnet = inventory.Subnet{ID: id, Name: name}
		case "sg":
			i.SecurityGroups = append(i.SecurityGroups, inventory.SecurityGroup{ID: id, Name: name})
		case "port":
			i.PortID = value
		default:
			panic(key)
		}
	}
	return i
}

// record returns a desktop with its name in the list and a description of each
// interface. Without any, its networks are unknown; "-" stands for no interface.
func record(id, name string, nics ...string) *inventory.Record {
	r := &inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: id, Name: name}}
	for _, words := range nics {
		if r.Networks == nil {
			r.Networks = &inventory.Networks{}
		}
		if words != "-" {
			r.Networks.Interfaces = append(r.Networks.Interfaces, nic(words))
		}
	}
	return r
}

// withNetworkName replaces the networks of a record by ones that have a name.
func withNetworkName(r *inventory.Record, name string) *inventory.Record {
	r.Networks = &inventory.Networks{Name: name}
	return r
}

func snapshot(records ...*inventory.Record) *inventory.Snapshot {
	return &inventory.Snapshot{Project: office, Records: records, Health: inventory.Health{Refreshed: true, Listed: true, ListComplete: true}}
}

func incomplete(records ...*inventory.Record) *inventory.Snapshot {
	s := snapshot(records...)
	s.Health.ListComplete = false
	return s
}

// outage returns the snapshot after the list could not be read for longer than
// max_staleness.
func outage() *inventory.Snapshot {
	return &inventory.Snapshot{Project: office, Health: inventory.Health{Refreshed: true}}
}

// lines returns a line for each change.
func lines(changes []inventory.Change) []string {
	var all []string
	for _, c := range changes {
		line := fmt.Sprintf("%s %s %s", c.DesktopID, c.DesktopName, c.Kind)
		if c.Before+c.After != "" {
			line += fmt.Sprintf(" %q to %q", c.Before, c.After)
		}
		all = append(all, line)
	}
	return all
}

func newHistory() *History { return New(Options{Logger: log.NewNopLogger(), Limit: 1000}) }
