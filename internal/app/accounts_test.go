// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const (
	projectC = "00112233445566778899aabbccddeeff"
	listMine = simulator.KeystoneListAuthProjects
)

func (s *scenario) wantProjects(want string) {
	s.Helper()
	if got := s.Scrape().Projects(); got != want {
		s.Errorf("projects are %q, want %q", got, want)
	}
}

// logLines returns the lines of the log above level debug since the last call.
func (s *scenario) logLines() string {
	var lines []string
	for line := range strings.Lines(s.Log.Drain()) {
		if !strings.HasPrefix(line, "level=debug") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// wantLog compares the lines of the log in any order.
func (s *scenario) wantLog(want string) {
	s.Helper()
	lines := func(text string) []string { return sorted(strings.Split(strings.TrimSpace(text), "\n")) }
	if diff := gocmp.Diff(lines(want), lines(s.logLines())); diff != "" {
		s.Errorf("log (-want +got)\n%s", diff)
	}
}

func TestAccountProjectsFollowIAM(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		s.WantDesktops(apptest.TwoDesktopsOK)
		s.wantLog(`
level=info msg="Configuration loaded" projects=0 accounts=1
level=info account=org projects=2 msg="Account projects listed" visible=2 added="org/ap-southeast-3 org/la-north-2" removed=
level=info project=org/ap-southeast-3 region=ap-southeast-3 msg="Project refreshed" desktops=0 unresolved=0 duration=0s
level=info project=org/la-north-2 region=la-north-2 msg="Project refreshed" desktops=2 unresolved=0 duration=0s
`)
		before := s.App.Fleet().Snapshots()[1].Records[0]

		s.Cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
		s.Cloud.PutDesktop(projectC, apptest.Desktop("d9", ""))
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1 desktops=1")
		if s.App.Fleet().Snapshots()[1].Records[0] != before {
			t.Error("a project that stayed lost what was known of it")
		}
		s.Cloud.RemoveProject(apptest.ProjectB)
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1 desktops=1")
		s.wantLog(`
level=info account=org projects=3 msg="Account projects listed" visible=3 added=org/la-north-2_lab removed=
level=info project=org/la-north-2_lab region=la-north-2 msg="Project refreshed" desktops=1 unresolved=0 duration=0s
level=info account=org projects=2 msg="Account projects listed" visible=2 added= removed=org/ap-southeast-3
`)
		if n := s.Cloud.CallCount(listMine); n != 2 {
			t.Errorf("%d calls of IAM in twenty minutes, want 2", n)
		}
	})
}

func TestAccountFilters(t *testing.T) {
	t.Parallel()
	off := func(id string) func([]byte) []byte {
		return func(body []byte) []byte {
			return bytes.Replace(body, []byte(`"enabled":true,"id":"`+id), []byte(`"enabled":false,"id":"`+id), 1)
		}
	}
	for name, tc := range map[string]struct {
		lines   []string
		rewrite func([]byte) []byte
		want    string
	}{
		"all":                        {nil, nil, "org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"by region":                  {[]string{"regions: la-.*"}, nil, "org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"by region, anchored":        {[]string{"regions: la"}, nil, ""},
		"by name, anchored":          {[]string{"projects: la-north-2"}, nil, "org/la-north-2 up=1 desktops=2"},
		"by part of a name":          {[]string{"projects: .*_(lab|dev)"}, nil, "org/la-north-2_lab up=1"},
		"by both":                    {[]string{"regions: ap-.*", "projects: la-.*"}, nil, ""},
		"not those off in IAM":       {nil, off(apptest.ProjectB), "org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"with filters of desktops":   {[]string{"desktops: {status: SHUTOFF}"}, nil, "org/ap-southeast-3 up=1, org/la-north-2 up=1, org/la-north-2_lab up=1"},
		"one that has no Workspace":  {[]string{"regions: cn-.*|la-.*"}, nil, "org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"an empty list of the cloud": {nil, func([]byte) []byte { return []byte(`{"projects":[]}`) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := prepareScenario(t, apptest.OrganizationYAML(tc.lines...), apptest.TwoDesktops()...)
				if tc.rewrite != nil {
					s.Cloud.AddFault(simulator.Fault{Operation: listMine, RewriteBody: tc.rewrite})
				}
				// The region of the last one has no Workspace, as that of the
				// project that every account has for object storage.
				s.Cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
				s.Cloud.AddProject(simulator.Project{ID: "mos", Name: "MOS", Region: "MOS"})
				s.Cloud.AddProject(simulator.Project{ID: "far", Name: "cn-nowhere-1", Region: "cn-nowhere-1"})
				s.Start()
				s.wantProjects(tc.want)
				if warned := strings.Contains(s.logLines(), "Account has no project to export"); warned != (tc.want == "") {
					t.Errorf("warned of no projects: %t", warned)
				}
			})
		})
	}
}

