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

// TestDocs compares docs/metrics.md with the table of metrics, or writes it.
func TestDocs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Metrics

<!-- Written by: go test ./collector -run TestDocs -update -->

Every metric of a project begins with the labels ` + "`region` and `project_id`" + `. Metrics are labelled by ID because names can
change; names are labels of the ` + "`_info`" + ` metrics only, whose value is always 1: join them by ID.
Each metric has a fixed set of labels: the value of an absent label is empty. Unknown data has no series: until the
networks of a desktop are read, it has ` + "`desktop_info`, but no `desktop_eips`" + `, rather than a zero.

Use ` + "`metrics.disable`" + ` to disable families, by their name without ` + "`" + prefix + "`" + `.

## Projects and desktops

`)
	writeTable := func(exporter bool) {
		b.WriteString("| metric | type | labels | description |\n| --- | --- | --- | --- |\n")
		for _, m := range Table() {
			if m.Exporter != exporter {
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
	writeTable(false)
	b.WriteString(`
### Tags

` + "`desktop_tags_info`" + ` has a label for each key of ` + "`metrics.tags`" + `: ` + "`tag_`" + ` and the key. Everything in the key but
letters, digits and underscores of ASCII is replaced by an underscore, as in the service discoveries of Prometheus. A key
without such characters keeps its name. Where several others result in the same name, each of them gets a suffix that
depends on the key only:

| key | label |
| --- | --- |
`)
	for _, l := range tagLabels([]string{"team", "cost-center", "env.name", "env name", "env_name"}) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", l.key, l.name)
	}
	b.WriteString(`
### Findings

` + "`findings`" + ` counts the inconsistencies in the data of the API, and ` + "`finding_info`" + ` lists them with the objects involved,
the first ` + fmt.Sprint(maxFindings) + ` of each reason in the order of their IDs. A reason that was checked without a finding is 0. A reason
that cannot be checked is absent: all of them while no networks are known, the two of the EIP list without that list.

| reason | subject_id | other_id | value | inconsistency |
| --- | --- | --- | --- | --- |
`)
	for _, r := range inventory.FindingReasons() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r, findingDocs[r])
	}
	b.WriteString(`
Each inconsistency is one finding. Where n desktops share an address, there are n-1 findings, each for two desktops with
adjacent IDs. A text that is empty or not an address is never inconsistent, nor is an IPv6 address in a subnet with an
IPv4 CIDR. A VPC with several CIDRs in the data of its desktops is being changed, and overlaps with none until they agree.

An address that moves from one desktop to another is not inconsistent, although the two are read at different times: a
duplicate address is a finding only when both desktops were read again. The EIP list and the networks of a desktop are
inconsistent when each was read between two reads of the other, with the same result. The list is read in every refresh
where the quota does not pay for a full read, otherwise every ten minutes, for the second time six minutes after the start;
with ` + "`eips: false`" + `, or without the permission, these two reasons are absent. With ` + "`desktops.enterprise_project_id`" + ` the
list is that of the enterprise project, which need not contain the EIP of a desktop: then ` + "`eip_not_listed`" + ` is absent.

### One project under several names

Two projects of the configuration may select desktops of the same project and region, with different filters. Then each
desktop is exported once, whichever of them selects it; ` + "`up`" + ` is 0 if one of them failed, times are the oldest, durations
the longest, counts and findings those of all desktops together. ` + "`project_info`" + ` has a series for each name. Duplicates are
counted by ` + "`" + exporterPrefix + objectsDropped + "{reason=\"" + droppedOverlap + "\"}`" + `.

## Exporter

`)
	writeTable(true)
	b.WriteString(`
There are also the metrics of client_golang for the Go runtime (` + "`go_`" + `) and the process (` + "`process_`" + `).
` + "`--web.disable-exporter-metrics`" + ` disables all metrics of this section.
`)
	golden(t, filepath.Join("..", "docs", "metrics.md"), b.String())
}

// findingDocs are the columns of docs/metrics.md for each reason.
var findingDocs = map[inventory.FindingReason]string{
	inventory.AddressOutsideSubnet: "desktop | subnet | private address | The CIDR of its subnet does not contain the address.",
	inventory.AddressUsedTwice:     "desktop | desktop | private address | Two network interfaces in one VPC have the address, of two desktops or (with equal IDs) of one.",
	inventory.EIPNotListed:         "desktop | | EIP | The networks of the desktop contain the EIP, but the EIP list does not bind it to the desktop.",
	inventory.EIPNotShown:          "desktop | | EIP | The EIP list binds the EIP to the desktop, but the networks of the desktop do not contain it.",
	inventory.EIPUsedTwice:         "desktop | desktop | EIP, or its ID | Two desktops have the EIP.",
	inventory.SubnetOutsideVPC:     "subnet | VPC | CIDR of the subnet | The CIDR of its VPC does not contain that of the subnet. The API returns one CIDR of a VPC: a subnet in a secondary one is a finding, too.",
	inventory.VPCsOverlap:          "VPC | VPC | CIDR of the first | Two VPCs with desktops overlap. The second is the smallest that contains the first.",
}
