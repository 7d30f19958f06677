// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logfmt/logfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// logRecords parses the log since the last call.
func (s *scenario) logRecords() []map[string]string {
	s.Helper()
	synctest.Wait() // the EIP list is read after a scrape
	var all []map[string]string
	d := logfmt.NewDecoder(strings.NewReader(s.Log.Drain()))
	for d.ScanRecord() {
		r := map[string]string{}
		for d.ScanKeyval() {
			r[string(d.Key())] = string(d.Value())
		}
		all = append(all, r)
	}
	if d.Err() != nil {
		s.Errorf("the log is not logfmt: %v", d.Err())
	}
	return all
}

// TestFailureLog makes the cloud fail in each way for forty minutes, and checks
// the log: the failure, a reminder every 15 minutes, and the recovery.
func TestFailureLog(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  simulator.Fault
		kind   string // beginning of the error
		remedy string
	}{
		"500":              {simulator.Fault{Status: 500}, "transient: HTTP 500", ""},
		"502":              {simulator.Fault{Status: 502}, "transient: HTTP 502 APIGW.0201", ""},
		"429":              {simulator.Fault{Status: 429}, "throttled: HTTP 429 APIGW.0308", "limits.requests_per_minute"},
		"403":              {simulator.Fault{Status: 403}, "denied: HTTP 403 WKS.0403", "workspace:desktops:list"},
		"403 with message": {simulator.Fault{Status: 403}, "denied: HTTP 403", "decode the message with STS"},
		"401":              {simulator.Fault{Status: 401}, "authentication: HTTP 401 APIGW.0301", "check access_key"},
		"404":              {simulator.Fault{Status: 404}, "refused: HTTP 404 WKS.0202", ""},
		"Workspace is off": {simulator.Fault{Status: 403, Body: simulator.WorkspaceError("WKS.00010099", "off", "", "")}, "disabled: HTTP 403 WKS.00010099", "enable Workspace"},
		"HTML":             {simulator.Fault{Status: 200, Body: []byte("<html>")}, "malformed: HTTP 200", "http.proxy_url"},
		"empty object":     {simulator.Fault{Status: 200, Body: []byte("{}")}, "malformed: HTTP 200", "http.proxy_url"},
		"302":              {simulator.Fault{Status: 302, Body: []byte("moved")}, "malformed: HTTP 302: unexpected redirect", "http.proxy_url"},
		"half an answer":   {simulator.Fault{TruncateBody: true}, "transient", ""},
		"reset":            {simulator.Fault{ResetConnection: true}, "transient: 127.0.0.1 closed the connection", ""},
		"hang":             {simulator.Fault{HangBeforeHeader: true}, "transient: 127.0.0.1 did not respond in time", ""},
		"hang in body":     {simulator.Fault{HangInBody: true}, "transient: 127.0.0.1 did not respond in time", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScenario(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
				s.logRecords()
				tc.fault.Operation = list
				heal := s.Cloud.AddFault(tc.fault)
				for range 40 {
					s.Scrape()
					time.Sleep(time.Minute)
				}
				heal()
				time.Sleep(time.Hour)
				s.Scrape()
				s.Scrape()
				var logged []string
				calls := 0
				for _, r := range s.logRecords() {
					if r["msg"] == "API call" {
						calls++
						s.checkCall(r)
						continue
					}
					if r["project"] != "office" || r["region"] != "la-north-2" || r["level"] == "debug" {
						t.Errorf("unexpected line: %v", r)
					}
					logged = append(logged, r["level"]+": "+r["msg"])
					if r["level"] != "error" {
						continue
					}
					if !strings.HasPrefix(r["err"], "ListDesktops: "+tc.kind) || !strings.Contains(r["err"], tc.remedy) {
						t.Errorf("the error is %q; want %q and %q", r["err"], tc.kind, tc.remedy)
					}
					// An open circuit breaker and a broken connection have no request ID.
					if strings.Contains(tc.kind, "HTTP") != strings.Contains(r["err"], "(request ") {
						t.Errorf("the error is %q: is there a request ID?", r["err"])
					}
				}
				const want = "error: Project refresh failed, error: Project refresh still failing, error: Project refresh still failing, info: Project refresh recovered"
				if got := strings.Join(logged, ", "); got != want {
					t.Errorf("the log has %s;\nwant %s", got, want)
				}
				// The transport itself retries on a reused connection that broke.
				if n := s.Cloud.CallCount(""); calls > n || calls < n && !tc.fault.ResetConnection {
					t.Errorf("%d calls in the log, of %d", calls, n)
				}
			})
		})
	}
}

var hexID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checkCall checks the log line of an API call.
func (s *scenario) checkCall(r map[string]string) {
	s.Helper()
	if _, err := time.ParseDuration(r["duration"]); err != nil || r["level"] != "debug" || r["operation"] == "" || r["project"] == "" {
		s.Errorf("the line of a call is %v", r)
	}
	switch answered := r["status"] != "error"; {
	case answered && !hexID.MatchString(r["request_id"]):
		s.Errorf("a call with a response has the request ID %q", r["request_id"])
	case !answered && r["err"] == "":
		s.Errorf("a call without a response has no error: %v", r)
	}
}

// TestNoLogWithoutFailures scrapes for two hours: after the first refresh the
// log has only one debug line for each API call.
func TestNoLogWithoutFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, apptest.OfficeYAML+apptest.PlantYAML+"accounts:"+apptest.AccountYAML("org"), apptest.TwoDesktops()...)
		s.logRecords()
		for range 2 * 60 {
			s.Scrape()
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Second) // the account is polled on the hour
		seen := map[string]int{}
		for _, r := range s.logRecords() {
			seen[r["level"]+" "+r["msg"]]++
			s.checkCall(r)
		}
		if want := map[string]int{"debug API call": s.Cloud.CallCount("")}; fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("the log has %v, want %v", seen, want)
		}
	})
}
