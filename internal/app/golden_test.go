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

var update = flag.Bool("update", false, "write golden files and generated documents anew")

// small is a fleet that can be checked by hand, on the wire: two interfaces,
// no EIP, no group, no interface, networks that the cloud refuses, and a name
// that would break out of a label.
func small() []simulator.Desktop {
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

// TestExpositionOfASmallFleet compares all that is said, to the byte. Virtual
// time makes even the timestamps repeat.
func TestExpositionOfASmallFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+"metrics: {tags: [team], users: true}\n", small()...)
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
		// Unchanged data is said in the same bytes, but for how the refresh went.
		time.Sleep(time.Minute)
		if diff := gocmp.Diff(unhurried(got), unhurried(s.Get("/probe?target=office"))); diff != "" {
			t.Errorf("two scrapes of unchanged data differ (-first +second)\n%s", diff)
		}
	})
}

// unhurried leaves out the lines that change with every refresh.
func unhurried(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "huaweicloud_workspace_refresh_") && !strings.HasPrefix(line, "huaweicloud_workspace_oldest_data_") {
			lines = append(lines, line)
		}
	}
	return lines
}
