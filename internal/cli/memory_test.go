// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// withState gives a configuration with a state file, and where that is.
func withState(t *testing.T, yaml string) (with, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "state")
	return yaml + "state: {file: " + file + "}\n", file
}

// told gives the changes that /changes.json has, the newest first.
func (s *scene) told() string {
	s.Helper()
	var page struct {
		Changes []struct {
			Kind      string `json:"kind"`
			DesktopID string `json:"desktop_id"`
			Before    string `json:"before"`
			After     string `json:"after"`
		} `json:"changes"`
	}
	if err := json.Unmarshal([]byte(s.get("/changes.json")), &page); err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, c := range page.Changes {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(c.DesktopID, " ", c.Kind, " ", c.Before, ">", c.After)))
	}
	return strings.Join(lines, "; ")
}

// What happened before a restart is still known after it, what happened
// meanwhile is told once, and the counters go on.
func TestARestartWithAStateFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, office)
		s := newScene(t, yaml, desktop("d1", "1.1.1.1"), desktop("d2", ""), desktop("d3", ""))
		s.scrape()
		s.cloud.UpdateDesktop(projectA, "d1", func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
		time.Sleep(time.Minute)
		s.scrape()

		s.x.close()
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Fatalf("the state file: %v %v", info.Mode(), err)
		}
		s.cloud.UpdateDesktop(projectA, "d2", func(d *simulator.Desktop) { d.Name = "renamed" })
		s.cloud.DeleteDesktop(projectA, "d3")
		s.restart(time.Hour)
		for range 2 {
			e := s.want("d1 nd1: 10.0.0.1+default\nd2 renamed: 10.0.0.2+default\nup=1 desktops=2 unresolved=0 stale=0")
			for kind, n := range map[string]float64{"eip_unbound": 1, "renamed": 1, "vanished": 1, "appeared": 0, "eip_bound": 0} {
				if got := e.sum("desktop_changes_total", "kind", kind); got != n {
					t.Errorf("%s: %v changes counted, want %v", kind, got, n)
				}
			}
			time.Sleep(time.Minute)
		}
		if got, want := s.told(), "d3 vanished >; d2 renamed nd2>renamed; d1 eip_unbound 1.1.1.1>"; got != want {
			t.Errorf("told is %s, want %s", got, want)
		}
	})
}

// While the cloud is down, a restart shows what was known, for as long as it
// would have been shown without a restart.
func TestARestartInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, _ := withState(t, strings.Replace(office, "    project_id: "+projectA+"\n", "", 1))
		s := newScene(t, yaml, desktop("d1", "1.1.1.1"))
		s.scrape()
		read := time.Now()
		s.cloud.AddFault(simulator.Fault{Status: 503})
		s.restart(5 * time.Minute)
		e := s.want("d1 nd1: 10.0.0.1/1.1.1.1+default\nup=0 desktops=1 unresolved=0 stale=1")
		if oldest := e.sum("oldest_data_timestamp_seconds"); oldest != float64(read.UnixMilli())/1000 {
			t.Errorf("the oldest data are of %v, want %v", oldest, read.Unix())
		}
		if !strings.Contains(s.get("/inventory.csv"), "1.1.1.1") {
			t.Error("the page does not show what is held")
		}
		time.Sleep(20 * time.Minute)
		s.want("up=0 desktops=- unresolved=- stale=-")
		if told := s.told(); told != "" {
			t.Errorf("an outage and a restart are changes: %s", told)
		}
	})
}

// A crash leaves the file as it was saved last, and what was told since is told
// again.
func TestACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, office)
		s := newScene(t, yaml, desktop("d1", ""))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.x.keeper.run(ctx) }()
		s.scrape()
		time.Sleep(saveEvery)
		synctest.Wait()
		saved, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stop()
		<-done
		s.cloud.UpdateDesktop(projectA, "d1", func(d *simulator.Desktop) { d.Name = "renamed" })
		s.scrape()
		s.x.close()
		if err := os.WriteFile(file, saved, 0o600); err != nil {
			t.Fatal(err)
		}
		s.restart(time.Minute)
		s.scrape()
		if got := s.told(); got != "d1 renamed nd1>renamed" {
			t.Errorf("told is %s", got)
		}
	})
}

