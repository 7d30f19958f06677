// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// dumpResult is the outcome of a dump.
type dumpResult struct {
	err            error
	stdout, stderr string
	took           time.Duration
}

// dumpScenario dumps a scenario in which no request was sent yet.
func dumpScenario(ctx context.Context, s *apptest.Scenario, d dumpFlags) dumpResult {
	s.Helper()
	if d.timeout == 0 {
		d.timeout = 15 * time.Minute
	}
	values := url.Values{}
	for _, text := range d.filters {
		name, value, _ := strings.Cut(text, "=")
		values.Add(name, value)
	}
	var err error
	if d.filter, err = export.ParseFilter(values); err != nil {
		s.Fatal(err)
	}
	s.Load = oneShotConfig(s.Load, d.timeout)
	if c, err := s.Load(); err != nil || !c.Changes.Webhook.IsZero() {
		s.Errorf("a dump must not have a webhook: %v", err)
	}
	start := time.Now()
	if err := s.App.Reload(); err != nil {
		s.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	err = d.run(ctx, s.App, &output{Writer: bufio.NewWriter(&stdout)}, &stderr)
	return dumpResult{err, stdout.String(), stderr.String(), time.Since(start)}
}

func TestDumpFormats(t *testing.T) {
	for format, check := range map[string]func(t *testing.T, text string){
		"table": func(t *testing.T, text string) {
			want := "" +
				"PROJECT  DESKTOP  NAME  STATUS  PRIVATE IP  EIP      VPC   SUBNET  SECURITY GROUPS\n" +
				"office   d1       nd1   ACTIVE  10.0.0.1    1.1.1.1  main  floor   default\n" +
				"office   d2       nd2   ACTIVE  10.0.0.2    -        main  floor   default\n"
			if diff := gocmp.Diff(want, text); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		},
		"json": func(t *testing.T, text string) {
			var v struct{ Desktops []struct{ Desktop_ID string } } //nolint:revive // as the JSON has it
			if err := json.Unmarshal([]byte(text), &v); err != nil || len(v.Desktops) != 2 || v.Desktops[1].Desktop_ID != "d2" {
				t.Errorf("%v, %+v", err, v)
			}
		},
		"csv": func(t *testing.T, text string) {
			lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil || len(lines) != 3 || lines[2][3] != "d2" {
				t.Errorf("%v, %v", err, lines)
			}
		},
		"prometheus": func(t *testing.T, text string) {
			e := apptest.Parse(t, text)
			if got := e.Desktops(apptest.ProjectA); got != strings.TrimSpace(apptest.TwoDesktopsOK) {
				t.Errorf("got %s", got)
			}
			for name, family := range e {
				if !strings.HasPrefix(name, "huaweicloud_workspace_") || strings.Contains(name, "_exporter_") {
					t.Errorf("%s is no metric of a project", name)
				}
				for _, m := range family.GetMetric() {
					if m.TimestampMs != nil {
						t.Errorf("%s has a timestamp, which node_exporter refuses", name)
					}
				}
			}
		},
	} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := dumpScenario(t.Context(), apptest.Prepare(t, apptest.OfficeYAML+"changes: {webhook: {url: http://127.0.0.1:1}}\n", apptest.TwoDesktops()...), dumpFlags{format: format})
				if d.err != nil || d.stderr != "" {
					t.Errorf("%v, %s", d.err, d.stderr)
				}
				check(t, d.stdout)
			})
		})
	}
}

func TestDumpFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dumpScenario(t.Context(), apptest.Prepare(t, apptest.OfficeYAML, apptest.TwoDesktops()...), dumpFlags{format: "prometheus", filters: []string{"eip=none", "vpc=main"}})
		want := "d2 nd2: 10.0.0.2+default\nup=1 desktops=1 unresolved=0 stale=0"
		if got := apptest.Parse(t, d.stdout).Desktops(apptest.ProjectA); d.err != nil || got != want {
			t.Errorf("%v: got %s, want %s", d.err, got, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := dumpScenario(t.Context(), apptest.Prepare(t, apptest.OfficeYAML, apptest.TwoDesktops()...), dumpFlags{format: "csv", filters: []string{"project=lima"}})
		if d.err == nil || d.err.Error() != `--filter: no project has the name or ID "lima"` || d.stdout != "" {
			t.Errorf("%v, %s", d.err, d.stdout)
		}
	})
}

