// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestRefusedBatches hides some of 250 desktops from the networks call, in each way
// in which the cloud refuses them.
func TestRefusedBatches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		unknown simulator.UnknownIDs
		hidden  []int
		calls   int // networks calls of the first scrape
	}{
		// Desktops missing in a response are requested once more.
		{"lacking, one", simulator.OmitUnknown, []int{150}, 3 + 1},
		{"lacking, ten in a row", simulator.OmitUnknown, []int{150, 151, 152, 153, 154, 155, 156, 157, 158, 159}, 3 + 1},
		{"lacking, one a batch", simulator.OmitUnknown, []int{50, 150, 249}, 3 + 3},
		// A refused batch is split in halves: at most 2 calls for each of the 7
		// splits of 100 desktops.
		{"404, one", simulator.NotFoundUnknown, []int{150}, 3 + 14},
		{"404, one of fifty", simulator.NotFoundUnknown, []int{249}, 3 + 12},
		{"400, one", simulator.RejectUnknown, []int{0}, 3 + 14},
		{"400, two", simulator.RejectUnknown, []int{0, 1}, 3 + 14},
		{"404, two far apart", simulator.NotFoundUnknown, []int{100, 199}, 3 + 26},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fleet := simulator.GenerateDesktops(250, 1)
				s := newScenario(t, apptest.OfficeYAML, fleet...)
				s.Cloud.SetUnknownIDs(tc.unknown)
				for _, i := range tc.hidden {
					// In the engine's order, which is sorted by ID.
					s.Cloud.UpdateDesktop(apptest.ProjectA, sortedID(fleet, i), func(d *simulator.Desktop) { d.Hidden = true })
				}
				time.Sleep(time.Minute)
				e := s.Scrape()
				if n := s.Cloud.CallCount(networks); n > tc.calls {
					t.Errorf("%d networks calls, want at most %d", n, tc.calls)
				}
				// Data of refused desktops is kept; the others are read.
				if up, stale, unresolved := e.Sum("up"), e.Sum("desktops_stale"), e.Sum("desktops_unresolved"); up != 1 || stale != float64(len(tc.hidden)) || unresolved != 0 {
					t.Errorf("up %v, %v stale, %v unresolved; want 1, %d, 0", up, stale, unresolved, len(tc.hidden))
				}
				s.Cloud.ResetCounters()
				time.Sleep(time.Minute)
				s.Scrape()
				if n := s.Cloud.CallCount(networks); n != 3 {
					t.Errorf("the next scrape made %d networks calls, want 3: refused desktops are not read again", n)
				}
				for minute := range 15 {
					time.Sleep(time.Minute)
					e = s.Scrape()
					if stale, unresolved := e.Sum("desktops_stale"), e.Sum("desktops_unresolved"); stale+unresolved != float64(len(tc.hidden)) {
						t.Fatalf("minute %d: %v stale and %v unresolved, want %d together", minute, stale, unresolved, len(tc.hidden))
					}
				}
				if n := e.Sum("desktops_unresolved"); n != float64(len(tc.hidden)) {
					t.Errorf("%v unresolved after max_staleness, want %d", n, len(tc.hidden))
				}
				for _, i := range tc.hidden {
					s.Cloud.UpdateDesktop(apptest.ProjectA, sortedID(fleet, i), func(d *simulator.Desktop) { d.Hidden = false; d.Name = "back" })
				}
				if e = s.Scrape(); e.Sum("desktops_unresolved") != 0 {
					t.Errorf("%v unresolved though all are back and renamed", e.Sum("desktops_unresolved"))
				}
			})
		})
	}
}

func sortedID(fleet []simulator.Desktop, i int) string {
	ids := make([]string, len(fleet))
	for j, d := range fleet {
		ids[j] = d.ID
	}
	return sorted(ids)[i]
}

