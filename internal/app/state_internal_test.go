// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// TestSaveDuringReload checks that a save during a reload ends, and does not drop
// the state of a target that does not exist yet.
func TestSaveDuringReload(t *testing.T) {
	a := New(Options{Logger: log.NewNopLogger(), SaveState: true})
	defer a.Close()
	a.saver.config = config.State{File: filepath.Join(t.TempDir(), "state"), MaxAge: config.State{}.MaxAge}
	a.saver.started = true
	a.saver.pending = map[string]refresh.State{"office": {}}
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = a.do(t.Context(), func() {
			a.fleet.SetTargets([]refresh.Target{{Key: "office", Name: "office", New: func() refresh.Options {
				close(begun)
				time.Sleep(50 * time.Millisecond) // for the save to begin
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
			t.Fatalf("the %s has not ended", what)
		}
	}
}
