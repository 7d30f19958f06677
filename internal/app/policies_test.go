// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// expectations returns which desktops should have an EIP and which must not, one
// a line, and the number of policies.
func expectations(e apptest.Exposition) []string {
	var lines []string
	e.Each("desktop_eip_expected", func(l apptest.Labels, value float64) {
		lines = append(lines, fmt.Sprintf("%s %s %g", l.Get("desktop_id"), l.Get("policy"), value))
	})
	slices.Sort(lines)
	return append(lines, fmt.Sprintf("%g policies", e.Sum("policies", "project_id", apptest.ProjectA)))
}

func (s *scenario) wantExpected(want ...string) {
	s.Helper()
	if diff := gocmp.Diff(want, expectations(s.Scrape())); diff != "" {
		s.Errorf("(-want +got)\n%s", diff)
	}
}

// mixedDesktops returns desktops that differ in everything that policies select by.
func mixedDesktops() []simulator.Desktop {
	kiosk := apptest.Desktop("d1", "1.1.1.1")
	kiosk.Name = "kiosk-17"
	pooled := apptest.Desktop("d2", "")
	pooled.PoolID = "pool1"
	finance := apptest.Desktop("d3", "3.3.3.3")
	finance.Tags = []simulator.Tag{{Key: "site", Value: "lima"}, {Key: "team", Value: "finance"}}
	second := apptest.Desktop("d4", "")
	nic := second.Interfaces[0]
	nic.PortID, nic.VPC, nic.Subnet = "port-d4b", simulator.VPC{ID: "vpc2", Name: "storage"}, simulator.Subnet{ID: "subnet2", Name: "storage"}
	second.Interfaces = append(second.Interfaces, nic)
	refused := apptest.Desktop("d5", "")
	refused.Name, refused.Hidden = "kiosk-5", true
	return []simulator.Desktop{kiosk, pooled, finance, second, refused}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		policies string
		want     []string
	}{
		"none": {want: []string{"0 policies"}},
		"every desktop, networks known or not": {
			"{name: all, eip: required}",
			[]string{"d1 all 1", "d2 all 1", "d3 all 1", "d4 all 1", "d5 all 1", "1 policies"},
		},
		"allowed has no series": {
			"{name: all, eip: allowed}",
			[]string{"1 policies"},
		},
		"the first match wins": {
			"{name: pool, eip: required, pool_ids: [pool0, pool1]}, {name: kiosks, eip: allowed, desktop_names: 'kiosk-\\d+'}, {name: rest, eip: forbidden}",
			[]string{"d2 pool 1", "d3 rest 0", "d4 rest 0", "3 policies"},
		},
		"a name matches as a whole, in its case": {
			"{name: part, eip: required, desktop_names: kiosk}, {name: case, eip: required, desktop_names: 'KIOSK-17|(?i)ND2'}",
			[]string{"d2 case 1", "2 policies"},
		},
		"one matching interface is enough, unknown matches have no series": {
			"{name: storage, eip: forbidden, vpc_ids: [vpc2]}, {name: floor, eip: required, subnet_ids: [subnet1]}",
			[]string{"d1 floor 1", "d2 floor 1", "d3 floor 1", "d4 storage 0", "2 policies"},
		},
		"a known mismatch outweighs an unknown match": {
			"{name: no, eip: forbidden, vpc_ids: [vpc2], desktop_names: nd4}, {name: rest, eip: required}",
			[]string{"d1 rest 1", "d2 rest 1", "d3 rest 1", "d4 no 0", "d5 rest 1", "2 policies"},
		},
		"tags, all of them, though no metric shows them": {
			"{name: other, eip: required, tags: {team: finance, site: quito}}, {name: finance, eip: forbidden, tags: {team: finance, site: lima}}",
			[]string{"d3 finance 0", "2 policies"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				newScenario(t, apptest.OfficeYAML+"policies: ["+tc.policies+"]\n", mixedDesktops()...).wantExpected(tc.want...)
			})
		})
	}
}

// TestPoliciesWithConfiguredDesktops has desktops that are not listed: their
// pools and tags are unknown.
func TestPoliciesWithConfiguredDesktops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+`    desktops: {ids: [d1, d2, d5]}
policies:
  - {name: kiosks, eip: forbidden, desktop_names: kiosk-.*}
  - {name: pool, eip: required, pool_ids: [pool1]}
  - {name: rest, eip: required}
`, mixedDesktops()...)
		s.wantExpected("d1 kiosks 0", "3 policies")
	})
}

