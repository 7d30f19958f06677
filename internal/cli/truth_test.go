// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

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

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestDesktopsThatSpoilTheirBatch hides some of 250 desktops from the networks
// call, in each way in which the cloud may say so.
func TestDesktopsThatSpoilTheirBatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		unknown simulator.UnknownIDs
		hidden  []int
		calls   int // networks calls of the scrape that finds them
	}{
		// Where the answer lacks some, they are asked for once more.
		{"lacking, one", simulator.OmitUnknown, []int{150}, 3 + 1},
		{"lacking, ten in a row", simulator.OmitUnknown, []int{150, 151, 152, 153, 154, 155, 156, 157, 158, 159}, 3 + 1},
		{"lacking, one a batch", simulator.OmitUnknown, []int{50, 150, 249}, 3 + 3},
		// A batch that is refused is halved: 2 calls for each of the 7 halvings
		// of 100 desktops at the most.
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
				s := newScene(t, office, fleet...)
				s.cloud.SetUnknownIDs(tc.unknown)
				for _, i := range tc.hidden {
					// The sorted order is the engine's; Fleet's IDs need not be sorted.
					s.cloud.UpdateDesktop(projectA, sortedID(fleet, i), func(d *simulator.Desktop) { d.Hidden = true })
				}
				time.Sleep(time.Minute)
				e := s.scrape()
				if n := s.cloud.CallCount(networks); n > tc.calls {
					t.Errorf("%d networks calls, want at most %d", n, tc.calls)
				}
				// What was known of the culprits is held; the others are fresh.
				if up, stale, unresolved := e.sum("up"), e.sum("desktops_stale"), e.sum("desktops_unresolved"); up != 1 || stale != float64(len(tc.hidden)) || unresolved != 0 {
					t.Errorf("up %v, %v stale, %v unresolved; want 1, %d, 0", up, stale, unresolved, len(tc.hidden))
				}
				s.cloud.ResetCounters()
				time.Sleep(time.Minute)
				s.scrape()
				if n := s.cloud.CallCount(networks); n != 3 {
					t.Errorf("the next scrape made %d networks calls, want 3: the culprits are not asked for again", n)
				}
				for minute := range 15 {
					time.Sleep(time.Minute)
					e = s.scrape()
					if stale, unresolved := e.sum("desktops_stale"), e.sum("desktops_unresolved"); stale+unresolved != float64(len(tc.hidden)) {
						t.Fatalf("minute %d: %v stale and %v unresolved, want %d together", minute, stale, unresolved, len(tc.hidden))
					}
				}
				if n := e.sum("desktops_unresolved"); n != float64(len(tc.hidden)) {
					t.Errorf("%v unresolved after max_staleness, want %d", n, len(tc.hidden))
				}
				for _, i := range tc.hidden {
					s.cloud.UpdateDesktop(projectA, sortedID(fleet, i), func(d *simulator.Desktop) { d.Hidden = false; d.Name = "back" })
				}
				if e = s.scrape(); e.sum("desktops_unresolved") != 0 {
					t.Errorf("%v unresolved though all are back and renamed", e.sum("desktops_unresolved"))
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

// TestAListThatMovesWhileItIsRead reads 2,500 desktops on three pages.
func TestAListThatMovesWhileItIsRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault simulator.Fault
		moves func(s *scene, fleet []simulator.Desktop, page int) // before a page is answered
		up    float64
		calls int // list calls at the most
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
		"the first is deleted":          {moves: func(s *scene, f []simulator.Desktop, page int) { deleteOnce(s, f, page, 2, 0) }, up: 1, calls: 12},
		"one of each page is deleted":   {moves: func(s *scene, f []simulator.Desktop, page int) { deleteOnce(s, f, page, page, page*7) }, up: 1, calls: 24},
		"one is added":                  {moves: func(s *scene, _ []simulator.Desktop, page int) { addOnce(s, page, 2) }, up: 1, calls: 24},
		"one is deleted and one added":  {moves: func(s *scene, f []simulator.Desktop, page int) { deleteOnce(s, f, page, 2, 0); addOnce(s, page, 2) }, up: 1, calls: 24},
		"one is deleted at every page":  {moves: func(s *scene, f []simulator.Desktop, page int) { deleteOnce(s, f, page, page, page) }, up: 1, calls: 24},
		"no page after the first comes": {fault: simulator.Fault{After: 1, Status: 500}, up: 0, calls: 24},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fleet := simulator.GenerateDesktops(2500, 1)
				s := newScene(t, strings.ReplaceAll(office, "credentials:", "limits: {requests_per_minute: 1000}\n    credentials:"), fleet...)
				time.Sleep(time.Minute)
				if tc.moves != nil {
					var page atomic.Int64
					defer s.cloud.OnCall(func(c simulator.Call) {
						if c.Operation == list {
							tc.moves(s, fleet, int(page.Add(1)))
						}
					})()
				} else {
					tc.fault.Operation = list
					s.cloud.AddFault(tc.fault)
				}
				e := s.scrape()
				if up := e.sum("up"); up != tc.up {
					t.Errorf("up %v, want %v", up, tc.up)
				}
				if n := s.cloud.CallCount(list); n > tc.calls {
					t.Errorf("%d list calls, want at most %d", n, tc.calls)
				}
				// Whatever the list said, nobody who exists may be missing.
				shown := map[string]bool{}
				e.each("desktop_eips", func(l labels, _ float64) { shown[l.of("desktop_id")] = true })
				missing := 0
				for _, d := range s.cloud.Desktops(projectA) {
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

func deleteOnce(s *scene, fleet []simulator.Desktop, page, when, which int) {
	if page == when {
		s.cloud.DeleteDesktop(projectA, fleet[which].ID)
	}
}

func addOnce(s *scene, page, when int) {
	if page == when {
		s.cloud.PutDesktop(projectA, desktop("d9", ""))
	}
}

// files is a configuration of many projects whose key stands in files.
func files(t *testing.T, projects int) (yaml, secretFile string) {
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
`, i, projectA, i, secretFile)
	}
	return b.String(), secretFile
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAWrongKeyIsNeverLocked(t *testing.T) {
	t.Parallel()
	yaml, secretFile := files(t, 20)
	write(t, secretFile, "WRONGCANARY\n")
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, yaml, both()...)
		// Four scrapers, a scrape every 15 seconds, for two hours.
		for range 2 * 60 * 4 {
			var scrapers sync.WaitGroup
			for range 4 {
				scrapers.Go(func() { s.get("/metrics") })
			}
			scrapers.Wait()
			time.Sleep(15 * time.Second)
		}
		// Six failures in a row lock the key for five minutes. Tries that are at
		// least as far apart never come six in one such time.
		var last time.Time
		refused := 0
		for _, c := range s.cloud.Calls() {
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
		if e := s.scrape(); e.sum("up") != 0 {
			t.Errorf("up is %v, want 0", e.sum("up"))
		}
		// The right key is taken up at once.
		write(t, secretFile, secret+"\n")
		time.Sleep(10 * time.Second)
		if e := s.scrape(); e.sum("up") != 1 {
			t.Errorf("up is %v after the key was changed, want 1: %s", e.sum("up"), s.log)
		}
	})
}

func TestAKeyThatRotatesLeavesNoGap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, file := range []string{"ak", "sk", "token"} {
		write(t, filepath.Join(dir, file), "x")
	}
	yaml := strings.ReplaceAll(office, "{access_key: AKOFFICE, secret_key: "+secret+"}",
		fmt.Sprintf("{access_key_file: %[1]s/ak, secret_key_file: %[1]s/sk, security_token_file: %[1]s/token}", dir))
	synctest.Test(t, func(t *testing.T) {
		var s *scene
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
		s = newScene(t, yaml, both()...)
		rotate(0, s.cloud)
		time.Sleep(10 * time.Minute) // the refusal of "x" is over
		s.want(bothWell)
		for n := 1; n <= 10; n++ {
			rotate(n, s.cloud)
			for range 36 {
				if e := s.scrape(); e.sum("up") != 1 {
					t.Fatalf("up 0 after %d rotations: %s", n, s.log)
				}
				time.Sleep(30 * time.Second)
			}
		}
		if n := s.cloud.LockoutCount(); n != 0 {
			t.Errorf("a key was locked %d times", n)
		}
	})
}

const twoProjects = office + `
  - name: branch
    region: ap-southeast-3
    project_id: ` + projectB + `
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + secret + `}
`

func TestOneProjectsFailureTouchesNoOther(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"hang": {HangBeforeHeader: true}, "reset": {ResetConnection: true}, "403": {Status: 403}, "500": {Status: 500}, "429": {Status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, twoProjects, both()...)
				s.cloud.SetDesktops(projectB, []simulator.Desktop{desktop("d7", "7.7.7.7")})
				fault.Project = projectB
				heal := s.cloud.AddFault(fault)
				time.Sleep(3 * time.Minute)
				for range 10 {
					e := s.want(bothWell)
					if up := e.sum("up", "project_id", projectB); up != 0 && e.sum("refresh_duration_seconds", "project_id", projectB) > 0 && name != "hang" {
						t.Errorf("the failing project is up: %v", up)
					}
					time.Sleep(time.Minute)
				}
				heal()
				time.Sleep(5 * time.Minute)
				s.scrape()
				if got := s.scrape().fleet(projectB); got != "d7 nd7: 10.0.0.7/7.7.7.7+default\nup=1 desktops=1 unresolved=0 stale=0" {
					t.Errorf("after recovery:\n%s", got)
				}
			})
		})
	}
}

func TestTheCloudIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, strings.ReplaceAll(office, projectA, "00000000000000000000000000000000"))
		s.want("up=- desktops=- unresolved=- stale=-")
		e := s.scrape()
		if got := e.fleet("00000000000000000000000000000000"); got != "up=0 desktops=- unresolved=- stale=-" {
			t.Error(got)
		}
		if body := s.get("/-/ready"); body != "ready\n" {
			t.Error(body)
		}
	})
}
