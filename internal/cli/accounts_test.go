// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const (
	projectC = "00112233445566778899aabbccddeeff"
	listMine = simulator.KeystoneListAuthProjects
)

// accountYAML is an account with more lines of its entry. Where they choose
// regions, endpoints are given for these alone.
func accountYAML(name string, lines ...string) string {
	var endpoints []string
	for _, region := range []string{"la-north-2", "ap-southeast-3"} {
		chosen := true
		for _, line := range lines {
			if pattern, ok := strings.CutPrefix(line, "regions: "); ok {
				chosen = regexp.MustCompile("^(?:" + pattern + ")$").MatchString(region)
			}
		}
		if chosen {
			endpoints = append(endpoints, region+": http://127.0.0.1")
		}
	}
	yaml := fmt.Sprintf(`
  - name: %s
    iam_endpoint: http://127.0.0.1
    endpoints: {%s}
    credentials: {access_key: AKOFFICE, secret_key: %s}
`, name, strings.Join(endpoints, ", "), secret)
	for _, line := range lines {
		yaml += "    " + line + "\n"
	}
	return yaml
}

func organisation(lines ...string) string { return "accounts:" + accountYAML("org", lines...) }

// projects says which projects an exposition has, by name, with their health
// and their number of desktops.
func (e exposition) projects() string {
	var all []string
	e.each("project_info", func(l labels, _ float64) {
		text := fmt.Sprintf("%s up=%v", l.of("project"), e.sum("up", "region", l.of("region"), "project_id", l.of("project_id")))
		if n := e.sum("desktops", "region", l.of("region"), "project_id", l.of("project_id")); n > 0 {
			text += fmt.Sprintf(" desktops=%v", n)
		}
		all = append(all, text)
	})
	return strings.Join(sorted(all), ", ")
}

func (s *scene) wantProjects(want string) {
	s.Helper()
	if got := s.scrape().projects(); got != want {
		s.Errorf("projects are %q, want %q", got, want)
	}
}

// news gives the lines of the log that are not for debugging only, and forgets
// all of it.
func (s *scene) news() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var lines []string
	for line := range strings.Lines(s.log.b.String()) {
		if !strings.HasPrefix(line, "level=debug") {
			lines = append(lines, line)
		}
	}
	s.log.b.Reset()
	return strings.Join(lines, "")
}

// wantNews compares the news, whose order may vary.
func (s *scene) wantNews(want string) {
	s.Helper()
	lines := func(text string) []string { return sorted(strings.Split(strings.TrimSpace(text), "\n")) }
	if diff := gocmp.Diff(lines(want), lines(s.news())); diff != "" {
		s.Errorf("log (-want +got)\n%s", diff)
	}
}

func TestAccountFollowsItsProjects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, organisation(), both()...)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		s.want(bothWell)
		s.wantNews(`
level=info msg="Configuration in force" projects=0 accounts=1
level=info account=org projects=2 msg="Account's projects listed" seen=2 came="org/ap-southeast-3 org/la-north-2" went=
level=info project=org/ap-southeast-3 region=ap-southeast-3 msg="Project read" desktops=0 unresolved=0 duration=0s
level=info project=org/la-north-2 region=la-north-2 msg="Project read" desktops=2 unresolved=0 duration=0s
`)
		before := s.x.fleet.Snapshots()[1].Records[0]

		s.cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
		s.cloud.PutDesktop(projectC, desktop("d9", ""))
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1 desktops=1")
		if s.x.fleet.Snapshots()[1].Records[0] != before {
			t.Error("a project that stayed lost what was known of it")
		}
		s.cloud.RemoveProject(projectB)
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1 desktops=1")
		s.wantNews(`
level=info account=org projects=3 msg="Account's projects listed" seen=3 came=org/la-north-2_lab went=
level=info project=org/la-north-2_lab region=la-north-2 msg="Project read" desktops=1 unresolved=0 duration=0s
level=info account=org projects=2 msg="Account's projects listed" seen=2 came= went=org/ap-southeast-3
`)
		if n := s.cloud.CallCount(listMine); n != 2 {
			t.Errorf("IAM was asked %d times in twenty minutes, want 2", n)
		}
	})
}

