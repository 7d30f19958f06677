// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var update = flag.Bool("update", false, "update golden files and generated documents")

// smallFleet returns desktops with two interfaces, without EIP, group or
// interface, with refused networks, and with a name that needs escaping.
func smallFleet() []simulator.Desktop {
	two := apptest.Desktop("d1", "1.1.1.1")
	two.Tags = []simulator.Tag{{Key: "team", Value: "finance"}}
	two.Users = []simulator.User{{Name: "ana"}}
	second := two.Interfaces[0]
	second.PortID, second.PrivateIP, second.EIP = "port-d1b", "10.0.9.1", nil
	second.Subnet = simulator.Subnet{ID: "subnet2", Name: "storage", CIDR: "10.0.9.0/28"}
	second.Groups = append(second.Groups, simulator.Group{ID: "sg2", Name: "storage"})
	two.Interfaces = append(two.Interfaces, second)

	bare := apptest.Desktop("d2", "")
	bare.Interfaces[0].Groups = nil
	bare.PoolID, bare.AvailabilityZone, bare.Type, bare.EnterpriseProjectID, bare.Status = "pool1", "la-north-2a", "SHARED", "0", "SHUTOFF"

	none := apptest.Desktop("d3", "")
	none.Interfaces = nil

	refused := apptest.Desktop("d4", "4.4.4.4")
	refused.Hidden = true

	hostile := apptest.Desktop("d5", "5.5.5.5")
	hostile.Name = "a\"b\\c\nd😀\xff</script>{x=\"y\"} 1"
	return []simulator.Desktop{two, bare, none, refused, hostile}
}

// TestExposition compares an exposition byte by byte. In virtual time even the
// timestamps are constant.
func TestExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+"metrics: {tags: [team], users: true}\n", smallFleet()...)
		time.Sleep(time.Minute)
		got := s.Get("/probe?target=office")
		const path = "testdata/small.prom"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		// Unchanged data has the same bytes, except for metrics of the refresh.
		time.Sleep(time.Minute)
		if diff := gocmp.Diff(stableLines(got), stableLines(s.Get("/probe?target=office"))); diff != "" {
			t.Errorf("two scrapes of unchanged data differ (-first +second)\n%s", diff)
		}
	})
}

// stableLines returns the lines that do not change with every refresh.
func stableLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "huaweicloud_workspace_refresh_") && !strings.HasPrefix(line, "huaweicloud_workspace_oldest_data_") {
			lines = append(lines, line)
		}
	}
	return lines
}