// Whatever is wrong with the file, the exporter runs, and replaces it.
func TestStateFilesThatAreIgnored(t *testing.T) {
	good := encodeState(t, &memory{SavedAt: time.Now()})
	for _, tt := range []struct {
		name    string
		data    []byte
		warning string
	}{
		{"empty", []byte{}, "it is damaged"},
		{"nothing but its head", []byte(stateMagic), "it is damaged"},
		{"cut off", good[:len(good)-1], "it is damaged"},
		{"one bit", slices.Concat(good[:len(good)/2], []byte{good[len(good)/2] ^ 1}, good[len(good)/2+1:]), "it is damaged"},
		{"a later version", bytes.Replace(good, []byte("state 1\n"), []byte("state 2\n"), 1), `it is of version \"2\", and this exporter reads version 1`},
		{"too old", encodeState(t, &memory{SavedAt: time.Now().Add(-8 * 24 * time.Hour)}), "it is older than state.max_age"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				yaml, file := withState(t, office)
				if tt.name == "too old" { // the bubble's clock is another one
					tt.data = encodeState(t, &memory{SavedAt: time.Now().Add(-7*24*time.Hour - 1)})
				}
				if err := os.WriteFile(file, tt.data, 0o644); err != nil {
					t.Fatal(err)
				}
				s := newScene(t, yaml, desktop("d1", ""))
				s.want("d1 nd1: 10.0.0.1+default\nup=1 desktops=1 unresolved=0 stale=0")
				if log := s.log.String(); !strings.Contains(log, "level=warn") || !strings.Contains(log, tt.warning) || !strings.Contains(log, file) {
					t.Errorf("the log is %s", log)
				}
				s.restart(time.Minute)
				if _, log, _ := strings.Cut(s.log.String(), "msg=\"State file read\""); !strings.Contains(log, "projects=1") {
					t.Errorf("the file was not replaced: %s", s.log)
				}
				if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
					t.Errorf("others can read what replaced a file that they could: %v %v", info.Mode(), err)
				}
			})
		})
	}
}

// What is no state file was named by mistake.
func TestAFileOfSomebodyElseIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, office)
		if err := os.WriteFile(file, []byte("projects:\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newScene(t, yaml, desktop("d1", ""))
		if e := s.scrape(); e.sum("desktops") != 1 || len(e["huaweicloud_workspace_exporter_state_last_save_successful"].GetMetric()) != 1 || e.sum("exporter_state_last_save_successful") != 0 {
			t.Error("nothing is saved, and it is not said so")
		}
		s.restart(time.Minute)
		if data, err := os.ReadFile(file); err != nil || string(data) != "projects:\n" {
			t.Errorf("the file is %q %v", data, err)
		}
		if n := strings.Count(s.log.String(), "it is left alone"); n != 2 {
			t.Errorf("told %d times at two starts: %s", n, s.log)
		}
	})
}

// A file that cannot be written is told once, by the log and a metric.
func TestAStateFileThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, office)
		s := newScene(t, yaml, desktop("d1", ""))
		folder := filepath.Dir(file)
		if e := s.scrape(); len(e["huaweicloud_workspace_exporter_state_last_save_successful"].GetMetric()) != 0 {
			t.Error("nothing was saved yet, and it is said how it went")
		}
		s.x.keeper.save()
		saved := time.Now()
		if e := s.scrape(); e.sum("exporter_state_last_save_successful") != 1 || e.sum("exporter_state_last_save_success_timestamp_seconds") != float64(saved.UnixMilli())/1000 {
			t.Error("saved, and not said so")
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
			t.Errorf("beside the file there is %v %v", left, err)
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.x.keeper.save()
		s.x.keeper.save()
		if e := s.scrape(); e.sum("exporter_state_last_save_successful") != 0 || e.sum("exporter_state_last_save_success_timestamp_seconds") != float64(saved.UnixMilli())/1000 {
			t.Error("not saved, and not said so")
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.x.keeper.save()
		if n := strings.Count(s.log.String(), "State file cannot be written"); n != 1 || !strings.Contains(s.log.String(), "State file is written again") {
			t.Errorf("told %d times: %s", n, s.log)
		}
	})
}

// Without a state file nothing outlives a restart, and a state file that comes
// with a reload counts from the next start on.
func TestWithoutAStateFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, office, desktop("d1", ""))
		s.scrape()
		s.cloud.DeleteDesktop(projectA, "d1")
		s.scrape()
		s.yaml, _ = withState(t, office)
		if err := s.x.reload(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.log.String(), "A change of state counts from the next start on") {
			t.Errorf("the log does not tell: %s", s.log)
		}
		s.restart(time.Minute)
		if told := s.told(); told != "" {
			t.Errorf("remembered without a file: %s", told)
		}
	})
}

// What cannot be asked yet, since its account was not listed, stays in the
// file.
func TestWhatIsNotAskedForStaysRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, _ := withState(t, "accounts:\n  - "+strings.TrimPrefix(strings.TrimSpace(accountYAML("all")), "- ")+"\n")
		s := newScene(t, yaml, desktop("d1", "1.1.1.1"))
		s.scrape()
		heal := s.cloud.AddFault(simulator.Fault{Status: 503})
		s.restart(time.Minute)
		s.restart(time.Minute)
		heal()
		s.cloud.AddFault(simulator.Fault{Operation: networks, Status: 503})
		time.Sleep(11 * time.Minute)
		if e := s.scrape(); e.sum("desktop_eips") != 1 {
			t.Errorf("what the account's project knew is gone: %s", e.fleet(projectA))
		}
	})
}