func TestAccountChoosesProjects(t *testing.T) {
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
		"not those off in IAM":       {nil, off(projectB), "org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"with filters of desktops":   {[]string{"desktops: {status: SHUTOFF}"}, nil, "org/ap-southeast-3 up=1, org/la-north-2 up=1, org/la-north-2_lab up=1"},
		"one that has no Workspace":  {[]string{"regions: cn-.*|la-.*"}, nil, "org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1"},
		"an empty list of the cloud": {nil, func([]byte) []byte { return []byte(`{"projects":[]}`) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := prepareScene(t, organisation(tc.lines...), both()...)
				if tc.rewrite != nil {
					s.cloud.AddFault(simulator.Fault{Operation: listMine, RewriteBody: tc.rewrite})
				}
				// The region of the last is not one of Workspace, as that of the
				// project that every account has for object storage.
				s.cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
				s.cloud.AddProject(simulator.Project{ID: "mos", Name: "MOS", Region: "MOS"})
				s.cloud.AddProject(simulator.Project{ID: "far", Name: "cn-nowhere-1", Region: "cn-nowhere-1"})
				s.start()
				s.wantProjects(tc.want)
				if warned := strings.Contains(s.news(), "Account has no project to export"); warned != (tc.want == "") {
					t.Errorf("warned of no projects: %t", warned)
				}
			})
		})
	}
}

// TestProjectsWithoutWorkspaceMakeNoNoise lets Workspace be off in a project of
// the account for six hours.
func TestProjectsWithoutWorkspaceMakeNoNoise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, organisation(), both()...)
		s.news()
		s.cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2", Disabled: true})
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
		s.wantNews(`
level=info account=org projects=3 msg="Account's projects listed" seen=3 came=org/la-north-2_lab went=
level=info project=org/la-north-2_lab region=la-north-2 msg="Project skipped: Workspace is not enabled in it"
`)
		s.cloud.ResetCounters()
		for range 6 * 60 {
			s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
			time.Sleep(time.Minute)
		}
		s.wantNews("")
		asked := 0
		for _, c := range s.cloud.Calls() {
			if c.Project == projectC {
				asked++
			}
		}
		if asked < 6*60/11 || asked > 6*60/10 {
			t.Errorf("it was asked %d times in six hours, want every ten minutes", asked)
		}
		for path, want := range map[string]bool{"/": false, "/status": true, "/probe?target=org/la-north-2_lab": true} {
			if got := strings.Contains(s.get(path), "org/la-north-2_lab"); got != want {
				t.Errorf("%s names it: %t", path, got)
			}
		}
		s.cloud.AddProject(simulator.Project{ID: projectC, Name: "la-north-2_lab", Region: "la-north-2"})
		time.Sleep(10*time.Minute + time.Second)
		s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2, org/la-north-2_lab up=1")
	})
}

func TestAccountsThatFailFromTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := "accounts:" + accountYAML("east", "regions: ap-.*") + accountYAML("west", "regions: la-.*")
		s := prepareScene(t, yaml, both()...)
		heal := s.cloud.AddFault(simulator.Fault{Operation: listMine, Status: 503})
		s.start()
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusOK} { // in the first try, and after it
			if w := s.ask(http.MethodGet, "/-/ready"); w.Code != status {
				t.Errorf("/-/ready is %d, want %d", w.Code, status)
			}
			time.Sleep(30 * time.Second)
		}
		s.wantProjects("east up=0, west up=0")
		e := s.scrape()
		seen := map[string]bool{}
		e.each("up", func(l labels, _ float64) { seen[l.of("region")+"/"+l.of("project_id")] = true })
		if len(seen) != 2 {
			t.Errorf("the two accounts share a series: %v", seen)
		}
		page := s.get("/status")
		for _, text := range []string{"Listing its projects has failed since the start of the exporter", "HTTP 503"} {
			if n := strings.Count(page, text); n < 2 {
				t.Errorf("/status says %q %d times, want 2", text, n)
			}
		}
		s.get("/probe?target=east")
		time.Sleep(40 * time.Minute)
		s.wantProjects("east up=0, west up=0")
		lines := strings.Split(strings.TrimSpace(s.news()), "\n")
		if n := len(lines); n != 1+2+2*2 { // the configuration; each fails; and still does after 15 and 30 minutes
			t.Errorf("%d lines in forty minutes, want 7:\n%s", n, strings.Join(lines, "\n"))
		}
		heal()
		time.Sleep(time.Minute + time.Second)
		s.wantProjects("east/ap-southeast-3 up=1, west/la-north-2 up=1 desktops=2")
		s.want(bothWell)
		if news := s.news(); strings.Count(news, `msg="Account recovered"`) != 2 || strings.Contains(news, "level=error") {
			t.Errorf("log of the recovery:\n%s", news)
		}
	})
}

func TestAccountThatFailsLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, organisation(), both()...)
		s.scrape()
		s.news()
		for name, f := range map[string]simulator.Fault{
			"refused":  {Status: 403},
			"down":     {Status: 500},
			"captive":  {Status: 200, Body: []byte("<html>")},
			"nothing":  {Status: 200, Body: []byte("{}")},
			"hanging":  {HangBeforeHeader: true},
			"no array": {Status: 200, Body: []byte(`{"projects":"none"}`)},
		} {
			// Both ways to ask for projects fail.
			f.Match = func(c simulator.Call) bool { return strings.HasPrefix(c.Operation, "Keystone") }
			heal := s.cloud.AddFault(f)
			for range 30 {
				time.Sleep(time.Minute)
				s.wantProjects("org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2")
			}
			if !strings.Contains(s.get("/status"), "Listing its projects failed. The projects listed") {
				t.Errorf("%s: /status does not say that the account fails", name)
			}
			heal()
			time.Sleep(10*time.Minute + time.Second)
			news := s.news()
			if failed, still := strings.Count(news, "Account fails"), strings.Count(news, "Account still fails"); failed != 1 || still > 2 || strings.Count(news, "\n") != failed+still+1 {
				t.Errorf("%s:\n%s", name, news)
			}
			if !strings.Contains(news, `msg="Account recovered" account=org`) {
				t.Errorf("%s: no recovery:\n%s", name, news)
			}
		}
	})
}

func TestReloadOfAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, organisation(), both()...)
		const all = "org/ap-southeast-3 up=1, org/la-north-2 up=1 desktops=2"
		s.wantProjects(all)
		records := func() any { return s.x.fleet.Snapshots()[1].Records[0] }
		before := records()

		// What is changed about the account or the refresh must not make the
		// projects vanish, though IAM cannot be asked just now.
		heal := s.cloud.AddFault(simulator.Fault{Operation: listMine, HangBeforeHeader: true})
		for _, yaml := range []string{
			organisation("limits: {concurrency: 2}"),
			organisation("limits: {concurrency: 2}") + "refresh: {max_staleness: 20m}\n",
			organisation("project_refresh: 20m") + "metrics: {disable: [desktop_info]}\n",
		} {
			s.yaml = yaml
			if err := s.x.reload(); err != nil {
				t.Fatal(err)
			}
			if s.wantProjects(all); records() != before {
				t.Error("the desktops were read anew")
			}
			if w := s.ask(http.MethodGet, "/-/ready"); w.Code != http.StatusOK {
				t.Errorf("/-/ready is %d after a reload", w.Code)
			}
		}
		// A filter counts at once.
		s.yaml = organisation("regions: la-.*")
		_ = s.x.reload()
		s.wantProjects("org/la-north-2 up=1 desktops=2")
		heal()

		// A project that is configured by itself is not read twice.
		s.yaml = office + "  - " + strings.TrimPrefix(strings.TrimSpace(accountYAML("other")), "- ") + "\n"
		s.yaml = strings.Replace(s.yaml, "  - name: other", "accounts:\n  - name: other", 1)
		if err := s.x.reload(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.cloud.ResetCounters()
		s.wantProjects("office up=1 desktops=2, other/ap-southeast-3 up=1")
		if n := s.cloud.CallCount(list); n != 2 {
			t.Errorf("%d lists of desktops for two projects", n)
		}

		// Nor is one that two accounts can see, which belongs to the first.
		s.yaml = "accounts:" + accountYAML("zoo", "regions: la-.*") + accountYAML("ark")
		if err := s.x.reload(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.wantProjects("ark/ap-southeast-3 up=1, zoo/la-north-2 up=1 desktops=2")

		s.yaml = office
		if err := s.x.reload(); err != nil {
			t.Fatal(err)
		}
		s.wantProjects("office up=1 desktops=2")
		s.cloud.ResetCounters()
		time.Sleep(time.Hour)
		if n := s.cloud.CallCount(listMine); n != 0 {
			t.Errorf("an account that is gone asked IAM %d times", n)
		}
	})
}

// TestAccountWaitsForQuota reloads so often that the quota of IAM's list is
// spent: that is no failure.
func TestAccountWaitsForQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, organisation("limits: {requests_per_minute: 2}"))
		for i := range 6 {
			s.yaml = organisation("limits: {requests_per_minute: 2}", fmt.Sprintf("project_refresh: %dm", 20+i))
			if err := s.x.reload(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(10*time.Minute + time.Second)
		if news := s.news(); strings.Contains(news, "level=error") {
			t.Errorf("waiting for quota counts as a failure:\n%s", news)
		}
		var times []time.Time
		for _, c := range s.cloud.Calls() {
			if c.Operation == listMine {
				times = append(times, c.Time)
			}
		}
		if len(times) < 2 || !slices.IsSortedFunc(times, time.Time.Compare) {
			t.Fatalf("IAM was asked at %v", times)
		}
		for i := 2; i < len(times); i++ {
			if times[i].Sub(times[i-2]) < time.Minute {
				t.Errorf("three calls within a minute of two: %v", times[i-2:i+1])
			}
		}
	})
}