// TestDumpWaitsForQuota has a fleet that takes more networks calls than the quota
// of a minute.
func TestDumpWaitsForQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := apptest.Prepare(t, apptest.OfficeYAML+"    limits: {requests_per_minute: 10}\n", simulator.GenerateDesktops(3000, 1)...)
		d := dumpScenario(t.Context(), s, dumpFlags{format: "table"})
		if lines := strings.Count(d.stdout, "\n"); d.err != nil || lines != 3001 || strings.Contains(d.stdout, "?") {
			t.Errorf("%v: %d lines, want 3001 with all data: %s", d.err, lines, d.stderr)
		}
		if d.took < time.Minute || d.took > 10*time.Minute {
			t.Errorf("took %s, want the minutes that 30 calls take", d.took)
		}
	})
}

func TestDumpReportsMissingData(t *testing.T) {
	hidden := apptest.Desktop("d3", "")
	hidden.Hidden = true
	refusal := simulator.Fault{Operation: simulator.ListDesktops, Status: 403}
	for _, tc := range []struct {
		name     string
		desktops []simulator.Desktop
		faults   []simulator.Fault
		flags    dumpFlags
		lines    int
		want     string // the last line of stderr; "": nothing is missing
	}{
		{"well", apptest.TwoDesktops(), nil, dumpFlags{}, 3, ""},
		{"no desktops", nil, nil, dumpFlags{}, 1, ""},
		{"a desktop without networks", append(apptest.TwoDesktops(), hidden), nil, dumpFlags{}, 4, "project office: networks of 1 of 3 desktops unknown"},
		{"the same, strictly", append(apptest.TwoDesktops(), hidden), nil, dumpFlags{strict: true}, 0, "project office: networks of 1 of 3 desktops unknown"},
		{"no permission", apptest.TwoDesktops(), []simulator.Fault{refusal}, dumpFlags{}, 1, "project office: desktops unknown"},
		{"a failure that passes", apptest.TwoDesktops(), []simulator.Fault{{Operation: simulator.ShowDesktopNetworks, Status: 500, Times: 6}}, dumpFlags{}, 3, ""},
		{"one that does not", apptest.TwoDesktops(), []simulator.Fault{{Operation: simulator.ShowDesktopNetworks, Status: 500}}, dumpFlags{}, 3, "project office: networks of 2 of 2 desktops unknown"},
		{"a cloud that hangs", apptest.TwoDesktops(), []simulator.Fault{{HangBeforeHeader: true}}, dumpFlags{timeout: time.Minute}, 1, "project office: desktops unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := apptest.Prepare(t, apptest.OfficeYAML, tc.desktops...)
				for _, f := range tc.faults {
					s.Cloud.AddFault(f)
				}
				tc.flags.format = "csv"
				d := dumpScenario(t.Context(), s, tc.flags)
				if errors.Is(d.err, errIncomplete) != (tc.want != "") || d.err != nil && tc.want == "" {
					t.Errorf("%v", d.err)
				}
				lines := strings.Split(strings.TrimSpace(d.stderr), "\n")
				want := tc.want
				if want != "" {
					want = program + ": incomplete: " + want
				}
				if last := lines[len(lines)-1]; last != want {
					t.Errorf("stderr is %q, want %q at its end", d.stderr, want)
				}
				if got := strings.Count(d.stdout, "\n"); got != tc.lines {
					t.Errorf("%d lines, want %d:\n%s", got, tc.lines, d.stdout)
				}
				if limit := max(tc.flags.timeout, 3*time.Minute); d.took > limit {
					t.Errorf("took %s", d.took)
				}
			})
		})
	}
}

func TestDumpWaitsForAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := apptest.Prepare(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		d := dumpScenario(t.Context(), s, dumpFlags{format: "csv"})
		if d.err != nil || strings.Count(d.stdout, "\n") != 3 {
			t.Errorf("%v, %s\n%s", d.err, d.stderr, d.stdout)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := apptest.Prepare(t, apptest.OrganizationYAML(), apptest.TwoDesktops()...)
		s.Cloud.AddFault(simulator.Fault{Operation: simulator.KeystoneListAuthProjects, HangBeforeHeader: true})
		d := dumpScenario(t.Context(), s, dumpFlags{format: "csv", timeout: time.Second})
		if want := program + ": incomplete: account org: its projects were not listed yet\n"; !errors.Is(d.err, errIncomplete) || d.stderr != want {
			t.Errorf("%v, %q, want %q", d.err, d.stderr, want)
		}
	})
}

func TestDumpInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := apptest.Prepare(t, apptest.OfficeYAML, apptest.TwoDesktops()...)
		s.Cloud.AddFault(simulator.Fault{HangBeforeHeader: true})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		d := dumpScenario(ctx, s, dumpFlags{format: "csv"})
		if !errors.Is(d.err, errInterrupted) || d.took != 3*time.Second || d.stdout != "" {
			t.Errorf("%v after %s, %q", d.err, d.took, d.stdout)
		}
	})
}

// TestDumpCommand runs the program with the demo.
func TestDumpCommand(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "desktops.prom")
	code, stdout, stderr := runProcess("--demo", "dump", "--format=prometheus", "--output="+file)
	if code != 0 || stdout != "" || stderr != "" {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := apptest.Parse(t, string(text)).Sum("desktops"); n != 300 {
		t.Errorf("%g desktops, want 300", n)
	}
	for _, tc := range []struct {
		args string
		code int
		want string // the beginning of stderr
	}{
		{"dump --demo --filter=project=lima", 1, program + ": error: --filter: no project has the name or ID \"lima\"\n"},
		{"dump --demo --output=" + folder, 1, program + ": error: --output: " + folder + " is not a regular file\n"},
		{"dump --demo --output=" + folder + "/nowhere/x", 1, program + ": error: --output: open "},
		{"dump --config.file=" + folder + "/nowhere", 1, program + ": error: "},
	} {
		code, stdout, stderr := runProcess(strings.Fields(tc.args)...)
		if code != tc.code || stdout != "" || !strings.HasPrefix(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %q, %q; want %d, %q", tc.args, code, stdout, stderr, tc.code, tc.want)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v is left; want the one file", entries, err)
	}
}

func TestOutputIsReplacedAtomically(t *testing.T) {
	folder := t.TempDir()
	target, link := filepath.Join(folder, "real.csv"), filepath.Join(folder, "link.csv")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	write := func(path string) *output {
		t.Helper()
		o, err := openOutput(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprint(o, "new")
		return o
	}
	look := func(path, want string, mode fs.FileMode) {
		t.Helper()
		text, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(text) != want || info.Mode().Perm() != mode {
			t.Errorf("%s: %q, %v, %v, %v; want %q, %v", path, text, info.Mode(), err, statErr, want, mode)
		}
	}
	discarded := write(link)
	look(link, "old", 0o600)
	discarded.discard()
	look(link, "old", 0o600)
	committed := write(link)
	if err := committed.commit(); err != nil {
		t.Fatal(err)
	}
	committed.discard() // as the caller does at the end
	look(target, "new", 0o600)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is a link no more: %v, %v", info, err)
	}
	fresh := write(filepath.Join(folder, "fresh.csv"))
	if err := fresh.commit(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v is left", entries, err)
	}
}

func TestProgress(t *testing.T) {
	now := time.Now()
	records := func(n int) []*inventory.Record { return make([]*inventory.Record, n) }
	for want, snapshots := range map[string][]*inventory.Snapshot{
		"0 of 0 desktops in 0 projects read": nil,
		"7 of 12 desktops in 2 projects read; waiting 9s for API quota": {
			{Records: records(10), Health: inventory.Health{Unresolved: 5, QuotaExceededUntil: now.Add(9 * time.Second)}},
			{Records: records(2), Health: inventory.Health{QuotaExceededUntil: now.Add(-time.Second)}},
		},
	} {
		if got := progress(snapshots, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
