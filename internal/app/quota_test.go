// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const bindings = "ListDesktopsEips"

// quotaProject is a project of a quotaScenario.
type quotaProject struct {
	key      string
	desktops int
}

// quotaScenario returns a scenario of several projects and a cloud that enforces a
// quota from the first call on. limits are YAML.
func quotaScenario(t *testing.T, quota int, limits string, branches ...quotaProject) *scenario {
	t.Helper()
	var yaml strings.Builder
	yaml.WriteString("projects:\n")
	for i, b := range branches {
		fmt.Fprintf(&yaml, `
  - name: branch%02d
    region: la-north-2
    project_id: %032d
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    credentials: {access_key: %s, secret_key: %s}
    limits: {%s}
`, i, i, b.key, apptest.SecretKey, limits)
	}
	s := prepareScenario(t, yaml.String())
	s.Cloud.SetQuota(quota)
	for i, b := range branches {
		id := fmt.Sprintf("%032d", i)
		s.Cloud.AddProject(simulator.Project{ID: id, Region: "la-north-2"})
		s.Cloud.AddKey(simulator.Key{AccessKey: b.key, SecretKey: apptest.SecretKey})
		s.Cloud.SetDesktops(id, simulator.GenerateDesktops(b.desktops, uint64(i)))
	}
	if err := s.App.Reload(); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return s
}

// scrapeSummary scrapes and parses only series that are not of a desktop, or of one
// of the given desktops, since parsing all takes most of the time.
func (s *scenario) scrapeSummary(ids ...string) apptest.Exposition {
	s.Helper()
	var text strings.Builder
	for line := range strings.Lines(s.Get("/metrics")) {
		if !strings.HasPrefix(line, "huaweicloud_workspace_desktop_") || slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(line, `desktop_id="`+id+`"`) }) {
			text.WriteString(line)
		}
	}
	return apptest.Parse(s.T, text.String())
}

// throttledCalls returns the number of calls with status 429 by the exporter's metric,
// and checks that the simulator counts the same.
func throttledCalls(s *scenario, e apptest.Exposition) float64 {
	s.Helper()
	n := e.Sum("exporter_api_requests_total", "code", "429")
	if theirs := s.Cloud.ThrottledCount(""); n != float64(theirs) {
		s.Errorf("the exporter counts %v calls with 429, the cloud %d", n, theirs)
	}
	return n
}

// TestNever429 scrapes fleets of all sizes for some minutes. As by default, the quota
// of the cloud is a tenth above the configured limit.
func TestNever429(t *testing.T) {
	t.Parallel()
	var many []quotaProject
	for i := range 12 {
		many = append(many, quotaProject{"AKMANY", 75 * i})
	}
	for name, tc := range map[string]struct {
		limits   string
		quota    int
		branches []quotaProject
		every    time.Duration
		spent    bool // the quota is too small for a full read on each scrape
	}{
		"one project that the quota pays for": {"requests_per_minute: 20", 22, []quotaProject{{"AK1", 1900}}, time.Minute, false},
		"one project that it does not":        {"requests_per_minute: 9", 10, []quotaProject{{"AK1", 1900}}, time.Minute, true},
		"projects that share a key":           {"requests_per_minute: 20", 22, []quotaProject{{"AK1", 1100}, {"AK1", 700}, {"AK1", 350}, {"AK1", 100}, {"AK1", 0}}, time.Minute, true},
		"as many keys as projects":            {"requests_per_minute: 9", 10, []quotaProject{{"AK1", 900}, {"AK2", 250}, {"AK3", 850}, {"AK4", 1}}, time.Minute, false},
		"some of each":                        {"requests_per_minute: 9", 10, []quotaProject{{"AK1", 1000}, {"AK1", 200}, {"AK2", 800}, {"AK2", 0}, {"AK3", 10}}, time.Minute, true},
		"a dozen, scraped often":              {"requests_per_minute: 45", 50, many, 15 * time.Second, true},
		"as it is by default":                 {"", 200, []quotaProject{{"AK1", 10_000}, {"AK1", 5000}, {"AK1", 4000}}, time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := quotaScenario(t, tc.quota, tc.limits, tc.branches...)
				desktops := 0
				for _, b := range tc.branches {
					desktops += b.desktops
				}
				length := 6 * time.Minute
				if desktops > 10_000 {
					length = 3 * time.Minute
				}
				var e apptest.Exposition
				for start := time.Now(); time.Since(start) < length; time.Sleep(tc.every) {
					if tc.spent && time.Since(start)+tc.every < length {
						s.Get("/metrics")
						continue
					}
					scrape := time.Now()
					e = s.scrapeSummary()
					if tc.spent {
						continue
					}
					// At most the allowance of 20ms for clocks is waited for.
					if took := time.Since(scrape); took > 5*20*time.Millisecond {
						t.Errorf("a scrape took %s, though the quota pays for all and calls take no time", took)
					}
					// The quota suffices: each scrape reads everything at once.
					e.Each("oldest_data_timestamp_seconds", func(l apptest.Labels, v float64) {
						if v < float64(scrape.UnixMilli())/1000 {
							t.Errorf("%s shows data from before the scrape", l.Get("project_id"))
						}
					})
				}
				if n := throttledCalls(s, e); n != 0 {
					t.Errorf("%v calls were answered by 429", n)
				}
				if e.Sum("up") != float64(len(tc.branches)) || e.Sum("desktops") != float64(desktops) || e.Sum("desktops_unresolved") != 0 {
					t.Errorf("%v of %d projects up, %v of %d desktops, %v unresolved", e.Sum("up"), len(tc.branches), e.Sum("desktops"), desktops, e.Sum("desktops_unresolved"))
				}
			})
		})
	}
}