// TestProjectsWithoutWorkspaceAreNotLogged keeps Workspace disabled in a project
// of the account for six hours.
func TestProjectsWithoutWorkspaceAreNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		s.logLines()
		s.Cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2", Disabled: true})
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		s.wantLog(`
level=info account=org projects=3 msg="Account projects listed" visible=3 added=org/la-north-2_lab removed=
level=info project=org/la-north-2_lab region=la-north-2 msg="Project skipped, Workspace is not enabled"
`)
		s.Cloud.ResetCounters()
		for range 6 * 60 {
			s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
			time.Sleep(time.Minute)
		}
		s.wantLog("")
		polls := 0
		for _, c := range s.Cloud.Calls() {
			if c.Project == projectC {
				polls++
			}
		}
		if polls < 6*60/11 || polls > 6*60/10 {
			t.Errorf("%d calls in six hours, want one every ten minutes", polls)
		}
		for path, want := range map[string]bool{"/": false, "/status": true, "/probe?target=org/la-north-2_lab": true} {
			if got := strings.Contains(s.Get(path), "org/la-north-2_lab"); got != want {
				t.Errorf("%s names it: %t", path, got)
			}
		}
		s.Cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1")
	})
}

func TestAccountsFailingFromStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := "accounts:" + apptest.AccountYAML("east", "regions: ap-.*") + apptest.AccountYAML("west", "regions: la-.*")
		s := prepareScenario(t, yaml, apptest.TwoDesktops()...)
		heal := s.Cloud.AddFault(simulator.Fault{Operation: listMine, Status: 503})
		s.Start()
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusOK} { // in the first poll, and after it
			if w := s.Request(http.MethodGet, "/-/ready"); w.Code != status {
				t.Errorf("/-/ready is %d, want %d", w.Code, status)
			}
			time.Sleep(30 * time.Second)
		}
		s.wantProjects("east up=0, west up=0")
		e := s.Scrape()
		seen := map[string]bool{}
		e.Each("up", func(l apptest.Labels, _ float64) { seen[l.Get("region")+"/"+l.Get("project_id")] = true })
		if len(seen) != 2 {
			t.Errorf("two accounts share a series: %v", seen)
		}
		page := s.Get("/status")
		for _, text := range []string{"Listing its projects has failed since the start of the exporter", "HTTP 503"} {
			if n := strings.Count(page, text); n < 2 {
				t.Errorf("/status contains %q %d times, want 2", text, n)
			}
		}
		s.Get("/probe?target=east")
		time.Sleep(40 * time.Minute)
		s.wantProjects("east up=0, west up=0")
		lines := strings.Split(strings.TrimSpace(s.logLines()), "\n")
		if n := len(lines); n != 1+2+2*2 { // the configuration; each fails; and still does after 15 and 30 minutes
			t.Errorf("%d lines in forty minutes, want 7:\n%s", n, strings.Join(lines, "\n"))
		}
		heal()
		time.Sleep(time.Minute + time.Second)
		s.wantProjects("east/ap-southeast-3 up=1, west/la-north-2 up=1 desktops=2")
		s.WantDesktops(apptest.TwoDesktopsOK)
		if logged := s.logLines(); strings.Count(logged, `msg="Account project list recovered"`) != 2 || strings.Contains(logged, "level=error") {
			t.Errorf("log of the recovery:\n%s", logged)
		}
	})
}

func TestAccountFailingLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		s.Scrape()
		s.logLines()
		for name, f := range map[string]simulator.Fault{
			"refused":  {Status: 403},
			"down":     {Status: 500},
			"captive":  {Status: 200, Body: []byte("<html>")},
			"nothing":  {Status: 200, Body: []byte("{}")},
			"hanging":  {HangBeforeHeader: true},
			"no array": {Status: 200, Body: []byte(`{"projects":"none"}`)},
		} {
			// Both paths of the project list fail.
			f.Match = func(c simulator.Call) bool { return strings.HasPrefix(c.Operation, "Keystone") }
			heal := s.Cloud.AddFault(f)
			for range 30 {
				time.Sleep(time.Minute)
				s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
			}
			if !strings.Contains(s.Get("/status"), "Listing its projects failed. The projects listed") {
				t.Errorf("%s: /status does not report the failing account", name)
			}
			heal()
			time.Sleep(10*time.Minute + time.Second)
			logged := s.logLines()
			if failed, still := strings.Count(logged, "Account project list failed"), strings.Count(logged, "Account project list still failing"); failed != 1 || still > 2 || strings.Count(logged, "\n") != failed+still+1 {
				t.Errorf("%s:\n%s", name, logged)
			}
			if !strings.Contains(logged, `msg="Account project list recovered" account=org`) {
				t.Errorf("%s: no recovery:\n%s", name, logged)
			}
		}
	})
}

func TestReloadAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		const all = "org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2"
		s.wantProjects(all)
		records := func() any { return s.App.Fleet().Snapshots()[1].Records[0] }
		before := records()

		// A change of the account or the refresh must not remove the projects,
		// although IAM is unavailable.
		heal := s.Cloud.AddFault(simulator.Fault{Operation: listMine, HangBeforeHeader: true})
		for _, yaml := range []string{
			apptest.OrganizationYAML("limits: {concurrency: 2}"),
			apptest.OrganizationYAML("limits: {concurrency: 2}") + "refresh: {max_staleness: 20m}\n",
			apptest.OrganizationYAML("project_refresh: 20m") + "metrics: {disable: [desktop_info]}\n",
		} {
			s.YAML = yaml
			if err := s.App.Reload(); err != nil {
				t.Fatal(err)
			}
			if s.wantProjects(all); records() != before {
				t.Error("the desktops were read again")
			}
			if w := s.Request(http.MethodGet, "/-/ready"); w.Code != http.StatusOK {
				t.Errorf("/-/ready is %d after a reload", w.Code)
			}
		}
		// A filter takes effect at once.
		s.YAML = apptest.OrganizationYAML("regions: la-.*")
		_ = s.App.Reload()
		s.wantProjects("org/la-north-2 up=1 desktops=2")
		heal()

		// A project that is also configured itself is not read twice.
		s.YAML = apptest.OfficeYAML + "  - " + strings.TrimPrefix(strings.TrimSpace(apptest.AccountYAML("other")), "- ") + "\n"
		s.YAML = strings.Replace(s.YAML, "  - name: other", "accounts:\n  - name: other", 1)
		if err := s.App.Reload(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.Cloud.ResetCounters()
		s.wantProjects("office up=1 desktops=2, other/ap-southeast-3 up=1")
		if n := s.Cloud.CallCount(list); n != 2 {
			t.Errorf("%d lists of desktops for two projects", n)
		}

		// Nor is a project that is visible to two accounts; it belongs to the first.
		s.YAML = "accounts:" + apptest.AccountYAML("zoo", "regions: la-.*") + apptest.AccountYAML("ark")
		if err := s.App.Reload(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.wantProjects("ark/ap-southeast-3 up=1, zoo/la-north-2 up=1 desktops=2")

		s.YAML = apptest.OfficeYAML
		if err := s.App.Reload(); err != nil {
			t.Fatal(err)
		}
		s.wantProjects("office up=1 desktops=2")
		s.Cloud.ResetCounters()
		time.Sleep(time.Hour)
		if n := s.Cloud.CallCount(listMine); n != 0 {
			t.Errorf("a removed account made %d calls", n)
		}
	})
}

// TestAccountWaitsForQuota exhausts the quota of IAM's list by reloads, which
// is not a failure.
func TestAccountWaitsForQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OrganizationYAML("limits: {requests_per_minute: 2}"))
		for i := range 6 {
			s.YAML = apptest.OrganizationYAML("limits: {requests_per_minute: 2}", fmt.Sprintf("project_refresh: %dm", 20+i))
			if err := s.App.Reload(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(10*time.Minute + time.Second)
		if logged := s.logLines(); strings.Contains(logged, "level=error") {
			t.Errorf("waiting for quota counts as a failure:\n%s", logged)
		}
		var times []time.Time
		for _, c := range s.Cloud.Calls() {
			if c.Operation == listMine {
				times = append(times, c.Time)
			}
		}
		if len(times) < 2 || !slices.IsSortedFunc(times, time.Time.Compare) {
			t.Fatalf("IAM was called at %v", times)
		}
		for i := 2; i < len(times); i++ {
			if times[i].Sub(times[i-2]) < time.Minute {
				t.Errorf("three calls within a minute of two: %v", times[i-2:i+1])
			}
		}
	})
}
