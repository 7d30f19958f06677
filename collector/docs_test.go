// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestDocs writes docs/metrics.md from the table, and finds it up to date.
func TestDocs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Metrics

<!-- Written by: go test ./collector -run TestDocs -update -->

Every metric of a project begins with the labels ` + "`region` and `project_id`" + `. IDs identify; names may change, so
they stand only in the metrics that end in ` + "`_info`" + `, whose value is always 1: join them by ID.
A label set is fixed: what the cloud leaves out is an empty text. What is not known has no series: while the
networks of a desktop were never read, it has ` + "`desktop_info`, but no `desktop_eips`" + `, not a zero.

Families are switched off with ` + "`metrics.disable`" + `, by their name without ` + "`" + prefix + "`" + `.

## Of projects and their desktops

`)
	rows := func(own bool) {
		b.WriteString("| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n")
		for _, m := range Table() {
			if m.Own != own {
				continue
			}
			help := m.Help
			if m.OptIn != "" {
				help += fmt.Sprintf(" Only with `%s`.", m.OptIn)
			}
			labels := strings.Join(m.Labels, ", ")
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, strings.ReplaceAll(help, "|", `\|`))
		}
	}
	rows(false)
	b.WriteString(`
### Tags

` + "`desktop_tags_info`" + ` has a label for each key of ` + "`metrics.tags`" + `: ` + "`tag_`" + ` and the key, in which everything but letters,
digits and underscores of ASCII is replaced by an underscore, as Prometheus does for its service discoveries. A key that
needs no replacing keeps its name always. Where several others come down to the same name, each of them gets a suffix that
depends on the key alone:

| key | label |
| --- | --- |
`)
	for _, l := range tagLabels([]string{"team", "cost-center", "env.name", "env name", "env_name"}) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", l.key, l.name)
	}
	b.WriteString(`
### Findings

` + "`findings`" + ` counts what contradicts itself in what the cloud says, and ` + "`finding_info`" + ` tells of each what it is about; beyond
` + fmt.Sprint(maxFindings) + ` of a reason, in the order of their IDs, only the count goes on. A reason that was looked for without success is 0. One
that cannot be looked for is absent: all of them while no networks are known, the two of the EIP list without that list.

| reason | subject_id | other_id | value | what contradicts itself |
| --- | --- | --- | --- | --- |
`)
	about := map[inventory.FindingReason]string{
		inventory.AddressOutsideSubnet: "desktop | subnet | private address | The CIDR of its subnet does not hold the address.",
		inventory.AddressUsedTwice:     "desktop | desktop | private address | Two network interfaces in one VPC have the address, of two desktops or (both IDs alike) of one.",
		inventory.EIPNotListed:         "desktop | | EIP | The networks of the desktop show the EIP, the EIP list does not bind it to the desktop.",
		inventory.EIPNotShown:          "desktop | | EIP | The EIP list binds the EIP to the desktop, the networks of the desktop do not show it.",
		inventory.EIPUsedTwice:         "desktop | desktop | EIP, or its ID | Two desktops show the EIP.",
		inventory.SubnetOutsideVPC:     "subnet | VPC | CIDR of the subnet | The CIDR of its VPC does not hold that of the subnet. The API tells one CIDR of a VPC: a subnet in a secondary one is found, too.",
		inventory.VPCsOverlap:          "VPC | VPC | CIDR of the first | Two VPCs that desktops are in share addresses. The second is the smallest that holds the first.",
	}
	for _, r := range inventory.FindingReasons() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r, about[r])
	}
	b.WriteString(`
Each contradiction is told once. Where n desktops share an address there are n-1 findings, each of which names two that are
neighbours by their IDs. Text that is empty or no address contradicts nothing, nor does an IPv6 address in a subnet of which an
IPv4 CIDR is told. A VPC of which desktops tell several CIDRs is being changed, and overlaps with none until they agree.

What moves from one desktop to another is no contradiction, though the two are read at different moments. So an address that is
got while another desktop seems to have it is a finding only when both were read again. The EIP list and the networks of a desktop
contradict each other when each was read between two readings of the other, and all of them said the same. The list is read in
every refresh where the quota does not pay for a full read, and else every ten minutes, six minutes after the start for the second
time; with ` + "`eips: false`" + `, or without the permission, these two reasons stay absent. With ` + "`desktops.enterprise_project_id`" + ` the
list is that of the enterprise project, in which an EIP of a desktop need not be: then ` + "`eip_not_listed`" + ` is absent.

### One project under several names

Two projects of the configuration may show desktops of the same project and region, with different filters. Then each
desktop is said once, whichever of them shows it; ` + "`up`" + ` is 0 if one of them failed, times are those of the oldest, durations
those of the longest, counts and findings those of all desktops together. ` + "`project_info`" + ` has a series for each name. What is left out is
counted by ` + "`" + exporterPrefix + objectsDropped + "{reason=\"" + droppedOverlap + "\"}`" + `.

## Of the exporter itself

`)
	rows(true)
	b.WriteString(`
Beside these there are client_golang's metrics of the Go runtime (` + "`go_`" + `) and of the process (` + "`process_`" + `).
With ` + "`--web.disable-exporter-metrics`" + ` none of this section is said.
`)
	golden(t, filepath.Join("..", "docs", "metrics.md"), b.String())
}
