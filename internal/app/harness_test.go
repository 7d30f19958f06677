// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scenario is an apptest.Scenario with helpers of this package.
type scenario struct{ *apptest.Scenario }

func newScenario(t *testing.T, yaml string, desktops ...simulator.Desktop) *scenario {
	t.Helper()
	return &scenario{apptest.New(t, yaml, desktops...)}
}

func prepareScenario(t *testing.T, yaml string, desktops ...simulator.Desktop) *scenario {
	t.Helper()
	return &scenario{apptest.Prepare(t, yaml, desktops...)}
}

// wantDropped compares the counts of dropped objects by reason.
func wantDropped(t *testing.T, e apptest.Exposition, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	e.Each("exporter_objects_dropped_total", func(l apptest.Labels, v float64) { got[l.Get("reason")] = v })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("dropped (-want +got)\n%s", diff)
	}
}

func sorted(texts []string) []string { slices.Sort(texts); return texts }
