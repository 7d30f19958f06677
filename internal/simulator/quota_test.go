// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	c := newFakeClock()
	cloud, base := start(t, simulator.Options{Now: c.now, Quota: 3})
	twin := simulator.Key{AccessKey: "TWIN", SecretKey: sk, User: ak} // the user of the first key has its name
	other := simulator.Key{AccessKey: "OTHER", SecretKey: sk}
	cloud.AddKey(twin)
	cloud.AddKey(other)
	via := requestModifier(func(*http.Request) {})
	first := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, via)
	ask := func(what string, key simulator.Key, want bool) {
		t.Helper()
		_, err := listDesktops(sdkClient(t, base, key, via))
		if want && err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !want {
			serviceError := requireServiceError(t, err, http.StatusTooManyRequests, "APIGW.0308")
			if !strings.Contains(serviceError.ErrorMessage, "policy user over ratelimit,limit:3,time:1 minute") {
				t.Errorf("%s: got %s", what, serviceError.ErrorMessage)
			}
		}
	}
	mine := simulator.Key{AccessKey: ak, SecretKey: sk}
	ask("1st at 0s", mine, true)
	ask("2nd at 0s", mine, true)
	c.advance(30 * time.Second)
	ask("3rd at 30s, by another key of the user", twin, true)
	ask("4th at 30s", mine, false)
	ask("another user", other, true)
	if _, err := first.ListDesktopsEips(&model.ListDesktopsEipsRequest{}); err != nil {
		t.Errorf("another operation: %v", err)
	}
	c.advance(30*time.Second - time.Nanosecond)
	ask("4th just before 60s", mine, false)
	c.advance(time.Nanosecond)
	ask("4th at 60s", mine, true)
	ask("5th at 60s", twin, true)
	ask("6th at 60s", twin, false)
	c.advance(30 * time.Second)
	ask("6th at 90s", mine, true)
	ask("7th at 90s", mine, false)
	for operation, want := range map[string][2]int{ // throttled, peak
		simulator.ListDesktops: {4, 3}, simulator.ListDesktopsEips: {0, 1}, simulator.ShowDesktopNetworks: {0, 0},
	} {
		if got := [2]int{cloud.ThrottledCount(operation), cloud.PeakCallsPerMinute(operation)}; got != want {
			t.Errorf("%s: got %v refused and peak, want %v", operation, got, want)
		}
	}
	if got := cloud.ThrottledCount(""); got != 4 {
		t.Errorf("got %d refused in all, want 4", got)
	}
	cloud.SetQuota(4)
	ask("7th at 90s of 4", mine, true)
	cloud.SetQuota(0)
	for range 5 {
		ask("without an end", mine, true)
	}
	if got := cloud.PeakCallsPerMinute(simulator.ListDesktops); got != 9 {
		t.Errorf("got peak %d, want 9", got)
	}
	cloud.ResetCounters()
	if cloud.ThrottledCount("") != 0 || cloud.PeakCallsPerMinute(simulator.ListDesktops) != 0 {
		t.Error("counts are not zero after ResetCounters")
	}
	cloud.SetQuota(1)
	ask("after a reset", mine, true)
}

// TestRejectedCallsUseNoQuota checks that calls without authentication use no quota.
func TestRejectedCallsUseNoQuota(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{Quota: 1})
	via := requestModifier(func(*http.Request) {})
	for range 3 {
		_, err := listDesktops(sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: "WRONG"}, via))
		requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301")
	}
	if _, err := listDesktops(sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, via)); err != nil {
		t.Error(err)
	}
	if got := cloud.PeakCallsPerMinute(simulator.ListDesktops); got != 1 {
		t.Errorf("got peak %d, want 1", got)
	}
}
