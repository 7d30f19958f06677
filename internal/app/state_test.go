// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/statefile"
)

// withState returns a configuration with a state file, and the path of the file.
func withState(t *testing.T, yaml string) (with, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "state")
	return yaml + "state: {file: " + file + "}\n", file
}

// changes returns the changes in /changes.json, the newest first.
func (s *scenario) changes() string {
	s.Helper()
	var page struct {
		Changes []struct {
			Kind      string `json:"kind"`
			DesktopID string `json:"desktop_id"`
			Before    string `json:"before"`
			After     string `json:"after"`
		} `json:"changes"`
	}
	if err := json.Unmarshal([]byte(s.Get("/changes.json")), &page); err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, c := range page.Changes {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(c.DesktopID, " ", c.Kind, " ", c.Before, ">", c.After)))
	}
	return strings.Join(lines, "; ")
}

// Changes before a restart are kept, changes during it are reported once, and the
// counters continue.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		s := newScenario(t, yaml, apptest.Desktop("d1", "1.1.1.1"), apptest.Desktop("d2", ""), apptest.Desktop("d3", ""))
		s.Scrape()
		s.Cloud.UpdateDesktop(apptest.ProjectA, "d1", func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
		time.Sleep(time.Minute)
		s.Scrape()

		s.App.Close()
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Fatalf("the state file: %v %v", info.Mode(), err)
		}
		s.Cloud.UpdateDesktop(apptest.ProjectA, "d2", func(d *simulator.Desktop) { d.Name = "renamed" })
		s.Cloud.DeleteDesktop(apptest.ProjectA, "d3")
		s.Restart(time.Hour)
		for range 2 {
			e := s.WantDesktops("d1 nd1: 10.0.0.1+default\nd2 renamed: 10.0.0.2+default\nup=1 desktops=2 unresolved=0 stale=0")
			for kind, n := range map[string]float64{"eip_unbound": 1, "renamed": 1, "vanished": 1, "appeared": 0, "eip_bound": 0} {
				if got := e.Sum("desktop_changes_total", "kind", kind); got != n {
					t.Errorf("%s: %v changes counted, want %v", kind, got, n)
				}
			}
			time.Sleep(time.Minute)
		}
		if got, want := s.changes(), "d3 vanished >; d2 renamed nd2>renamed; d1 eip_unbound 1.1.1.1>"; got != want {
			t.Errorf("the changes are %s, want %s", got, want)
		}
	})
}

// During an outage, data is exposed after a restart for as long as without one.
func TestRestartInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, _ := withState(t, strings.Replace(apptest.OfficeYAML, "    project_id: "+apptest.ProjectA+"\n", "", 1))
		s := newScenario(t, yaml, apptest.Desktop("d1", "1.1.1.1"))
		s.Scrape()
		read := time.Now()
		s.Cloud.AddFault(simulator.Fault{Status: 503})
		s.Restart(5 * time.Minute)
		e := s.WantDesktops("d1 nd1: 10.0.0.1/1.1.1.1+default\nup=0 desktops=1 unresolved=0 stale=1")
		if oldest := e.Sum("oldest_data_timestamp_seconds"); oldest != float64(read.UnixMilli())/1000 {
			t.Errorf("the oldest data are of %v, want %v", oldest, read.Unix())
		}
		if !strings.Contains(s.Get("/inventory.csv"), "1.1.1.1") {
			t.Error("the page does not show the stale data")
		}
		time.Sleep(20 * time.Minute)
		s.WantDesktops("up=0 desktops=- unresolved=- stale=-")
		if changes := s.changes(); changes != "" {
			t.Errorf("an outage and a restart cause changes: %s", changes)
		}
	})
}

// After a crash, the changes since the last save are reported again.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		s := newScenario(t, yaml, apptest.Desktop("d1", ""))
		s.Scrape()
		time.Sleep(app.SaveInterval)
		synctest.Wait()
		saved, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.Cloud.UpdateDesktop(apptest.ProjectA, "d1", func(d *simulator.Desktop) { d.Name = "renamed" })
		s.Scrape()
		s.App.Close()
		if err := os.WriteFile(file, saved, 0o600); err != nil {
			t.Fatal(err)
		}
		s.Restart(time.Minute)
		s.Scrape()
		if got := s.changes(); got != "d1 renamed nd1>renamed" {
			t.Errorf("the changes are %s", got)
		}
	})
}

