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

// CSVColumns returns the columns that WriteCSV writes for fields, in order.
func CSVColumns(fields Fields) []FieldDoc {
	var all []FieldDoc
	for _, c := range csvColumns(fields) {
		all = append(all, FieldDoc{c.name, c.description})
	}
	return all
}

// csvColumns is the table of CSV columns. The values of interface columns are
// empty for a desktop without interfaces.
func csvColumns(fields Fields) []column {
	all := slices.Concat(
		identityColumns(),
		[]column{
			{"desktop_ip", "Its private IP address.", func(r *Row) string { return IP(r.Record) }},
			{"status", "Its status, for example ACTIVE.", func(r *Row) string { return r.Desktop.Status }},
			{"task_status", "The task in progress on it; empty if there is none.", func(r *Row) string { return r.Desktop.TaskStatus }},
			{"desktop_type", "Its type, for example DEDICATED.", func(r *Row) string { return r.Desktop.Type }},
		},
		ownershipColumns(),
		[]column{
			{"networks_known", "true if its network interfaces are known. If false, all interface columns are empty.", func(r *Row) string { return strconv.FormatBool(r.Networks != nil) }},
			{"port_id", "The port ID of the network interface.", interfaceValue(func(i *inventory.Interface) string { return i.PortID })},
			{"private_ip", "Its private IP address.", interfaceValue(func(i *inventory.Interface) string { return i.PrivateIP })},
		},
		networkColumns(),
		[]column{
			{"security_group_ids", "The IDs of its security groups, comma-separated.", interfaceValue(func(i *inventory.Interface) string {
				return commaList(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.ID })
			})},
			{"security_group_names", "The names of its security groups, in the same order.", interfaceValue(func(i *inventory.Interface) string {
				return commaList(i.SecurityGroups, func(g inventory.SecurityGroup) string { return g.Name })
			})},
		},
	)
	if fields.Tags {
		all = append(all, column{"tags", "The desktop's tags as key=value, comma-separated. Present only if tags are read.", func(r *Row) string {
			return commaList(r.Desktop.Tags, func(t inventory.Tag) string { return t.Key + "=" + t.Value })
		}})
	}
	if fields.Users {
		all = append(all, column{"user_names", "The users to whom the desktop is assigned, comma-separated. Present only with `metrics.users`.", func(r *Row) string {
			return strings.Join(r.Desktop.Users, ",")
		}})
	}
	return all
}

// commaList returns the texts of the items, comma-separated.
func commaList[T any](all []T, text func(T) string) string {
	if len(all) == 0 {
		return ""
	}
	s := delimitedList(all, text)
	return s[1 : len(s)-1]
}

// WriteCSV writes the inventory as CSV (RFC 4180) with a header line: one line
// for each interface, and one for each desktop without interfaces.
func (v *Inventory) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(bufio.NewWriterSize(w, bufferSize)) // csv.NewWriter uses it without a second buffer
	out.UseCRLF = true
	all := csvColumns(v.Fields)
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
				line[j] = EscapeFormula(c.value(&rows[i]))
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// EscapeFormula prevents spreadsheets from evaluating text as a formula: text
// that begins with a formula character or an apostrophe gets a leading
// apostrophe. Removing one leading apostrophe restores the text.
func EscapeFormula(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", first) {
		return "'" + text
	}
	return text
}
