// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// A save during a reload waits for its end, and a state that no target has
// taken over yet is in the file.
func TestSavingDuringAReload(t *testing.T) {
	a := New(Options{Logger: log.NewNopLogger(), SaveState: true})
	defer a.Close()
	a.saver.config = config.State{File: filepath.Join(t.TempDir(), "state"), MaxAge: config.State{}.MaxAge}
	a.saver.pending = map[string]refresh.State{"office": {}}
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = a.do(t.Context(), func() {
			a.fleet.SetTargets([]refresh.Target{{Key: "office", Name: "office", New: func() refresh.Options {
				close(begun)
				time.Sleep(50 * time.Millisecond) // the save begins meanwhile
				if a.saver.pendingState("office") == nil {
					t.Error("a save has dropped a state that no target has taken over")
				}
				return refresh.Options{Source: unavailableSource{&(&account{}).failure}, Logger: log.NewNopLogger()}
			}}})
		})
	}()
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		<-begun
		a.SaveState()
	}()
	for what, ended := range map[string]chan struct{}{"reload": done, "save": saved} {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("the %s does not end", what)
		}
	}
}

func encodeState(t testing.TB, m *persistedState) []byte {
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
func sample() *persistedState {
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	n := &inventory.Networks{Name: "n", Interfaces: []inventory.Interface{{
		PortID: "p", PrivateIP: "10.0.0.1", VPC: inventory.VPC{ID: "v"}, EIP: inventory.EIP{ID: "e", Address: "1.1.1.1"},
		SecurityGroups: []inventory.SecurityGroup{{ID: "g", Name: "web"}},
	}}}
	project := inventory.Project{Name: "office", Region: "r", ID: "p"}
	return &persistedState{
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
