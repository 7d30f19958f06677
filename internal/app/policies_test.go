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

// expectations says which desktops should have an EIP and which must not, one line
// each, and how many policies there are.
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

// mixed are desktops that differ in all that policies select by.
func mixed() []simulator.Desktop {
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
		"allowed is as if nothing was said": {
			"{name: all, eip: allowed}",
			[]string{"1 policies"},
		},
		"the first that selects a desktop counts": {
			"{name: pool, eip: required, pool_ids: [pool0, pool1]}, {name: kiosks, eip: allowed, desktop_names: 'kiosk-\\d+'}, {name: rest, eip: forbidden}",
			[]string{"d2 pool 1", "d3 rest 0", "d4 rest 0", "3 policies"},
		},
		"a name matches as a whole, in its case": {
			"{name: part, eip: required, desktop_names: kiosk}, {name: case, eip: required, desktop_names: 'KIOSK-17|(?i)ND2'}",
			[]string{"d2 case 1", "2 policies"},
		},
		"one interface of several is enough, of the unknown nothing is said": {
			"{name: storage, eip: forbidden, vpc_ids: [vpc2]}, {name: floor, eip: required, subnet_ids: [subnet1]}",
			[]string{"d1 floor 1", "d2 floor 1", "d3 floor 1", "d4 storage 0", "2 policies"},
		},
		"what is known to differ outweighs the unknown": {
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
				newScenario(t, apptest.OfficeYAML+"policies: ["+tc.policies+"]\n", mixed()...).wantExpected(tc.want...)
			})
		})
	}
}

// TestPoliciesOfConfiguredDesktops looks at desktops of which there is no list:
// their pools and tags are never known.
func TestPoliciesOfConfiguredDesktops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+`    desktops: {ids: [d1, d2, d5]}
policies:
  - {name: kiosks, eip: forbidden, desktop_names: kiosk-.*}
  - {name: pool, eip: required, pool_ids: [pool1]}
  - {name: rest, eip: required}
`, mixed()...)
		s.wantExpected("d1 kiosks 0", "3 policies")
	})
}

// TestPoliciesTellProjectsApart has two projects of the configuration show
// desktops of the same one, and a third with desktops of another.
func TestPoliciesTellProjectsApart(t *testing.T) {
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
`, mixed()...)
		s.Cloud.SetDesktops(apptest.ProjectB, []simulator.Desktop{apptest.Desktop("d9", "")})
		s.Start()
		// d2 is in both; which of them it is said for must not change from scrape to scrape.
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

// TestReloadOfPolicies changes policies while everything else stays.
func TestReloadOfPolicies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+"policies: [{name: kiosks, eip: required, desktop_names: kiosk-.*}]\n", mixed()...)
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
			t.Error("what is kept of the exposition is lost by a reload that changes nothing")
		}
		reload("policies: [{name: kiosks, eip: forbidden, desktop_names: kiosk-.*}]\n")
		if n := s.Cloud.CallCount(""); n != 0 {
			t.Errorf("the cloud is asked %d times because of a policy", n)
		}
		s.wantExpected("d1 kiosks 0", "d5 kiosks 0", "1 policies")
		reload("policies: [{name: booths, eip: forbidden, desktop_names: kiosk-1.*}, {name: finance, eip: required, tags: {team: finance}}]\n")
		s.wantExpected("d1 booths 0", "d3 finance 1", "2 policies")
		reload("")
		s.wantExpected("0 policies")
	})
}

// TestPoliciesFollowTheDesktop changes, one after the other, what policies
// select by.
func TestPoliciesFollowTheDesktop(t *testing.T) {
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
