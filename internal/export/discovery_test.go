// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func mustParseDiscovery(t testing.TB, query string) Discovery {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDiscovery(values)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// targetGroup is an element of the list that Prometheus reads.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func writeTargets(t testing.TB, query string, show Fields, snapshots []*inventory.Snapshot) []targetGroup {
	t.Helper()
	f, d := mustParseFilter(t, query), mustParseDiscovery(t, query)
	var out bytes.Buffer
	if err := d.WriteTargets(&out, snapshots, &f, show); err != nil {
		t.Fatal(err)
	}
	var all []targetGroup
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatalf("%v:\n%s", err, out.Bytes())
	}
	return all
}

func addresses(all []targetGroup) string {
	var addresses []string
	for _, g := range all {
		addresses = append(addresses, g.Targets...)
	}
	return strings.Join(addresses, " ")
}

func TestWriteTargets(t *testing.T) {
	for query, want := range map[string]string{
		"port=9182": "10.0.0.11:9182 10.0.0.12:9182 10.0.0.13:9182 10.0.0.14:9182 10.0.0.11:9182",
		"port=9182&address=private_ip&each=desktop":  "10.0.0.11:9182 10.0.0.12:9182 10.0.0.13:9182 10.0.0.14:9182 10.0.0.11:9182",
		"port=09100&each=interface":                  "10.0.0.11:9100 10.0.0.12:9100 10.0.0.13:9100 10.9.0.3:9100 10.0.0.11:9100",
		"port=1&address=eip":                         "192.0.2.1:1 192.0.2.3:1 [2001:db8::5]:1",
		"port=1&address=eip&each=interface":          "192.0.2.1:1 192.0.2.3:1 [2001:db8::5]:1",
		"port=1&each=interface&vpc=lab":              "10.9.0.3:1", // this interface only, not the desktop's other one
		"port=1&each=interface&eip=any":              "10.0.0.11:1 10.9.0.3:1 10.0.0.11:1",
		"port=1&each=interface&eip=none&vpc=main":    "10.0.0.12:1",
		"port=1&vpc=lab":                             "10.0.0.13:1",
		"port=1&address=eip&vpc=main&project=bogota": "192.0.2.1:1 192.0.2.3:1",
		"port=1&status=SHUTOFF":                      "10.0.0.12:1",
		"port=1&status=GONE":                         "",
	} {
		if got := addresses(writeTargets(t, query, Fields{}, fleet())); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestParseDiscoveryErrors(t *testing.T) {
	const port = `parameter "port" must be a number from 1 to 65535, not `
	for query, want := range map[string]string{
		"":                      `parameter "port" is missing: the port to scrape on the desktops, such as 9182 for windows_exporter`,
		"port=0":                port + `"0"`,
		"port=65536":            port + `"65536"`,
		"port=-1":               port + `"-1"`,
		"port=+1":               port + `" 1"`,
		"port=http":             port + `"http"`,
		"port=1&address=public": `parameter "address" must be private_ip or eip, not "public"`,
		"port=1&each=port":      `parameter "each" must be desktop or interface, not "port"`,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseDiscovery(values); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
}

func TestTargetLabels(t *testing.T) {
	all := writeTargets(t, "port=1&search=d1", Fields{Tags: true, Users: true}, detailedFleet())
	want := []targetGroup{{Targets: []string{"10.0.0.11:1"}, Labels: map[string]string{
		"project": "bogota", "region": "la-north-2", "project_id": "0123",
		"desktop_id": "d1", "desktop_name": "Finance-1", "desktop_ip": "10.0.0.11", "desktop_type": "DEDICATED", "status": "ACTIVE",
		"task_status": "rebooting", "pool_id": "pool", "availability_zone": "la-north-2a", "enterprise_project_id": "0",
		"address": "10.0.0.11", "port_id": "p1", "private_ip": "10.0.0.11",
		"vpc_id": "v-main", "vpc_name": "main", "vpc_cidr": "10.0.0.0/8",
		"subnet_id": "s-floor", "subnet_name": "floor", "subnet_cidr": "10.0.0.0/24",
		"eip_id": "e-192.0.2.1", "eip_address": "192.0.2.1",
		"security_group_ids": ",g-default,g-web,", "security_group_names": ",default,web,",
		"user_names": ",ana,wei,", "tag_cost_center": "7", "tag_team": "=finance",
	}}}
	documented := map[string]bool{}
	for _, l := range TargetLabels() {
		documented[l.Name] = true
	}
	labels := map[string]string{}
	for name, value := range want[0].Labels {
		full := metaPrefix + name
		labels[full] = value
		if !documented[full] && !strings.Contains(full, "_tag_") {
			t.Errorf("TargetLabels does not list %s", full)
		}
	}
	want[0].Labels = labels
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, g := range writeTargets(t, "port=1&search=d1", Fields{}, detailedFleet()) {
		for name := range g.Labels {
			if strings.Contains(name, "_tag_") || strings.Contains(name, "user") {
				t.Errorf("%s is written though it is not enabled", name)
			}
		}
	}
}

func TestTargetLabelsOfUnknownInterface(t *testing.T) {
	all := fleet()[:1]
	all[0].Records[0].Desktop.IP = "10.0.0.99" // moved since its networks were read
	for _, g := range writeTargets(t, "port=1&search=d1", Fields{}, all) {
		if g.Targets[0] != "10.0.0.99:1" || g.Labels[metaPrefix+"port_id"] != "" || g.Labels[metaPrefix+"private_ip"] != "" {
			t.Errorf("the labels of %s are of an interface with another address: %v", g.Targets[0], g.Labels)
		}
	}
}

func TestWriteTargetsOncePerCloudProject(t *testing.T) {
	all := fleet()
	twice := *all[0]
	twice.Project.Name = "bogota-again"
	elsewhere := *all[0]
	elsewhere.Project.Region = "other"
	got := addresses(writeTargets(t, "port=1&search=d2", Fields{}, append(all, &twice, &elsewhere)))
	if want := "10.0.0.12:1 10.0.0.12:1"; got != want {
		t.Errorf("got %s, want it once for each cloud project", got)
	}
}

func TestComplete(t *testing.T) {
	health := func(listed bool, unread int) *inventory.Snapshot {
		s := fleet()[0]
		s.Discovered = true
		s.Health.Listed, s.Health.Unread = listed, unread
		return s
	}
	const unlisted, unread = "the desktops of project bogota are not known", "the networks of 2 of the 4 desktops of project bogota are not known"
	for _, tc := range []struct {
		query    string
		snapshot *inventory.Snapshot
		want     string
	}{
		{"port=1", health(false, 0), unlisted},
		{"port=1", health(true, 0), ""},
		{"port=1", health(true, 2), ""}, // the list has the addresses
		{"port=1&status=ACTIVE&project=bogota", health(true, 2), ""},
		{"port=1&address=eip", health(true, 2), unread},
		{"port=1&address=eip", health(true, 0), ""},
		{"port=1&each=interface", health(true, 2), unread},
		{"port=1&vpc=main", health(true, 2), unread},
		{"port=1&eip=none", health(true, 2), unread},
		{"port=1&search=main", health(true, 2), unread},
	} {
		f, d := mustParseFilter(t, tc.query), mustParseDiscovery(t, tc.query)
		got := ""
		if err := d.Complete(tc.snapshot, &f); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.query, got, tc.want)
		}
	}
	configured := health(true, 2)
	configured.Discovered = false // without a list there are no addresses
	f, d := mustParseFilter(t, ""), mustParseDiscovery(t, "port=1")
	if d.Complete(configured, &f) == nil {
		t.Error("the targets of configured IDs are complete without networks")
	}
}
