// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// findings returns the findings of an exposition, one a line, and the reasons
// that are unknown. It checks that the counts match.
func findings(t *testing.T, e apptest.Exposition) string {
	t.Helper()
	var lines []string
	counts := map[string]float64{}
	e.Each("finding_info", func(l apptest.Labels, _ float64) {
		lines = append(lines, strings.Join(strings.Fields(strings.Join([]string{l.Get("reason"), l.Get("subject_id"), l.Get("other_id"), l.Get("value")}, " ")), " "))
		counts[l.Get("reason")]++
	})
	slices.Sort(lines)
	known := map[string]bool{}
	e.Each("findings", func(l apptest.Labels, n float64) {
		known[l.Get("reason")] = true
		if counts[l.Get("reason")] != n {
			t.Errorf("%v findings of %s, and %v lines", n, l.Get("reason"), counts[l.Get("reason")])
		}
	})
	for _, reason := range []string{"address_outside_subnet", "address_used_twice", "eip_not_listed", "eip_not_shown", "eip_used_twice", "subnet_outside_vpc", "vpcs_overlap"} {
		if !known[reason] {
			lines = append(lines, reason+"?")
		}
	}
	return strings.Join(lines, "\n")
}

// wantFindings scrapes every minute for some time and compares the last findings.
func (s *scenario) wantFindings(after time.Duration, want string) {
	s.Helper()
	for end := time.Now().Add(after); time.Now().Before(end); time.Sleep(time.Minute) {
		s.Scrape()
	}
	if diff := gocmp.Diff(want, findings(s.T, s.Scrape())); diff != "" {
		s.Errorf("after %s (-want +got)\n%s", after, diff)
	}
}

// withoutEIP returns a desktop whose networks lack the EIP that the EIP list has.
func withoutEIP(d simulator.Desktop) simulator.Desktop {
	nic := d.Interfaces[0]
	d.RawNetworks = fmt.Appendf(nil, `{"computer_id":%q,"network_infos":[{"port_info":{"id":%q,"ip_address":%q}}]}`, d.ID, nic.PortID, nic.PrivateIP)
	return d
}

const noList = "eip_not_listed?\neip_not_shown?"

// TestFindings causes and resolves a finding of each reason.
func TestFindings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outside := apptest.Desktop("d1", "1.1.1.1")
		outside.Interfaces[0].PrivateIP = "10.0.7.1"
		moved := apptest.Desktop("d2", "1.1.1.1")
		moved.Interfaces[0].VPC = simulator.VPC{ID: "vpc2", Name: "small", CIDR: "10.0.1.0/24"}
		same := apptest.Desktop("d3", "")
		other := apptest.Desktop("d4", "")
		other.Interfaces[0].PrivateIP = same.Interfaces[0].PrivateIP
		s := newScenario(t, apptest.OfficeYAML, outside, moved, same, other, withoutEIP(apptest.Desktop("d5", "5.5.5.5")), apptest.Desktop("d6", "6.6.6.6"))
		const own = "address_outside_subnet d1 subnet1 10.0.7.1\naddress_used_twice d3 d4 10.0.0.3\neip_used_twice d1 d2 1.1.1.1\n"
		const vpcs = "subnet_outside_vpc subnet1 vpc2 10.0.0.0/24\nvpcs_overlap vpc2 vpc1 10.0.1.0/24"
		s.wantFindings(0, own+vpcs+"\n"+noList)
		s.wantFindings(20*time.Minute, strings.Replace(own, "eip_used", "eip_not_shown d5 5.5.5.5\neip_used", 1)+vpcs)
		s.Cloud.SetDesktops(apptest.ProjectA, []simulator.Desktop{apptest.Desktop("d1", "1.1.1.1"), apptest.Desktop("d2", "2.2.2.2"), apptest.Desktop("d3", ""), apptest.Desktop("d4", ""), apptest.Desktop("d5", "5.5.5.5")})
		s.wantFindings(0, "")
		s.Cloud.SetDesktops(apptest.ProjectA, nil)
		s.wantFindings(0, "")
	})
}

// TestFindingsInOutage checks that findings become stale and then unknown,
// and that neither an outage nor a moved EIP is a finding.
func TestFindingsInOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML, withoutEIP(apptest.Desktop("d1", "1.1.1.1")), apptest.Desktop("d2", "2.2.2.2"), apptest.Desktop("d3", ""))
		const found = "eip_not_shown d1 1.1.1.1"
		s.wantFindings(20*time.Minute, found)

		heal := s.Cloud.AddFault(simulator.Fault{Operation: networks, Status: 503})
		s.wantFindings(10*time.Minute, found)
		s.wantFindings(10*time.Minute, "address_outside_subnet?\naddress_used_twice?\neip_not_listed?\neip_not_shown?\neip_used_twice?\nsubnet_outside_vpc?\nvpcs_overlap?")
		heal()
		s.wantFindings(20*time.Minute, found)

		heal = s.Cloud.AddFault(simulator.Fault{Operation: bindings, HangBeforeHeader: true})
		s.wantFindings(time.Hour, noList)
		heal()
		s.wantFindings(20*time.Minute, found)

		s.Cloud.UpdateDesktop(apptest.ProjectA, "d1", func(d *simulator.Desktop) { d.RawNetworks = nil })
		s.wantFindings(0, "")
		for i := range 60 {
			from, to := "d2", "d3"
			if i%2 == 1 {
				from, to = to, from
			}
			s.Cloud.UpdateDesktop(apptest.ProjectA, from, func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
			s.Cloud.UpdateDesktop(apptest.ProjectA, to, func(d *simulator.Desktop) {
				d.Interfaces[0].EIP = &simulator.EIP{ID: "e2", Address: fmt.Sprint("2.2.2.", i)}
			})
			s.wantFindings(time.Duration(i%4)*time.Minute, "")
		}
	})
}

// TestFindingsWithoutPermission denies the EIP list: the two reasons that need it
// are unknown, and nothing else changes.
func TestFindingsWithoutPermission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML, withoutEIP(apptest.Desktop("d1", "1.1.1.1")), apptest.Desktop("d2", "2.2.2.2"))
		s.Cloud.AddKey(simulator.Key{AccessKey: "AKOFFICE", SecretKey: apptest.SecretKey, Deny: []string{bindings}})
		s.wantFindings(2*time.Hour, noList)
		if e := s.Scrape(); e.Sum("up") != 1 || e.Sum("desktops_stale") != 0 {
			t.Errorf("up %v", e.Sum("up"))
		}
		if n := s.Cloud.CallCount(bindings); n != 2 {
			t.Errorf("%d calls of the EIP list in two hours, want 2", n)
		}
	})
}