// TestListChangesWhileRead changes 2,500 desktops while three pages of them are read.
func TestListChangesWhileRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault simulator.Fault
		moves func(s *scenario, fleet []simulator.Desktop, page int) // before the response of a page
		up    float64
		calls int // maximum list calls
	}{
		"total too large":               {fault: simulator.Fault{TotalCountDelta: 3}, up: 0, calls: 24},
		"total far too large":           {fault: simulator.Fault{TotalCountDelta: 1 << 30}, up: 0, calls: 60},
		"total too small":               {fault: simulator.Fault{TotalCountDelta: -3}, up: 0, calls: 24},
		"total zero":                    {fault: simulator.Fault{TotalCountDelta: -2500}, up: 0, calls: 24},
		"total too large, once":         {fault: simulator.Fault{TotalCountDelta: 3, Times: 1}, up: 1, calls: 24},
		"the first page for ever":       {fault: simulator.Fault{RepeatPage: true}, up: 0, calls: 24},
		"one page repeated, once":       {fault: simulator.Fault{RepeatPage: true, After: 1, Times: 1}, up: 1, calls: 24},
		"empty pages":                   {fault: simulator.Fault{EmptyPage: true}, up: 0, calls: 24},
		"an empty page, once":           {fault: simulator.Fault{EmptyPage: true, After: 1, Times: 1}, up: 1, calls: 24},
		"the first is deleted":          {moves: func(s *scenario, f []simulator.Desktop, page int) { deleteOnce(s, f, page, 2, 0) }, up: 1, calls: 12},
		"one of each page is deleted":   {moves: func(s *scenario, f []simulator.Desktop, page int) { deleteOnce(s, f, page, page, page*7) }, up: 1, calls: 24},
		"one is added":                  {moves: func(s *scenario, _ []simulator.Desktop, page int) { addOnce(s, page, 2) }, up: 1, calls: 24},
		"one is deleted and one added":  {moves: func(s *scenario, f []simulator.Desktop, page int) { deleteOnce(s, f, page, 2, 0); addOnce(s, page, 2) }, up: 1, calls: 24},
		"one is deleted at every page":  {moves: func(s *scenario, f []simulator.Desktop, page int) { deleteOnce(s, f, page, page, page) }, up: 1, calls: 24},
		"no page after the first comes": {fault: simulator.Fault{After: 1, Status: 500}, up: 0, calls: 24},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fleet := simulator.GenerateDesktops(2500, 1)
				s := newScenario(t, strings.ReplaceAll(apptest.OfficeYAML, "credentials:", "limits: {requests_per_minute: 1000}\n    credentials:"), fleet...)
				time.Sleep(time.Minute)
				if tc.moves != nil {
					var page atomic.Int64
					defer s.Cloud.OnCall(func(c simulator.Call) {
						if c.Operation == list {
							tc.moves(s, fleet, int(page.Add(1)))
						}
					})()
				} else {
					tc.fault.Operation = list
					s.Cloud.AddFault(tc.fault)
				}
				e := s.Scrape()
				if up := e.Sum("up"); up != tc.up {
					t.Errorf("up %v, want %v", up, tc.up)
				}
				if n := s.Cloud.CallCount(list); n > tc.calls {
					t.Errorf("%d list calls, want at most %d", n, tc.calls)
				}
				// No existing desktop may be missing.
				shown := map[string]bool{}
				e.Each("desktop_eips", func(l apptest.Labels, _ float64) { shown[l.Get("desktop_id")] = true })
				missing := 0
				for _, d := range s.Cloud.Desktops(apptest.ProjectA) {
					if !shown[d.ID] {
						missing++
					}
				}
				if missing > 0 {
					t.Errorf("%d desktops that exist are missing", missing)
				}
			})
		})
	}
}

func deleteOnce(s *scenario, fleet []simulator.Desktop, page, when, which int) {
	if page == when {
		s.Cloud.DeleteDesktop(apptest.ProjectA, fleet[which].ID)
	}
}

func addOnce(s *scenario, page, when int) {
	if page == when {
		s.Cloud.PutDesktop(apptest.ProjectA, apptest.Desktop("d9", ""))
	}
}

// keyFilesYAML returns a configuration of many projects with an access key in files.
func keyFilesYAML(t *testing.T, projects int) (yaml, secretFile string) {
	t.Helper()
	secretFile = filepath.Join(t.TempDir(), "sk")
	var b strings.Builder
	b.WriteString("projects:\n")
	for i := range projects {
		fmt.Fprintf(&b, `
  - name: office%d
    region: la-north-2
    project_id: %s
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    desktops: {status: S%d}
    credentials: {access_key: AKOFFICE, secret_key_file: %s}
`, i, apptest.ProjectA, i, secretFile)
	}
	return b.String(), secretFile
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWrongKeyIsNeverLocked(t *testing.T) {
	t.Parallel()
	yaml, secretFile := keyFilesYAML(t, 20)
	write(t, secretFile, "WRONGCANARY\n")
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, yaml, apptest.TwoDesktops()...)
		// Four scrapers, a scrape every 15 seconds, for two hours.
		for range 2 * 60 * 4 {
			var scrapers sync.WaitGroup
			for range 4 {
				scrapers.Go(func() { s.Get("/metrics") })
			}
			scrapers.Wait()
			time.Sleep(15 * time.Second)
		}
		// Six consecutive failures lock the key for five minutes. Attempts that are
		// at least five minutes apart never reach six.
		var last time.Time
		refused := 0
		for _, c := range s.Cloud.Calls() {
			if c.Status != 401 {
				continue
			}
			refused++
			if apart := c.Time.Sub(last); apart < 5*time.Minute {
				t.Errorf("a refused key was tried again after %s", apart)
			}
			last = c.Time
		}
		if refused < 3 || refused > 10 {
			t.Errorf("%d tries in two hours, want some, and ever fewer", refused)
		}
		if e := s.Scrape(); e.Sum("up") != 0 {
			t.Errorf("up is %v, want 0", e.Sum("up"))
		}
		// The right key is used at once.
		write(t, secretFile, apptest.SecretKey+"\n")
		time.Sleep(10 * time.Second)
		if e := s.Scrape(); e.Sum("up") != 1 {
			t.Errorf("up is %v after the key was changed, want 1: %s", e.Sum("up"), s.Log)
		}
	})
}

