// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
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
			{"security_group_ids", "The IDs of its security groups, comma-separated; empty if there are none or they are unknown.", interfaceValue(func(i *inventory.Interface) string {
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
	out := bufio.NewWriterSize(w, bufferSize)
	all := csvColumns(v.Fields)
	line := make([]string, len(all))
	for i, c := range all {
		line[i] = c.name
	}
	if err := writeCSVLine(out, line); err != nil {
		return err
	}
	var rows []Row
	for s, r := range v.Filter.Desktops(v.Snapshots) {
		rows = Rows(rows[:0], s.Project, r)
		for i := range rows {
			for j, c := range all {
				line[j] = EscapeFormula(c.value(&rows[i]))
			}
			if err := writeCSVLine(out, line); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// csvQuote replaces what cannot stand in a quoted field. A lone carriage return is
// dropped, as by encoding/csv: every line break is CRLF.
var csvQuote = strings.NewReplacer(`"`, `""`, "\r", "", "\n", "\r\n")

// writeCSVLine writes a line. Unlike csv.Writer, it quotes fields with a separator
// of any locale: a spreadsheet that splits lines at semicolons, tabs or bars must
// not find a formula behind one.
func writeCSVLine(out *bufio.Writer, line []string) error {
	for i, field := range line {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		if strings.ContainsAny(field, ",;|\t\"\r\n") || strings.TrimSpace(field) != field {
			field = `"` + csvQuote.Replace(field) + `"`
		}
		_, _ = out.WriteString(field)
	}
	_, err := out.WriteString("\r\n") // bufio.Writer repeats the first error
	return err
}

// EscapeFormula prevents spreadsheets from evaluating text as a formula: text
// whose first character is an apostrophe, a tab or a line break, or whose first
// visible character begins a formula, gets a leading apostrophe. Removing one
// leading apostrophe restores the text.
func EscapeFormula(text string) string {
	if text == "" {
		return text
	}
	visible := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	first, _ := utf8.DecodeRuneInString(visible)
	if strings.ContainsRune("\t\r\n'", rune(text[0])) || visible != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}