// TestWholeBudgetAtStart uses the quota of a whole minute in the first scrape.
func TestWholeBudgetAtStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := quotaScenario(t, 40, "requests_per_minute: 36", quotaProject{"AK1", 3500})
		if n := s.Cloud.CallCount(networks); n != 35 {
			t.Errorf("%d networks calls at once, want 35: one of 36 is kept for what is urgent", n)
		}
		if e := s.scrapeSummary(); e.Sum("desktops_unresolved") != 0 || throttledCalls(s, e) != 0 {
			t.Errorf("%v unresolved", e.Sum("desktops_unresolved"))
		}
	})
}

// TestParallelCalls reads 10,000 desktops by eight concurrent calls of 200ms, which
// takes hardly more than an eighth of their total time.
func TestParallelCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := quotaScenario(t, 200, "concurrency: 8", quotaProject{"AK1", 10_000})
		time.Sleep(2 * time.Minute)
		s.Cloud.ResetCounters()
		const latency = 200 * time.Millisecond
		s.Cloud.AddFault(simulator.Fault{Latency: latency})
		start := time.Now()
		e := s.scrapeSummary()
		took := time.Since(start)
		calls := s.Cloud.CallCount(list) + s.Cloud.CallCount(networks)
		ideal := time.Duration(calls) * latency / 8
		t.Logf("%d calls took %s, ideally %s: ratio %.2f", calls, took, ideal, float64(took)/float64(ideal))
		if calls != 111 || took > ideal*12/10 {
			t.Errorf("%d calls took %s, want 111 in at most 1.2 times %s", calls, took, ideal)
		}
		if n := s.Cloud.MaxInFlight(); n != 8 {
			t.Errorf("%d calls at once, want 8", n)
		}
		oldest := e.Sum("oldest_data_timestamp_seconds")
		if e.Sum("desktops_unresolved") != 0 || oldest < float64(start.Unix()) {
			t.Errorf("%v unresolved, the oldest data from before the scrape", e.Sum("desktops_unresolved"))
		}
	})
}

// TestSharedQuota lets another user of the key take half of the quota for a while. The
// exporter reduces its budget until it hardly gets 429, and increases it again
// afterwards; data and up are not affected.
func TestSharedQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := quotaScenario(t, 22, "requests_per_minute: 20", quotaProject{"AK1", 1500})
		minutes := func(n int) (e apptest.Exposition) {
			for range n {
				time.Sleep(time.Minute)
				e = s.scrapeSummary()
				if e.Sum("up") != 1 || e.Sum("desktops_unresolved") != 0 || e.Sum("desktops_stale") != 0 {
					t.Errorf("up %v, %v unresolved, %v stale", e.Sum("up"), e.Sum("desktops_unresolved"), e.Sum("desktops_stale"))
				}
			}
			return e
		}
		budget := func() int {
			for _, q := range s.App.Quotas() {
				if q.Operation == networks {
					return q.PerMinute
				}
			}
			return 0
		}
		if n := throttledCalls(s, minutes(3)); n != 0 || budget() != 20 {
			t.Errorf("%v refused, budget %d; want none and 20", n, budget())
		}
		s.Cloud.SetQuota(11)
		calls := s.Cloud.CallCount(networks)
		minutes(1)
		if budget() > 10 {
			t.Errorf("budget %d after the first refusals, want at most half of 20", budget())
		}
		e := minutes(29)
		calls = s.Cloud.CallCount(networks) - calls
		if n := throttledCalls(s, e); n == 0 || n > float64(calls)/10 {
			t.Errorf("%v of %d calls were refused in half an hour, want some, but less than a tenth", n, calls)
		}
		if calls < 30*11*6/10 {
			t.Errorf("%d calls in half an hour, of 330 that were there", calls)
		}
		s.Cloud.SetQuota(22)
		before := throttledCalls(s, e)
		e = minutes(11)
		if n := throttledCalls(s, e) - before; n != 0 || budget() != 20 {
			t.Errorf("%v refused, budget %d ten minutes after the other has gone; want none and 20", n, budget())
		}
		if age := float64(time.Now().Unix()) - e.Sum("oldest_data_timestamp_seconds"); age > 10 {
			t.Errorf("the oldest data are %vs old, though the quota pays for all again", age)
		}
	})
}

