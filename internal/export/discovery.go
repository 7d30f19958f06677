// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Discovery is the target definition of Prometheus' HTTP service discovery:
// which addresses of which objects are targets.
type Discovery struct {
	port         string
	useEIPs      bool // target addresses are EIPs, not private addresses
	perInterface bool // one target per interface, not per desktop
}

// DiscoveryParameters returns the names of the parameters that ParseDiscovery reads.
func DiscoveryParameters() []string { return []string{"port", "address", "each"} }

// ParseDiscovery parses the service discovery parameters of a request. The error
// names the invalid parameter and its valid values.
func ParseDiscovery(query url.Values) (Discovery, error) {
	var d Discovery
	switch port, err := strconv.ParseUint(query.Get("port"), 10, 16); {
	case query.Get("port") == "":
		return d, fmt.Errorf(`parameter "port" is missing: the port to scrape on the desktops, such as 9182 for windows_exporter`)
	case err != nil || port == 0:
		return d, fmt.Errorf(`parameter "port" must be a number from 1 to 65535, not %q`, query.Get("port"))
	default:
		d.port = strconv.FormatUint(port, 10)
	}
	var err error
	if d.useEIPs, err = parseChoice(query, "address", "private_ip", "eip"); err != nil {
		return d, err
	}
	d.perInterface, err = parseChoice(query, "each", "desktop", "interface")
	return d, err
}

// parseChoice reports whether a parameter has its second value; the first one is
// the default.
func parseChoice(query url.Values, name, first, second string) (bool, error) {
	switch query.Get(name) {
	case first, "":
		return false, nil
	case second:
		return true, nil
	}
	return false, fmt.Errorf("parameter %q must be %s or %s, not %q", name, first, second, query.Get(name))
}

// Complete returns an error that describes what is missing if the targets of a
// project that f matches are not all known: Prometheus removes every target that
// is not in a response.
func (d *Discovery) Complete(s *inventory.Snapshot, f *Filter) error {
	switch {
	case !s.Health.Listed:
		return fmt.Errorf("the desktops of project %s are not known", s.Project.Name)
	case s.Health.Unread > 0 && (d.useEIPs || d.perInterface || f.needsNetworks() || !s.Discovered):
		return fmt.Errorf("the networks of %d of the %d desktops of project %s are not known", s.Health.Unread, len(s.Records), s.Project.Name)
	}
	return nil
}

// WriteTargets writes the targets as a JSON list, sorted by project, desktop and
// interface. A desktop that is in several snapshots of the same cloud project is
// written once.
func (d *Discovery) WriteTargets(w io.Writer, snapshots []*inventory.Snapshot, f *Filter, fields Fields) error {
	e := newEncoder(w)
	e.buf = append(e.buf, '[')
	shared := sharedProjects(snapshots)
	written := map[string]bool{}
	for s, r := range f.Desktops(snapshots) {
		if key := s.Project.Region + "\x00" + s.Project.ID; shared[key] {
			key += "\x00" + r.Desktop.ID
			if written[key] {
				continue
			}
			written[key] = true
		}
		d.writeDesktop(e, &target{Row: Row{Project: s.Project, Record: r}, fields: fields}, f)
	}
	if e.comma {
		e.buf = append(e.buf, '\n')
	}
	e.buf = append(e.buf, ']', '\n')
	e.flush()
	return e.err
}

// sharedProjects returns, by region and ID, for each project of the cloud whether
// several configured projects refer to it.
func sharedProjects(snapshots []*inventory.Snapshot) map[string]bool {
	shared := map[string]bool{}
	for _, s := range snapshots {
		key := s.Project.Region + "\x00" + s.Project.ID
		_, seen := shared[key]
		shared[key] = seen
	}
	return shared
}

// writeDesktop writes the targets of one desktop.
func (d *Discovery) writeDesktop(e *encoder, t *target, f *Filter) {
	n := t.Networks
	if !d.perInterface && !d.useEIPs {
		t.address = IP(t.Record)
		for i := range interfaces(n) {
			if n.Interfaces[i].PrivateIP == t.address {
				t.Interface = &n.Interfaces[i]
				break
			}
		}
		d.writeTarget(e, t)
		return
	}
	withoutEIP := f.noEIP && n != nil && !hasEIP(n)
	for i := range interfaces(n) {
		nic := &n.Interfaces[i]
		if d.perInterface && !f.matchesInterface(nic, withoutEIP) {
			continue
		}
		t.Interface, t.address = nic, nic.PrivateIP
		if d.useEIPs {
			t.address = nic.EIP.Address
		}
		if d.writeTarget(e, t) && !d.perInterface {
			return
		}
	}
}

