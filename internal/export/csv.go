// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Columns lists the columns of CSV with what they say.
func Columns(show Show) []Label {
	var all []Label
	for _, c := range columns(show) {
		all = append(all, Label{c.name, c.about})
	}
	return all
}

// columns are those of CSV. Those of an interface are empty where there is none.
func columns(show Show) []field {
	all := slices.Concat(
		identity(),
		[]field{
			{"desktop_ip", "Its address.", func(r *Row) string { return IP(r.Record) }},
			{"status", "Such as ACTIVE.", func(r *Row) string { return r.Desktop.Status }},
			{"task_status", "What is being done to it, if anything.", func(r *Row) string { return r.Desktop.TaskStatus }},
			{"desktop_type", "Such as DEDICATED.", func(r *Row) string { return r.Desktop.Type }},
		},
		belonging(),
		[]field{
			{"networks_known", "true, or false: nothing is known of its interfaces, and the next columns are empty.", func(r *Row) string { return strconv.FormatBool(r.Networks != nil) }},
			{"port_id", "The network interface.", ofInterface(func(i *inventory.Interface) string { return i.PortID })},
			{"private_ip", "Its address.", ofInterface(func(i *inventory.Interface) string { return i.PrivateIP })},
		},
		place(),
		[]field{
			{"security_group_ids", "Its security groups, with commas between them.", ofInterface(func(i *inventory.Interface) string {
				return join(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.ID })
			})},
			{"security_group_names", "Their names, in the same order.", ofInterface(func(i *inventory.Interface) string {
				return join(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.Name })
			})},
		},
	)
	if show.Tags {
		all = append(all, field{"tags", "The desktop's tags, as key=value, with commas between them. Only where tags are read.", func(r *Row) string {
			return join(r.Desktop.Tags, func(t inventory.Tag) string { return t.Key + "=" + t.Value })
		}})
	}
	if show.Users {
		all = append(all, field{"user_names", "The users that the desktop is assigned to, with commas between them. Only with `metrics.users`.", func(r *Row) string {
			return strings.Join(r.Desktop.Users, ",")
		}})
	}
	return all
}

func join[T any](all []T, text func(T) string) string {
	if len(all) == 0 {
		return ""
	}
	s := list(all, text)
	return s[1 : len(s)-1]
}

// WriteCSV writes the inventory as RFC 4180 has it, with a header: one line for
// each interface, and one for each desktop without any.
func (v *Inventory) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(bufio.NewWriterSize(w, chunk)) // which the writer takes for its own
	out.UseCRLF = true
	all := columns(v.Show)
	line := make([]string, len(all))
	for i, c := range all {
		line[i] = c.name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	var rows []Row
	for s, r := range v.Filter.Desktops(v.Snapshots) {
		rows = Rows(rows[:0], s.Project, r)
		for i := range rows {
			for j, c := range all {
				line[j] = Harmless(c.value(&rows[i]))
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// Harmless keeps spreadsheets from taking a text for a formula: it puts an
// apostrophe before one that begins as formulas do, or with an apostrophe.
// Whoever drops an apostrophe at the beginning gets the text back.
func Harmless(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", first) {
		return "'" + text
	}
	return text
}
