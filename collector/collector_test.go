// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

var update = flag.Bool("update", false, "write the golden files and generated docs anew")

// golden compares with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-file +now):\n%s", path, diff)
	}
}

func TestExpositionOfSmallFleet(t *testing.T) {
	t.Parallel()
	h := NewExposition(ExpositionOptions{Choice: everything()}).Handler(always(smallFleet()...), nil)
	_, body := ask(t, h, "", "gzip")
	golden(t, filepath.Join("testdata", "small.prom"), body)
}

// everythingSaid gathers all that there can be, each of the exporter's own
// metrics included.
func everythingSaid(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(Choice{Users: true, Tags: []string{"KEY"}, Expect: byID, Changes: byRegion}, smallFleet))
	telemetry := NewTelemetry()
	telemetry.Request("la-north-2", "ListDesktops", "200", 1)
	telemetry.Retry("la-north-2", "ListDesktops")
	telemetry.ThrottleWait("la-north-2", "ListDesktops", 1)
	telemetry.Dropped("duplicate_desktop", 1)
	telemetry.Unverified([]string{"lab"})
	telemetry.StateSaved(true, time.Now())
	families, err := prometheus.Gatherers{registry, telemetry.Gatherer()}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func TestLint(t *testing.T) {
	t.Parallel()
	problems, err := promlint.NewWithMetricFamilies(everythingSaid(t)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// What is said and what the table lists are the same, labels and all.
func TestTableIsWhatIsSaid(t *testing.T) {
	t.Parallel()
	describe := func(name, help, kind string, labels []string) string {
		return fmt.Sprintf("%s %s %q %s", name, strings.ToLower(kind), slices.Sorted(slices.Values(labels)), help)
	}
	var listed, got []string
	for _, m := range Table() {
		listed = append(listed, describe(m.Name, m.Help, string(m.Type), m.Labels))
		if first := !m.Own && !slices.Equal(m.Labels[:2], []string{"region", "project_id"}); first {
			t.Errorf("%s does not begin with region and project_id: %q", m.Name, m.Labels)
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: the help is no sentence: %q", m.Name, m.Help)
		}
	}
	for _, mf := range everythingSaid(t) {
		if strings.HasPrefix(mf.GetName(), prefix) {
			var labels []string
			for _, l := range mf.Metric[0].Label {
				labels = append(labels, l.GetName())
			}
			got = append(got, describe(mf.GetName(), mf.GetHelp(), mf.GetType().String(), labels))
		}
	}
	slices.Sort(listed)
	slices.Sort(got)
	if diff := cmp.Diff(listed, got); diff != "" {
		t.Errorf("(-table +said)\n%s", diff)
	}
}

func TestDescribeIsTruthful(t *testing.T) {
	t.Parallel()
	ch := make(chan *prometheus.Desc, 100)
	NewCollector(Choice{Users: true, Tags: []string{"KEY"}, Expect: byID, Changes: byRegion}, func() []*inventory.Snapshot {
		t.Error("Describe asks for data")
		return nil
	}).Describe(ch)
	if got, want := len(ch), len(FamilyNames()); got != want {
		t.Errorf("%d descriptions of %d families", got, want)
	}
}

func TestEveryFamilyCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	names := func(c Choice) []string {
		_, body := ask(t, NewExposition(ExpositionOptions{Choice: c}).Handler(always(smallFleet()...), nil), "", "gzip")
		var names []string
		for line := range strings.Lines(body) {
			if name, ok := strings.CutPrefix(line, "# TYPE "+prefix); ok {
				names = append(names, strings.Fields(name)[0])
			}
		}
		return names
	}
	all := names(everything())
	if diff := cmp.Diff(slices.Sorted(slices.Values(FamilyNames())), all); diff != "" {
		t.Errorf("(-FamilyNames +said)\n%s", diff)
	}
	for _, off := range all {
		c := everything()
		c.Disable = []string{off, "no_such_family"}
		want := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == off })
		if diff := cmp.Diff(want, names(c)); diff != "" {
			t.Errorf("without %s (-want +got)\n%s", off, diff)
		}
	}
	byDefault := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return name == "desktop_tags_info" || name == "desktop_user_info" || name == "desktop_eip_expected"
	})
	if diff := cmp.Diff(byDefault, names(Choice{Changes: byRegion})); diff != "" {
		t.Errorf("by default (-want +got)\n%s", diff)
	}
}

// An embedder's snapshots may hold what is no valid UTF-8; that must fail
// aloud and not panic.
func TestCollectorReportsBadText(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(NewCollector(Choice{}, func() []*inventory.Snapshot {
		return []*inventory.Snapshot{{Project: inventory.Project{Name: "GBK \xb9\xfa"}}}
	}))
	if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "project_info") {
		t.Errorf("got %v, want an error that names the metric", err)
	}
}
