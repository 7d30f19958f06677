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

// Discovery says what makes a target of Prometheus' HTTP service discovery.
type Discovery struct {
	port   string
	eips   bool // addresses are EIPs, not private ones
	plural bool // each interface is a target, not each desktop
}

// DiscoveryParameters lists the parameters that ParseDiscovery reads.
func DiscoveryParameters() []string { return []string{"port", "address", "each"} }

// ParseDiscovery reads the parameters of service discovery.
func ParseDiscovery(query url.Values) (Discovery, error) {
	var d Discovery
	switch port, err := strconv.ParseUint(query.Get("port"), 10, 16); {
	case query.Get("port") == "":
		return d, fmt.Errorf(`parameter "port" is missing: the port that is scraped on the desktops, such as 9182 of windows_exporter`)
	case err != nil || port == 0:
		return d, fmt.Errorf(`parameter "port" takes a number from 1 to 65535, not %q`, query.Get("port"))
	default:
		d.port = strconv.FormatUint(port, 10)
	}
	var err error
	if d.eips, err = choice(query, "address", "private_ip", "eip"); err != nil {
		return d, err
	}
	d.plural, err = choice(query, "each", "desktop", "interface")
	return d, err
}

// choice tells whether a parameter has its second value, where the first one is
// the default.
func choice(query url.Values, name, first, second string) (bool, error) {
	switch query.Get(name) {
	case first, "":
		return false, nil
	case second:
		return true, nil
	}
	return false, fmt.Errorf("parameter %q takes %s or %s, not %q", name, first, second, query.Get(name))
}

// Knows tells whether the targets of a project are known: whoever got less than
// all would take the others for gone. The error says what is missing.
func (d *Discovery) Knows(s *inventory.Snapshot, f *Filter) error {
	switch {
	case !s.Health.Listed:
		return fmt.Errorf("the desktops of project %s are not known", s.Project.Name)
	case s.Health.Unread > 0 && (d.eips || d.plural || f.asksNetworks() || !s.Discovered):
		return fmt.Errorf("the networks of %d of the %d desktops of project %s are not known", s.Health.Unread, len(s.Records), s.Project.Name)
	}
	return nil
}

// Targets writes the targets as a JSON list, by project, desktop and interface.
// A desktop that several of the projects show is in it once.
func (d *Discovery) Targets(w io.Writer, snapshots []*inventory.Snapshot, f *Filter, show Show) error {
	e := newEncoder(w)
	e.buf = append(e.buf, '[')
	shared := sharedProjects(snapshots)
	known := map[string]bool{}
	for s, r := range f.Desktops(snapshots) {
		if key := s.Project.Region + "\x00" + s.Project.ID; shared[key] {
			key += "\x00" + r.Desktop.ID
			if known[key] {
				continue
			}
			known[key] = true
		}
		d.desktop(e, &target{Row: Row{Project: s.Project, Record: r}, show: show}, f)
	}
	if e.comma {
		e.buf = append(e.buf, '\n')
	}
	e.buf = append(e.buf, ']', '\n')
	e.flush()
	return e.err
}

// sharedProjects finds the projects of the cloud that several of the
// configuration are about.
func sharedProjects(snapshots []*inventory.Snapshot) map[string]bool {
	shared := map[string]bool{}
	for _, s := range snapshots {
		key := s.Project.Region + "\x00" + s.Project.ID
		_, known := shared[key]
		shared[key] = known
	}
	return shared
}

// desktop writes the targets that a desktop is.
func (d *Discovery) desktop(e *encoder, t *target, f *Filter) {
	n := t.Networks
	if !d.plural && !d.eips {
		t.address = IP(t.Record)
		for i := range interfaces(n) {
			if n.Interfaces[i].PrivateIP == t.address {
				t.Interface = &n.Interfaces[i]
				break
			}
		}
		d.target(e, t)
		return
	}
	free := f.unbound && n != nil && !hasEIP(n)
	for i := range interfaces(n) {
		nic := &n.Interfaces[i]
		if d.plural && !f.matchesInterface(nic, free) {
			continue
		}
		t.Interface, t.address = nic, nic.PrivateIP
		if d.eips {
			t.address = nic.EIP.Address
		}
		if d.target(e, t) && !d.plural {
			return
		}
	}
}

