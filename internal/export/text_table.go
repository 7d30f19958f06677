// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"cmp"
	"io"
	"strings"
	"unicode"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// The texts of a cell without a value, and of a cell whose value is unknown.
const (
	absent  = "-"
	unknown = "?"
)

// tableCells returns the cells of a row.
func tableCells(r *Row) []string {
	row := []string{r.Project.Name, r.Desktop.ID, r.Name(), r.Desktop.Status, IP(r.Record)}
	switch i := r.Interface; {
	case r.Networks == nil:
		row = append(row, unknown, unknown, unknown, unknown)
	case i == nil:
		row = append(row, "", "", "", "")
	default:
		row[4] = i.PrivateIP
		groups := commaList(i.SecurityGroups, func(g inventory.SecurityGroup) string { return cmp.Or(g.Name, g.ID) })
		if i.GroupsUnknown {
			groups = unknown
		}
		row = append(row, i.EIP.Address, cmp.Or(i.VPC.Name, i.VPC.ID), cmp.Or(i.Subnet.Name, i.Subnet.ID), groups)
	}
	for i, text := range row {
		if row[i] = printable(text); text == "" {
			row[i] = absent
		}
	}
	return row
}

// WriteTable writes the inventory as a text table with aligned columns: one line
// for each interface, and a question mark for each value that is unknown.
func (v *Inventory) WriteTable(w io.Writer) error {
	header := []string{"PROJECT", "DESKTOP", "NAME", "STATUS", "PRIVATE IP", "EIP", "VPC", "SUBNET", "SECURITY GROUPS"}
	widths := make([]int, len(header))
	// The rows are computed twice, so that they need not be kept in memory.
	forEachRow := func(do func([]string)) {
		do(header)
		var rows []Row
		for s, r := range v.Filter.Desktops(v.Snapshots) {
			rows = Rows(rows[:0], s.Project, r)
			for i := range rows {
				do(tableCells(&rows[i]))
			}
		}
	}
	forEachRow(func(row []string) {
		for i, text := range row {
			widths[i] = max(widths[i], displayWidth(text))
		}
	})
	out := bufio.NewWriterSize(w, bufferSize)
	forEachRow(func(row []string) {
		for i, text := range row {
			_, _ = out.WriteString(text) // Flush returns the error
			if i < len(row)-1 {
				_, _ = out.WriteString(strings.Repeat(" ", widths[i]-displayWidth(text)+2))
			}
		}
		_ = out.WriteByte('\n')
	})
	return out.Flush()
}

// printable replaces control and other non-printable characters by U+FFFD.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, text)
}

// displayWidth returns the number of terminal columns of a text.
func displayWidth(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.Is(wideRunes, r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wideRunes are the East Asian characters and emoji that take two columns in most
// terminals.
var wideRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1},
		{0x2e80, 0x303e, 1},
		{0x3041, 0xa4cf, 1},
		{0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1},
		{0xfe30, 0xfe6f, 1},
		{0xff00, 0xff60, 1},
		{0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x1f300, 0x1f64f, 1},
		{0x1f900, 0x1f9ff, 1},
		{0x20000, 0x3fffd, 1},
	},
}