// TestPoliciesByProject configures two entries with desktops of one project, and a
// third with desktops of another project.
func TestPoliciesByProject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const shared = "region: la-north-2, endpoint: 'http://127.0.0.1', credentials: {access_key: AKOFFICE, secret_key: " + apptest.SecretKey + "}"
		s := prepareScenario(t, `
projects:
  - {name: office, project_id: `+apptest.ProjectA+", "+shared+`}
  - {name: pool, project_id: `+apptest.ProjectA+", desktops: {pool_ids: [pool1]}, "+shared+`}
  - {name: shop, project_id: `+apptest.ProjectB+", "+shared+`}
policies:
  - {name: of the pool, eip: required, projects: pool}
  - {name: of the shop, eip: forbidden, projects: sh.p}
`, mixedDesktops()...)
		s.Cloud.SetDesktops(apptest.ProjectB, []simulator.Desktop{apptest.Desktop("d9", "")})
		s.Start()
		// d2 is in both entries; which of them has its series must not change.
		first := expectations(s.Scrape())
		if want := []string{"d9 of the shop 0", "2 policies"}; !slices.Equal(first[len(first)-2:], want) {
			t.Errorf("%q, want it to end with %q", first, want)
		}
		for range 5 {
			time.Sleep(time.Minute)
			s.wantExpected(first...)
		}
	})
}

// TestReloadPolicies changes policies and nothing else.
func TestReloadPolicies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+"policies: [{name: kiosks, eip: required, desktop_names: kiosk-.*}]\n", mixedDesktops()...)
		s.wantExpected("d1 kiosks 1", "d5 kiosks 1", "1 policies")
		reload := func(policies string) {
			t.Helper()
			s.YAML = apptest.OfficeYAML + policies
			if w := s.Request(http.MethodPost, "/-/reload"); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			synctest.Wait()
		}

		kept := s.App.Exposition()
		s.Cloud.ResetCounters()
		reload("policies: [{name: kiosks, eip: required, desktop_names: kiosk-.*}]\n")
		if s.App.Exposition() != kept {
			t.Error("a reload that changes nothing drops the cached exposition")
		}
		reload("policies: [{name: kiosks, eip: forbidden, desktop_names: kiosk-.*}]\n")
		if n := s.Cloud.CallCount(""); n != 0 {
			t.Errorf("%d API calls because of a policy", n)
		}
		s.wantExpected("d1 kiosks 0", "d5 kiosks 0", "1 policies")
		reload("policies: [{name: booths, eip: forbidden, desktop_names: kiosk-1.*}, {name: finance, eip: required, tags: {team: finance}}]\n")
		s.wantExpected("d1 booths 0", "d3 finance 1", "2 policies")
		reload("")
		s.wantExpected("0 policies")
	})
}

// TestPoliciesFollowChanges changes a desktop in everything that policies select by.
func TestPoliciesFollowChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+`policies:
  - {name: kiosks, eip: forbidden, desktop_names: kiosk-.*}
  - {name: finance, eip: required, tags: {team: finance}}
  - {name: storage, eip: forbidden, subnet_ids: [subnet2]}
`, apptest.Desktop("d1", ""))
		for _, step := range []struct {
			change func(*simulator.Desktop)
			want   []string
		}{
			{func(*simulator.Desktop) {}, nil},
			{func(d *simulator.Desktop) { d.Interfaces[0].Subnet.ID, d.SubnetID = "subnet2", "subnet2" }, []string{"d1 storage 0"}},
			{func(d *simulator.Desktop) { d.Tags = []simulator.Tag{{Key: "team", Value: "finance"}} }, []string{"d1 finance 1"}},
			{func(d *simulator.Desktop) { d.Name = "kiosk-1" }, []string{"d1 kiosks 0"}},
			{func(d *simulator.Desktop) { d.Name = "desk-1" }, []string{"d1 finance 1"}},
		} {
			s.Cloud.UpdateDesktop(apptest.ProjectA, "d1", step.change)
			time.Sleep(time.Minute)
			s.wantExpected(append(step.want, "3 policies")...)
		}
	})
}