func TestKeyRotationLeavesNoGap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, file := range []string{"ak", "sk", "token"} {
		write(t, filepath.Join(dir, file), "x")
	}
	yaml := strings.ReplaceAll(apptest.OfficeYAML, "{access_key: AKOFFICE, secret_key: "+apptest.SecretKey+"}",
		fmt.Sprintf("{access_key_file: %[1]s/ak, secret_key_file: %[1]s/sk, security_token_file: %[1]s/token}", dir))
	synctest.Test(t, func(t *testing.T) {
		var s *scenario
		// Each key lives for twenty minutes; the next one comes two minutes before.
		rotate := func(n int, cloud *simulator.Cloud) {
			key := simulator.Key{
				AccessKey: fmt.Sprintf("AKTEMP%d", n), SecretKey: fmt.Sprintf("SK%d", n),
				SecurityToken: fmt.Sprintf("TOKEN%d", n), Expires: time.Now().Add(20 * time.Minute),
			}
			cloud.AddKey(key)
			write(t, filepath.Join(dir, "ak"), key.AccessKey)
			write(t, filepath.Join(dir, "sk"), key.SecretKey)
			write(t, filepath.Join(dir, "token"), key.SecurityToken)
		}
		s = newScenario(t, yaml, apptest.TwoDesktops()...)
		rotate(0, s.Cloud)
		time.Sleep(10 * time.Minute) // longer than the pause after the refusal of "x"
		s.WantDesktops(apptest.TwoDesktopsOK)
		for n := 1; n <= 10; n++ {
			rotate(n, s.Cloud)
			for range 36 {
				if e := s.Scrape(); e.Sum("up") != 1 {
					t.Fatalf("up 0 after %d rotations: %s", n, s.Log)
				}
				time.Sleep(30 * time.Second)
			}
		}
		if n := s.Cloud.LockoutCount(); n != 0 {
			t.Errorf("a key was locked %d times", n)
		}
	})
}

const twoProjects = apptest.OfficeYAML + `
  - name: branch
    region: ap-southeast-3
    project_id: ` + apptest.ProjectB + `
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + apptest.SecretKey + `}
`

func TestProjectsFailIndependently(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"hang": {HangBeforeHeader: true}, "reset": {ResetConnection: true}, "403": {Status: 403}, "500": {Status: 500}, "429": {Status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScenario(t, twoProjects, apptest.TwoDesktops()...)
				s.Cloud.SetDesktops(apptest.ProjectB, []simulator.Desktop{apptest.Desktop("d7", "7.7.7.7")})
				fault.Project = apptest.ProjectB
				heal := s.Cloud.AddFault(fault)
				time.Sleep(3 * time.Minute)
				for range 10 {
					e := s.WantDesktops(apptest.TwoDesktopsOK)
					if up := e.Sum("up", "project_id", apptest.ProjectB); up != 0 && e.Sum("refresh_duration_seconds", "project_id", apptest.ProjectB) > 0 && name != "hang" {
						t.Errorf("the failing project is up: %v", up)
					}
					time.Sleep(time.Minute)
				}
				heal()
				time.Sleep(5 * time.Minute)
				s.Scrape()
				if got := s.Scrape().Desktops(apptest.ProjectB); got != "d7 nd7: 10.0.0.7/7.7.7.7+default\nup=1 desktops=1 unresolved=0 stale=0" {
					t.Errorf("after recovery:\n%s", got)
				}
			})
		})
	}
}

func TestStartDuringCloudOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, strings.ReplaceAll(apptest.OfficeYAML, apptest.ProjectA, "00000000000000000000000000000000"))
		s.WantDesktops("up=- desktops=- unresolved=- stale=-")
		e := s.Scrape()
		if got := e.Desktops("00000000000000000000000000000000"); got != "up=0 desktops=- unresolved=- stale=-" {
			t.Error(got)
		}
		if body := s.Get("/-/ready"); body != "ready\n" {
			t.Error(body)
		}
	})
}
