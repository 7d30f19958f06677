// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
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
	"github.com/prometheus/common/expfmt"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

var update = flag.Bool("update", false, "rewrite golden files and generated documents")

// golden compares got with a file, or writes the file.
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

// gather returns the samples of snapshots in the text format.
func gather(t *testing.T, o Options, snapshots ...*inventory.Snapshot) string {
	t.Helper()
	return encode(t, New(Families(o), func() []*Scope { return Scopes(snapshots) }))
}

// encode returns the families of a gatherer in the text format.
func encode(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, mf := range families {
		if err := encoder.Encode(mf); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// allOptions enables every family.
func allOptions() Options {
	return Options{
		Users: true, Tags: []string{"team", "cost-center", "cost.center", "1st", "__name__", "le", "", "成本"},
		Policies: 2, Expect: inventorytest.ExpectByID, Changes: inventorytest.ChangesByRegion,
	}
}

func TestSamplesOfSmallFleet(t *testing.T) {
	t.Parallel()
	golden(t, filepath.Join("testdata", "small.prom"), gather(t, allOptions(), inventorytest.SmallFleet()...))
}

// A registry sorts samples in another order, and checks them.
func TestGatherEqualsPedanticRegistry(t *testing.T) {
	t.Parallel()
	for name, fleet := range inventorytest.Fleets() {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(New(Families(allOptions()), func() []*Scope { return Scopes(fleet) }))
		want, got := sortLines(encode(t, registry)), sortLines(gather(t, allOptions(), fleet...))
		if want != got {
			t.Errorf("%s: the lines differ", name)
		}
	}
}

func sortLines(s string) string {
	return strings.Join(slices.Sorted(strings.Lines(s)), "")
}

// gatherTable gathers all families of the table, those of the exporter included.
func gatherTable(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	families := Families(Options{Users: true, Tags: []string{"KEY"}, Expect: inventorytest.ExpectByID, Changes: inventorytest.ChangesByRegion})
	registry.MustRegister(New(families, func() []*Scope { return Scopes(inventorytest.SmallFleet()) }))
	telemetry := NewTelemetry("no_receiver", "queue_full", "refused")
	telemetry.Request("la-north-2", "ListDesktops", "200", 1)
	telemetry.Retry("la-north-2", "ListDesktops")
	telemetry.ThrottleWait("la-north-2", "ListDesktops", 1)
	telemetry.Dropped("duplicate_desktop", 1)
	telemetry.TLSVerificationDisabled([]string{"lab"})
	telemetry.StateSaved(true, time.Now())
	gathered, err := prometheus.Gatherers{registry, telemetry.Gatherer()}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return gathered
}

func TestLint(t *testing.T) {
	t.Parallel()
	problems, err := promlint.NewWithMetricFamilies(gatherTable(t)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestTableEqualsSamples(t *testing.T) {
	t.Parallel()
	describe := func(name, help, kind string, labels []string) string {
		return fmt.Sprintf("%s %s %q %s", name, strings.ToLower(kind), slices.Sorted(slices.Values(labels)), help)
	}
	var listed, got []string
	for _, m := range Table() {
		listed = append(listed, describe(m.Name, m.Help, string(m.Type), m.Labels))
		if first := !m.Exporter && !slices.Equal(m.Labels[:2], []string{"region", "project_id"}); first {
			t.Errorf("%s does not begin with region and project_id: %q", m.Name, m.Labels)
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: the HELP text is not a sentence: %q", m.Name, m.Help)
		}
	}
	for _, mf := range gatherTable(t) {
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
		t.Errorf("(-table +gathered)\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	ch := make(chan *prometheus.Desc, 100)
	New(Families(Options{Users: true, Tags: []string{"KEY"}, Expect: inventorytest.ExpectByID, Changes: inventorytest.ChangesByRegion}), func() []*Scope {
		t.Error("Describe calls scopes")
		return nil
	}).Describe(ch)
	if got, want := len(ch), len(FamilyNames()); got != want {
		t.Errorf("%d descriptions of %d families", got, want)
	}
}

func TestEveryFamilyCanBeDisabled(t *testing.T) {
	t.Parallel()
	names := func(o Options) []string {
		var names []string
		for line := range strings.Lines(gather(t, o, inventorytest.SmallFleet()...)) {
			if name, ok := strings.CutPrefix(line, "# TYPE "+prefix); ok {
				names = append(names, strings.Fields(name)[0])
			}
		}
		return names
	}
	all := names(allOptions())
	if diff := cmp.Diff(slices.Sorted(slices.Values(FamilyNames())), all); diff != "" {
		t.Errorf("(-FamilyNames +gathered)\n%s", diff)
	}
	for _, disabled := range all {
		o := allOptions()
		o.Disable = []string{disabled, "no_such_family"}
		want := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == disabled })
		if diff := cmp.Diff(want, names(o)); diff != "" {
			t.Errorf("without %s (-want +got)\n%s", disabled, diff)
		}
	}
	byDefault := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return name == "desktop_tags_info" || name == "desktop_user_info" || name == "desktop_eip_expected"
	})
	if diff := cmp.Diff(byDefault, names(Options{Changes: inventorytest.ChangesByRegion})); diff != "" {
		t.Errorf("by default (-want +got)\n%s", diff)
	}
}

// Snapshots contain valid UTF-8 only. If one does not, the error must name the
// metric; it must not panic.
func TestInvalidUTF8IsAnError(t *testing.T) {
	t.Parallel()
	c := New(Families(Options{}), func() []*Scope {
		return Scopes([]*inventory.Snapshot{{Project: inventory.Project{Name: "GBK \xb9\xfa"}}})
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	for name, g := range map[string]prometheus.Gatherer{"registry": registry, "collector": c} {
		if _, err := g.Gather(); err == nil || !strings.Contains(err.Error(), "project_info") {
			t.Errorf("%s: got %v, want an error that names the metric", name, err)
		}
	}
}