// The exporter starts with any state file, and replaces it.
func TestIgnoredStateFiles(t *testing.T) {
	good := encodeState(t, &statefile.State{SavedAt: time.Now()})
	for _, tt := range []struct {
		name    string
		data    []byte
		warning string
	}{
		{"empty", []byte{}, "state file is damaged"},
		{"nothing but its head", []byte("huaweicloud_workspace_exporter state "), "state file is damaged"},
		{"cut off", good[:len(good)-1], "state file is damaged"},
		{"one bit", slices.Concat(good[:len(good)/2], []byte{good[len(good)/2] ^ 1}, good[len(good)/2+1:]), "state file is damaged"},
		{"a later version", bytes.Replace(good, []byte("state 2\n"), []byte("state 3\n"), 1), `state file has version \"3\", this exporter reads version 2`},
		{"the version before", bytes.Replace(good, []byte("state 2\n"), []byte("state 1\n"), 1), `state file has version \"1\", this exporter reads version 2`},
		{"too old", encodeState(t, &statefile.State{SavedAt: time.Now().Add(-8 * 24 * time.Hour)}), "older than state.max_age"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				yaml, file := withState(t, apptest.OfficeYAML)
				if tt.name == "too old" { // by the clock of the bubble
					tt.data = encodeState(t, &statefile.State{SavedAt: time.Now().Add(-7*24*time.Hour - 1)})
				}
				if err := os.WriteFile(file, tt.data, 0o644); err != nil {
					t.Fatal(err)
				}
				s := newScenario(t, yaml, apptest.Desktop("d1", ""))
				s.WantDesktops("d1 nd1: 10.0.0.1+default\nup=1 desktops=1 unresolved=0 stale=0")
				if log := s.Log.String(); !strings.Contains(log, "level=warn") || !strings.Contains(log, tt.warning) || !strings.Contains(log, file) {
					t.Errorf("the log is %s", log)
				}
				s.Restart(time.Minute)
				if _, log, _ := strings.Cut(s.Log.String(), "msg=\"State restored\""); !strings.Contains(log, "projects=1") {
					t.Errorf("the file was not replaced: %s", s.Log)
				}
				if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
					t.Errorf("the new file is readable by others: %v %v", info.Mode(), err)
				}
			})
		})
	}
}

// A file that is not a state file was configured by mistake.
func TestForeignFileIsNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		if err := os.WriteFile(file, []byte("projects:\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newScenario(t, yaml, apptest.Desktop("d1", ""))
		if e := s.Scrape(); e.Sum("desktops") != 1 || len(e["huaweicloud_workspace_exporter_state_last_save_successful"].GetMetric()) != 1 || e.Sum("exporter_state_last_save_successful") != 0 {
			t.Error("want a metric that nothing is saved")
		}
		s.Restart(time.Minute)
		if data, err := os.ReadFile(file); err != nil || string(data) != "projects:\n" {
			t.Errorf("the file is %q %v", data, err)
		}
		if n := strings.Count(s.Log.String(), "leaving it untouched"); n != 2 {
			t.Errorf("logged %d times at two starts: %s", n, s.Log)
		}
	})
}

// A file that cannot be written is reported once, by the log and a metric.
func TestStateSaveFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		s := newScenario(t, yaml, apptest.Desktop("d1", ""))
		folder := filepath.Dir(file)
		if e := s.Scrape(); len(e["huaweicloud_workspace_exporter_state_last_save_successful"].GetMetric()) != 0 {
			t.Error("want no metric before the first save")
		}
		s.App.SaveState()
		saved := time.Now()
		if e := s.Scrape(); e.Sum("exporter_state_last_save_successful") != 1 || e.Sum("exporter_state_last_save_success_timestamp_seconds") != float64(saved.UnixMilli())/1000 {
			t.Error("want a metric of the successful save")
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 2 || left[1].Name() != "state.lock" {
			t.Errorf("the folder contains more than the file and its lock: %v %v", left, err)
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.App.SaveState()
		s.App.SaveState()
		if e := s.Scrape(); e.Sum("exporter_state_last_save_successful") != 0 || e.Sum("exporter_state_last_save_success_timestamp_seconds") != float64(saved.UnixMilli())/1000 {
			t.Error("want a metric of the failed save")
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.App.SaveState()
		if n := strings.Count(s.Log.String(), "State save failed"); n != 1 || !strings.Contains(s.Log.String(), "State save recovered") {
			t.Errorf("logged %d times: %s", n, s.Log)
		}
	})
}