// TestRefreshContinues checks that a refresh ended by quota or time is continued by
// the next one: no desktop is read twice before all were read once.
func TestRefreshContinues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits, refresh string
		latency         time.Duration
	}{
		"quota": {"requests_per_minute: 10", "timeout: 2m", 0},
		"time":  {"concurrency: 1", "timeout: 40s", 3 * time.Second},
		"both":  {"requests_per_minute: 5, concurrency: 1", "timeout: 15s", 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := prepareScenario(t, strings.ReplaceAll(apptest.OfficeYAML, "credentials:", "limits: {"+tc.limits+"}\n    credentials:")+
					"refresh: {"+tc.refresh+"}\n", simulator.GenerateDesktops(2000, 1)...)
				s.Cloud.SetQuota(200)
				s.Cloud.AddFault(simulator.Fault{Latency: tc.latency})
				if err := s.App.Reload(); err != nil {
					t.Fatal(err)
				}
				left := 2000.0
				for range 12 {
					e := s.scrapeSummary()
					unresolved := e.Sum("desktops_unresolved")
					if e.Sum("desktops") == 0 { // before the first list
						unresolved = 2000
					}
					if unresolved > left || e.Sum("up", "project_id", apptest.ProjectA) != 1 && e["huaweicloud_workspace_up"] != nil {
						t.Fatalf("%v unresolved after %v, up %v", unresolved, left, e.Sum("up"))
					}
					left = unresolved
					time.Sleep(30 * time.Second)
				}
				if left != 0 {
					t.Errorf("%v unresolved after six minutes", left)
				}
				reads := map[string]int{}
				for _, c := range s.Cloud.Calls() {
					for _, id := range c.IDs {
						reads[id]++
					}
				}
				times := slices.Sorted(maps.Values(reads))
				if len(times) != 2000 || times[len(times)-1]-times[0] > 1 {
					t.Errorf("of %d desktops one was read %d times, another %d times", len(times), times[len(times)-1], times[0])
				}
			})
		})
	}
}

// TestWithoutEIPList checks that a key without permission for the EIP list leads to the same
// data, but detects an unbound EIP later; with the list, in the scrape after next.
func TestWithoutEIPList(t *testing.T) {
	t.Parallel()
	got := map[bool]string{}
	for _, denied := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := quotaScenario(t, 3, "requests_per_minute: 2", quotaProject{"AK1", 1000}) // a cycle takes five minutes
			if denied {
				s.Cloud.AddKey(simulator.Key{AccessKey: "AK1", SecretKey: apptest.SecretKey, Deny: []string{bindings}})
			}
			for range 12 {
				if e := s.scrapeSummary(); e.Sum("up") != 1 {
					t.Fatalf("up is %v", e.Sum("up"))
				}
				time.Sleep(time.Minute)
			}
			id := fmt.Sprintf("%032d", 0)
			var late []int
			for i := range 3 {
				victim := ""
				for _, d := range s.Cloud.Desktops(id)[i*300:] {
					if d.Interfaces[0].EIP != nil {
						victim = d.ID
						break
					}
				}
				s.Cloud.UpdateDesktop(id, victim, func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
				for n := 1; ; n++ {
					if e := s.scrapeSummary(victim); e.Sum("desktop_eips") == 0 {
						late = append(late, n)
						break
					}
					if n > 12 {
						t.Fatalf("the EIP of %s is still shown after %d scrapes", victim, n)
					}
					time.Sleep(time.Minute)
				}
			}
			if worst := slices.Max(late); !denied && worst > 2 || denied && worst < 3 {
				t.Errorf("denied %t: shown in scrapes %v after the change", denied, late)
			}
			for range 8 {
				s.Get("/metrics")
				time.Sleep(time.Minute)
			}
			e := s.Scrape()
			got[denied] = e.Desktops(id)
			if n := throttledCalls(s, e); n != 0 || !strings.HasPrefix(got[denied][strings.LastIndexByte(got[denied], '\n')+1:], "up=1 desktops=1000 unresolved=0 stale=0") {
				t.Errorf("denied %t: %v calls with 429, %s", denied, n, got[denied][strings.LastIndexByte(got[denied], '\n')+1:])
			}
			if codes := e.Sum("exporter_api_requests_total", "operation", bindings, "code", "403") > 0; codes != denied {
				t.Errorf("denied %t: the EIP list was answered 403: %t", denied, codes)
			}
			if strings.Contains(s.Log.String(), "level=error") {
				t.Errorf("denied %t: the log speaks of errors: %s", denied, s.Log)
			}
		})
	}
	if diff := gocmp.Diff(got[false], got[true]); diff != "" {
		t.Errorf("with and without the EIP list (-with +without)\n%s", diff)
	}
}
