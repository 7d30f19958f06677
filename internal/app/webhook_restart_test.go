// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
)

func TestLostChangesAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := prepareScenario(t, webhookYAML(""), apptest.Desktop("d1", ""))
		hooks := s.listenAt("hooks:80")
		hooks.setHandler(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.Start()
		s.setEIP("203.0.113.7")
		s.setEIP("")
		s.logLines()
		start := time.Now()
		s.App.Close()
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("Close took %s", took)
		}
		if logged := s.logLines(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, "level=warn") || !strings.Contains(logged, "changes=2") {
			t.Errorf("log\n%s", logged)
		}
	})
}

// TestRestartDeliversQueue restarts while the receiver is down; without a webhook in the
// new configuration, the queue is dropped.
func TestRestartDeliversQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ yaml, got, counts string }{
		"to the same receiver": {webhookYAML(""), "eip_bound d1; eip_unbound d1; ", "sent=2 failures=0 queue=0"},
		"to a new receiver":    {webhookYAML(", queue: 1"), "eip_unbound d1; ", "sent=1 failures=0 queue=0 queue_full=1"},
		"without a receiver":   {apptest.OfficeYAML, "", "sent=0 failures=0 queue=0 no_receiver=2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := fmt.Sprintf("state: {file: %s}\n", filepath.Join(t.TempDir(), "state"))
			synctest.Test(t, func(t *testing.T) {
				s := prepareScenario(t, webhookYAML("")+state, apptest.Desktop("d1", ""))
				hooks := s.listenAt("hooks:80")
				hooks.setHandler(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
				s.Start()
				s.setEIP("203.0.113.7")
				s.setEIP("")
				before := strings.Join(hooks.bodies, "")
				hooks.received(t)
				s.logLines()
				s.YAML = test.yaml + state
				s.App.Close()
				hooks.received(t)
				if logged := s.logLines(); strings.Contains(logged, "lost") {
					t.Errorf("log\n%s", logged)
				}
				hooks.setHandler(nil)
				s.Open()
				s.Start()
				id := regexp.MustCompile(`"id":"[^"]*"`).FindString(before)
				if after := strings.Join(hooks.bodies, ""); test.counts == "sent=2 failures=0 queue=0" && (id == "" || !strings.Contains(after, id)) {
					t.Errorf("%s became another in %s", id, after)
				}
				if got := hooks.received(t); got != test.got {
					t.Errorf("they get %s, want %s", got, test.got)
				}
				s.wantWebhookMetrics(test.counts)
			})
		})
	}
}