// What nobody ever asks for does not stay in the file for good.
func TestWhatNobodyAsksForGoesInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, office)
		s := newScene(t, yaml, desktop("d1", ""))
		s.scrape()
		s.yaml = strings.Replace(yaml, "name: office", "name: other", 1)
		s.yaml = strings.Replace(s.yaml, "project_id: "+projectA, "project_id: "+projectB, 1)
		for _, want := range []int{2, 2, 1} {
			s.restart(3 * 24 * time.Hour)
			s.x.keeper.save()
			if m, err := readState(file); err != nil || len(m.Projects) != want {
				t.Errorf("%d projects are remembered, want %d: %v", len(m.Projects), want, err)
			}
		}
	})
}

// A reload holds the fleet while it asks the keeper what it knows, and a save
// asks the fleet: neither may wait for the other.
func TestSavingDuringAReload(t *testing.T) {
	x := newExporter(log.NewNopLogger(), nil, nil)
	x.keep()
	x.keeper.state = config.State{File: filepath.Join(t.TempDir(), "state")}
	x.keeper.pending = map[string]refresh.State{"office": {}}
	held, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		x.fleet.SetTargets([]refresh.Target{{Key: "office", Name: "office", New: func() refresh.Options {
			close(held)
			time.Sleep(50 * time.Millisecond) // the save begins meanwhile
			if x.keeper.recall("office") == nil {
				t.Error("a save has taken away what was not asked for yet")
			}
			return refresh.Options{Source: down{&account{}}, Logger: log.NewNopLogger()}
		}}})
	}()
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		<-held
		x.keeper.save()
	}()
	for what, ended := range map[string]chan struct{}{"reload": done, "save": saved} {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("the %s waits for ever", what)
		}
	}
	x.fleet.Close()
}

func encodeState(t testing.TB, m *memory) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state")
	if err := writeState(file, m); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sample is a memory with something of everything.
func sample() *memory {
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	n := &inventory.Networks{Name: "n", Interfaces: []inventory.Interface{{
		PortID: "p", PrivateIP: "10.0.0.1", VPC: inventory.VPC{ID: "v"}, EIP: inventory.EIP{ID: "e", Address: "1.1.1.1"},
		SecurityGroups: []inventory.SecurityGroup{{ID: "g", Name: "web"}},
	}}}
	project := inventory.Project{Name: "office", Region: "r", ID: "p"}
	return &memory{
		SavedAt: now,
		History: changes.State{
			Scopes: []changes.ScopeState{{
				Region: "r", ProjectID: "p", Filter: "c", LastSeen: now, Complete: true,
				Desktops: []changes.DesktopState{{ID: "d1", Name: "n", Listed: true, Networks: n}, {ID: "d2"}},
			}},
			Counts:  []changes.ProjectCounts{{Region: "r", ProjectID: "p", Kinds: map[inventory.ChangeKind]uint64{inventory.Renamed: 3}}},
			Changes: []inventory.Change{{Time: now, Project: project, DesktopID: "d1", Kind: inventory.Renamed, Before: "a", After: "b"}},
		},
		Projects: map[string]refresh.State{"target": {
			Project: project, SavedAt: now, ListComplete: true, LastSuccess: now,
			Desktops: []refresh.DesktopState{
				{Desktop: inventory.Desktop{ID: "d1", Tags: []inventory.Tag{{Key: "k", Value: "v"}}}, Networks: n, ReadAt: now, ListedEIPs: "1.1.1.1", EIPListKnown: true},
				{Desktop: inventory.Desktop{ID: "d2"}, Networks: &inventory.Networks{}, FailedAt: now, MissingSince: now, ChangeSuspected: true},
			},
		}},
	}
}

func TestStateRoundTrip(t *testing.T) {
	m, err := parseState(encodeState(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(*sample(), m); diff != "" {
		t.Errorf("(-saved +read)\n%s", diff)
	}
}

// FuzzState looks for files that do more harm than being ignored.
func FuzzState(f *testing.F) {
	f.Add(encodeState(f, sample()))
	f.Add([]byte(stateMagic + stateVersion + "\n" + strings.Repeat("x", 64)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseState(data); err != nil && (m.SavedAt != time.Time{} || len(m.Projects) > 0) {
			t.Errorf("damaged, and something came out: %+v", m)
		}
	})
}