// interfaces returns the interfaces of networks that may be unknown.
func interfaces(n *inventory.Networks) []inventory.Interface {
	if n == nil {
		return nil
	}
	return n.Interfaces
}

// writeTarget writes a target if it has an address, and reports whether it has.
func (d *Discovery) writeTarget(e *encoder, t *target) bool {
	if t.address == "" {
		return false
	}
	e.newline()
	e.begin('{')
	e.array("targets")
	e.stringValue(net.JoinHostPort(t.address, d.port))
	e.end(']')
	e.object("labels")
	for i := range targetLabels {
		if v := targetLabels[i].value(t); v != "" {
			e.string(targetLabels[i].name, v)
		}
	}
	if t.fields.Tags {
		t.writeTags(e)
	}
	e.end('}')
	e.end('}')
	return true
}

// metaPrefix is the prefix of all labels. Prometheus drops labels that begin with
// __ after relabelling.
const metaPrefix = "__meta_huaweicloud_workspace_"

// target is the data of one target's labels. The interface is nil if the
// interface with the address is not known.
type target struct {
	Row
	address string
	fields  Fields
}

// FieldDoc is the documentation of a CSV column or a target label.
type FieldDoc struct {
	Name        string
	Description string
}

type targetLabel struct {
	name        string
	description string
	value       func(*target) string
}

// TargetLabels returns the labels that a target can have, in the order in which
// they are written.
func TargetLabels() []FieldDoc {
	var all []FieldDoc
	for _, l := range targetLabels {
		all = append(all, FieldDoc{l.name, l.description})
	}
	return append(all, FieldDoc{metaPrefix + "tag_KEY", "A tag of the desktop. Characters of its key other than ASCII letters, digits and underscores are replaced by an underscore; of keys that become equal, the first is used. Present only if tags are read: with `metrics.tags`, or with a policy that selects by tags."})
}

// targetLabels is the table of target labels. The values of interface labels are
// empty if the interface is not known.
var targetLabels = makeTargetLabels()

func makeTargetLabels() []targetLabel {
	var labels []targetLabel
	add := func(name, about string, value func(*target) string) {
		labels = append(labels, targetLabel{metaPrefix + name, about, value})
	}
	fields := func(all ...column) {
		for _, f := range all {
			add(f.name, f.description, func(t *target) string { return f.value(&t.Row) })
		}
	}
	fields(identityColumns()...)
	fields(
		column{"desktop_ip", "Its private IP address in the list of desktops.", func(r *Row) string { return r.Desktop.IP }},
		column{"desktop_type", "Its type, for example DEDICATED.", func(r *Row) string { return r.Desktop.Type }},
		column{"status", "Its status, for example ACTIVE.", func(r *Row) string { return r.Desktop.Status }},
		column{"task_status", "The task in progress on the desktop.", func(r *Row) string { return r.Desktop.TaskStatus }},
	)
	fields(ownershipColumns()...)
	add("address", "The address of the target without the port.", func(t *target) string { return t.address })
	fields(
		column{"port_id", "The port ID of the network interface with this address.", interfaceValue(func(i *inventory.Interface) string { return i.PortID })},
		column{"private_ip", "Its private IP address.", interfaceValue(func(i *inventory.Interface) string { return i.PrivateIP })},
	)
	fields(networkColumns()...)
	fields(
		column{"security_group_ids", "The IDs of its security groups as `,a,b,`.", interfaceValue(func(i *inventory.Interface) string {
			return delimitedList(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.ID })
		})},
		column{"security_group_names", "The names of its security groups as `,a,b,`.", interfaceValue(func(i *inventory.Interface) string {
			return delimitedList(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.Name })
		})},
	)
	add("user_names", "The users to whom the desktop is assigned, as `,a,b,`. Present only with `metrics.users`.", func(t *target) string {
		if !t.fields.Users {
			return ""
		}
		return delimitedList(t.Desktop.Users, func(u string) string { return u })
	})
	return labels
}

// delimitedList returns the texts of the items with a comma before and after each,
// so that a regular expression matches one item independently of its position.
func delimitedList[T any](all []T, text func(T) string) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte(',')
	for _, v := range all {
		b.WriteString(text(v))
		b.WriteByte(',')
	}
	return b.String()
}

// writeTags writes the labels of the desktop's tags. A JSON object must not
// contain a key twice, so of keys that become equal the first is used.
func (t *target) writeTags(e *encoder) {
	seen := map[string]bool{}
	for _, tag := range t.Desktop.Tags {
		key := inventory.LabelName(tag.Key)
		if tag.Value == "" || seen[key] {
			continue
		}
		seen[key] = true
		e.string(metaPrefix+"tag_"+key, tag.Value)
	}
}