// A state file belongs to one process. A second one starts without state, leaves
// the file as it is, and saves once the first one has ended.
func TestStateFileOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		unlock, err := statefile.Lock(file)
		if err != nil {
			t.Fatal(err)
		}
		s := newScenario(t, yaml, apptest.Desktop("d1", ""))
		if e := s.Scrape(); e.Sum("exporter_state_last_save_successful") != 0 || e.Sum("desktops") != 1 {
			t.Error("want a failed save, and the desktops all the same")
		}
		time.Sleep(2 * app.SaveInterval)
		synctest.Wait()
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the state file of another process was written: %v", err)
		}
		if n := strings.Count(s.Log.String(), "Another process uses the state file"); n != 1 {
			t.Errorf("logged %d times: %s", n, s.Log)
		}
		unlock()
		time.Sleep(app.SaveInterval)
		synctest.Wait()
		if e := s.Scrape(); e.Sum("exporter_state_last_save_successful") != 1 || !strings.Contains(s.Log.String(), "State save recovered") {
			t.Errorf("want a save once the file is released: %s", s.Log)
		}
		s.App.Close()
		if unlock, err = statefile.Lock(file); err != nil {
			t.Fatalf("still locked after the exporter ended: %v", err)
		}
		unlock()
	})
}

// A start that fails writes nothing.
func TestFailedStartLeavesTheStateFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		s := apptest.Prepare(t, yaml+"changes: {webhook: {url: https://example.com, http: {tls_config: {ca_file: /does/not/exist}}}}\n")
		if err := s.App.Reload(); err == nil {
			t.Fatal("the missing ca_file is no error")
		}
		s.App.Close()
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the state file was written: %v", err)
		}
	})
}

// Without a state file nothing outlives a restart. A state file that a reload
// adds takes effect at the next start.
func TestWithoutStateFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML, apptest.Desktop("d1", ""))
		s.Scrape()
		s.Cloud.DeleteDesktop(apptest.ProjectA, "d1")
		s.Scrape()
		s.YAML, _ = withState(t, apptest.OfficeYAML)
		if err := s.App.Reload(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.Log.String(), "Change of state takes effect at the next start") {
			t.Errorf("not logged: %s", s.Log)
		}
		s.Restart(time.Minute)
		if changes := s.changes(); changes != "" {
			t.Errorf("changes without a state file: %s", changes)
		}
	})
}

// State of a project whose account was not polled yet stays in the file.
func TestPendingStateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, _ := withState(t, "accounts:\n  - "+strings.TrimPrefix(strings.TrimSpace(apptest.AccountYAML("all")), "- ")+"\n")
		s := newScenario(t, yaml, apptest.Desktop("d1", "1.1.1.1"))
		s.Scrape()
		heal := s.Cloud.AddFault(simulator.Fault{Status: 503})
		s.Restart(time.Minute)
		s.Restart(time.Minute)
		heal()
		s.Cloud.AddFault(simulator.Fault{Operation: networks, Status: 503})
		time.Sleep(11 * time.Minute)
		if e := s.Scrape(); e.Sum("desktop_eips") != 1 {
			t.Errorf("the data of the account's project is lost: %s", e.Desktops(apptest.ProjectA))
		}
	})
}

// State of a project that no longer exists expires.
func TestPendingStateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, file := withState(t, apptest.OfficeYAML)
		s := newScenario(t, yaml, apptest.Desktop("d1", ""))
		s.Scrape()
		s.YAML = strings.Replace(yaml, "name: office", "name: other", 1)
		s.YAML = strings.Replace(s.YAML, "project_id: "+apptest.ProjectA, "project_id: "+apptest.ProjectB, 1)
		for _, want := range []int{2, 2, 1} {
			s.Restart(3 * 24 * time.Hour)
			s.App.SaveState()
			if m, err := statefile.Read(file); err != nil || len(m.Projects) != want {
				t.Errorf("the file has %d projects, want %d: %v", len(m.Projects), want, err)
			}
		}
	})
}

// encodeState returns the content of a state file.
func encodeState(t *testing.T, s *statefile.State) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state")
	if err := statefile.Write(file, s); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