func interfaces(n *inventory.Networks) []inventory.Interface {
	if n == nil {
		return nil
	}
	return n.Interfaces
}

// target writes a target, unless it has no address.
func (d *Discovery) target(e *encoder, t *target) bool {
	if t.address == "" {
		return false
	}
	e.line()
	e.open('{')
	e.array("targets")
	e.value(net.JoinHostPort(t.address, d.port))
	e.end(']')
	e.object("labels")
	for i := range targetLabels {
		if v := targetLabels[i].value(t); v != "" {
			e.text(targetLabels[i].key, v)
		}
	}
	if t.show.Tags {
		t.tags(e)
	}
	e.end('}')
	e.end('}')
	return true
}

// metaPrefix begins all labels: Prometheus drops what begins with __ after
// relabelling.
const metaPrefix = "__meta_huaweicloud_workspace_"

// target is what labels are made from. The interface is nil where it is not
// known which one has the address.
type target struct {
	Row
	address string
	show    Show
}

// Label is a label that targets can have.
type Label struct {
	Name  string
	About string
}

type targetLabel struct {
	key   string
	about string
	value func(*target) string
}

// TargetLabels lists the labels that targets can have, in their order.
func TargetLabels() []Label {
	var all []Label
	for _, l := range targetLabels {
		all = append(all, Label{l.key, l.about})
	}
	return append(all, Label{metaPrefix + "tag_KEY", "A tag of the desktop. In its key, everything but letters, digits and underscores of ASCII is replaced by an underscore; of keys that become alike, the first counts. Where tags are read: with `metrics.tags`, or a policy that selects by tags."})
}

// targetLabels is the table of labels. Those of an interface are empty where it
// is not known.
var targetLabels = makeTargetLabels()

func makeTargetLabels() []targetLabel {
	var labels []targetLabel
	add := func(name, about string, value func(*target) string) {
		labels = append(labels, targetLabel{metaPrefix + name, about, value})
	}
	fields := func(all ...field) {
		for _, f := range all {
			add(f.name, f.about, func(t *target) string { return f.value(&t.Row) })
		}
	}
	fields(identity()...)
	fields(
		field{"desktop_ip", "Its address as the list of desktops has it.", func(r *Row) string { return r.Desktop.IP }},
		field{"desktop_type", "Such as DEDICATED.", func(r *Row) string { return r.Desktop.Type }},
		field{"status", "Such as ACTIVE.", func(r *Row) string { return r.Desktop.Status }},
		field{"task_status", "What is being done to the desktop, if anything.", func(r *Row) string { return r.Desktop.TaskStatus }},
	)
	fields(belonging()...)
	add("address", "The address of the target, without the port.", func(t *target) string { return t.address })
	fields(
		field{"port_id", "The network interface with this address.", ofInterface(func(i *inventory.Interface) string { return i.PortID })},
		field{"private_ip", "Its private address.", ofInterface(func(i *inventory.Interface) string { return i.PrivateIP })},
	)
	fields(place()...)
	fields(
		field{"security_group_ids", "Its security groups, as `,a,b,`.", ofInterface(func(i *inventory.Interface) string {
			return list(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.ID })
		})},
		field{"security_group_names", "Their names, as `,a,b,`.", ofInterface(func(i *inventory.Interface) string {
			return list(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.Name })
		})},
	)
	add("user_names", "The users that the desktop is assigned to, as `,a,b,`. Only with `metrics.users`.", func(t *target) string {
		if !t.show.Users {
			return ""
		}
		return list(t.Desktop.Users, func(u string) string { return u })
	})
	return labels
}

// list joins texts such that each stands between two commas, so that a regular
// expression can look for one without looking where it stands.
func list[T any](all []T, text func(T) string) string {
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

// tags writes the labels of tags. An object must not have one key twice, so of
// keys that become alike the first counts.
func (t *target) tags(e *encoder) {
	taken := map[string]bool{}
	for _, tag := range t.Desktop.Tags {
		key := inventory.LabelName(tag.Key)
		if tag.Value == "" || taken[key] {
			continue
		}
		taken[key] = true
		e.text(metaPrefix+"tag_"+key, tag.Value)
	}
}
