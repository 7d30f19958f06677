// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// expected says which desktops should have an EIP and which must not, one line
// each, and how many policies there are.
func (e exposition) expected() []string {
	var lines []string
	e.each("desktop_eip_expected", func(l labels, value float64) {
		lines = append(lines, fmt.Sprintf("%s %s %g", l.of("desktop_id"), l.of("policy"), value))
	})
	slices.Sort(lines)
	return append(lines, fmt.Sprintf("%g policies", e.sum("policies", "project_id", projectA)))
}

func (s *scene) wantExpected(want ...string) {
	s.Helper()
	if diff := gocmp.Diff(want, s.scrape().expected()); diff != "" {
		s.Errorf("(-want +got)\n%s", diff)
	}
}

// mixed are desktops that differ in all that policies select by.
func mixed() []simulator.Desktop {
	kiosk := desktop("d1", "1.1.1.1")
	kiosk.Name = "kiosk-17"
	pooled := desktop("d2", "")
	pooled.PoolID = "pool1"
	finance := desktop("d3", "3.3.3.3")
	finance.Tags = []simulator.Tag{{Key: "site", Value: "lima"}, {Key: "team", Value: "finance"}}
	second := desktop("d4", "")
	nic := second.Interfaces[0]
	nic.PortID, nic.VPC, nic.Subnet = "port-d4b", simulator.VPC{ID: "vpc2", Name: "storage"}, simulator.Subnet{ID: "subnet2", Name: "storage"}
	second.Interfaces = append(second.Interfaces, nic)
	refused := desktop("d5", "")
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
				newScene(t, office+"policies: ["+tc.policies+"]\n", mixed()...).wantExpected(tc.want...)
			})
		})
	}
}

// TestPoliciesOfConfiguredDesktops looks at desktops of which there is no list:
// their pools and tags are never known.
func TestPoliciesOfConfiguredDesktops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, office+`    desktops: {ids: [d1, d2, d5]}
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
		const shared = "region: la-north-2, endpoint: 'http://127.0.0.1', credentials: {access_key: AKOFFICE, secret_key: " + secret + "}"
		s := prepareScene(t, `
projects:
  - {name: office, project_id: `+projectA+", "+shared+`}
  - {name: pool, project_id: `+projectA+", desktops: {pool_ids: [pool1]}, "+shared+`}
  - {name: shop, project_id: `+projectB+", "+shared+`}
policies:
  - {name: of the pool, eip: required, projects: pool}
  - {name: of the shop, eip: forbidden, projects: sh.p}
`, mixed()...)
		s.cloud.SetDesktops(projectB, []simulator.Desktop{desktop("d9", "")})
		s.start()
		// d2 is in both; which of them it is said for must not change from scrape to scrape.
		first := s.scrape().expected()
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
		s := newScene(t, office+"policies: [{name: kiosks, eip: required, desktop_names: kiosk-.*}]\n", mixed()...)
		s.wantExpected("d1 kiosks 1", "d5 kiosks 1", "1 policies")
		reload := func(policies string) {
			t.Helper()
			s.yaml = office + policies
			if w := s.ask(http.MethodPost, "/-/reload"); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			synctest.Wait()
		}

		kept := s.x.exposition.Load()
		s.cloud.ResetCounters()
		reload("policies: [{name: kiosks, eip: required, desktop_names: kiosk-.*}]\n")
		if s.x.exposition.Load() != kept {
			t.Error("what is kept of the exposition is lost by a reload that changes nothing")
		}
		reload("policies: [{name: kiosks, eip: forbidden, desktop_names: kiosk-.*}]\n")
		if n := s.cloud.CallCount(""); n != 0 {
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
		s := newScene(t, office+`policies:
  - {name: kiosks, eip: forbidden, desktop_names: kiosk-.*}
  - {name: finance, eip: required, tags: {team: finance}}
  - {name: storage, eip: forbidden, subnet_ids: [subnet2]}
`, desktop("d1", ""))
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
			s.cloud.UpdateDesktop(projectA, "d1", step.change)
			time.Sleep(time.Minute)
			s.wantExpected(append(step.want, "3 policies")...)
		}
	})
}

// TestSelects looks at what no scene comes by.
func TestSelects(t *testing.T) {
	t.Parallel()
	match := func(source string) config.Regexp {
		r, err := config.NewRegexp(source)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	bare := &inventory.Networks{}
	for name, tc := range map[string]struct {
		policy  config.Policy
		project string
		record  inventory.Record
		want    verdict
	}{
		"a project of an account":               {config.Policy{Projects: match("brazil/.*")}, "brazil/sa-brazil-1", inventory.Record{}, yes},
		"a project of another account":          {config.Policy{Projects: match("brazil/.*")}, "peru/sa-peru-1", inventory.Record{}, no},
		"networks without an interface":         {config.Policy{VPCIDs: []string{"v"}}, "", inventory.Record{Networks: bare}, no},
		"networks unknown":                      {config.Policy{SubnetIDs: []string{"s"}}, "", inventory.Record{Listed: true}, unknown},
		"networks unknown, in another pool":     {config.Policy{SubnetIDs: []string{"s"}, PoolIDs: []string{"p"}}, "", inventory.Record{Listed: true}, no},
		"a tag without a value":                 {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true, Desktop: inventory.Desktop{Tags: []inventory.Tag{{Key: "k"}}}}, yes},
		"no such tag":                           {config.Policy{Tags: map[string]string{"k": ""}}, "", inventory.Record{Listed: true}, no},
		"a name by the networks alone":          {config.Policy{DesktopNames: match("n")}, "", inventory.Record{Networks: &inventory.Networks{Name: "n"}}, yes},
		"a name that nobody knows yet":          {config.Policy{DesktopNames: match("n?")}, "", inventory.Record{Listed: true}, unknown},
		"no name":                               {config.Policy{DesktopNames: match("n?")}, "", inventory.Record{Listed: true, Networks: bare}, yes},
		"a tag of a desktop that is not listed": {config.Policy{Tags: map[string]string{"k": "v"}}, "", inventory.Record{Networks: bare}, unknown},
	} {
		if got := selects(&tc.policy, inventory.Project{Name: tc.project}, &tc.record); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
