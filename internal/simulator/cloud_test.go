// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestImportsStandardLibraryOnly checks that the package imports the standard library
// only.
func TestImportsStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil || strings.Contains(strings.Split(path, "/")[0], ".") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestCallLog(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, numberedDesktops(2))
	before := time.Now()
	_, err := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {})).
		ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &[]string{"b", "d0001", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	get(t, base, "/v9/nothing", "a=1")
	want := []simulator.Call{
		{
			Operation: simulator.ShowDesktopNetworks, Project: project, AccessKey: ak, IDs: []string{"b", "d0001", "b"},
			Method: "GET", Path: networksPath, RawQuery: "desktop_ids=b&desktop_ids=d0001&desktop_ids=b", Status: 200,
		},
		{AccessKey: ak, Method: "GET", Path: "/v9/nothing", RawQuery: "a=1", Status: 404},
	}
	got := cloud.Calls()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(simulator.Call{}, "Header", "RequestID", "Time")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := got[0]; c.Time.Before(before) || c.Time.After(time.Now()) || c.Header.Get("X-Project-Id") != project || c.RequestID == got[1].RequestID {
		t.Errorf("got %+v", c)
	}
	for operation, want := range map[string]int{simulator.ShowDesktopNetworks: 1, simulator.ListDesktops: 0, "": 2} {
		if got := cloud.CallCount(operation); got != want {
			t.Errorf("%q: counted %d, want %d", operation, got, want)
		}
	}
	cloud.ResetCounters()
	if got := cloud.Calls(); len(got) != 0 || cloud.CallCount("") != 0 || cloud.MaxInFlight() != 0 {
		t.Errorf("after ResetCounters: %v, %d, %d", got, cloud.CallCount(""), cloud.MaxInFlight())
	}
	if got := len(cloud.Desktops(project)); got != 2 {
		t.Errorf("after ResetCounters: %d desktops", got)
	}
}

func TestCallLogLimit(t *testing.T) {
	t.Parallel()
	for history, want := range map[int]string{-1: "", 1: "4", 3: "2 3 4", 5: "0 1 2 3 4", 0: "0 1 2 3 4"} {
		cloud, base := start(t, simulator.Options{History: history})
		for i := range 5 {
			get(t, base, listPath, fmt.Sprintf("offset=%d", i))
		}
		var got []string
		for _, c := range cloud.Calls() {
			got = append(got, c.Query().Get("offset"))
		}
		if got := strings.Join(got, " "); got != want || cloud.CallCount(simulator.ListDesktops) != 5 {
			t.Errorf("%d: got %q of %d, want %q of 5", history, got, cloud.CallCount(simulator.ListDesktops), want)
		}
	}
}

func TestRequestIDsDependOnSeed(t *testing.T) {
	t.Parallel()
	first := func(seed uint64) string {
		_, base := start(t, simulator.Options{Seed: seed})
		return get(t, base, listPath, "").header.Get("X-Request-Id")
	}
	if a, b := first(1), first(1); a != b {
		t.Errorf("got request IDs %s and %s with the same seed", a, b)
	}
	if a, b := first(1), first(2); a == b {
		t.Errorf("got request ID %s with both seeds", a)
	}
}

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud, transport := startInMemory(t, simulator.Options{})
		cloud.AddFault(simulator.Fault{Latency: time.Second})
		c := sdkClient(t, "http://simulated", simulator.Key{AccessKey: ak, SecretKey: sk}, transport)
		var wg sync.WaitGroup
		for range 7 {
			wg.Go(func() { _, _ = listDesktops(c) })
		}
		wg.Wait()
		if got := cloud.MaxInFlight(); got != 7 {
			t.Errorf("got %d, want 7", got)
		}
	})
}

func TestDesktopsAreCopied(t *testing.T) {
	t.Parallel()
	cloud := simulator.New(simulator.Options{})
	cloud.AddProject(simulator.Project{ID: "p", FreeEIPs: []simulator.EIP{{ID: "free"}}})
	made := func() simulator.Desktop {
		return simulator.Desktop{
			ID: "d", Users: []simulator.User{{ID: "u"}}, Tags: []simulator.Tag{{Key: "k"}}, RawListed: []byte("1"), RawNetworks: []byte("2"),
			Interfaces: []simulator.Interface{{PortID: "i", EIP: &simulator.EIP{ID: "e"}, Groups: []simulator.Group{{ID: "g"}}}},
		}
	}
	spoil := func(d *simulator.Desktop) {
		d.Users[0].ID, d.Tags[0].Key, d.RawListed[0], d.RawNetworks[0] = "x", "x", 'x', 'x'
		d.Interfaces[0].EIP.ID, d.Interfaces[0].Groups[0].ID, d.Interfaces[0].PortID = "x", "x", "x"
	}
	check := func(after string) {
		t.Helper()
		got, ok := cloud.Desktop("p", "d")
		if diff := cmp.Diff(made(), got); diff != "" || !ok {
			t.Errorf("after %s (-want +got):\n%s", after, diff)
		}
	}
	mine := made()
	cloud.PutDesktop("p", mine)
	spoil(&mine)
	check("spoiling what was put")
	several := []simulator.Desktop{made()}
	cloud.SetDesktops("p", several)
	spoil(&several[0])
	check("spoiling what was set")
	got, _ := cloud.Desktop("p", "d")
	spoil(&got)
	check("spoiling what was got")
	spoil(&cloud.Desktops("p")[0])
	check("spoiling what was got of all")
	var kept *simulator.Desktop
	cloud.UpdateDesktop("p", "d", func(d *simulator.Desktop) { kept = d; d.ID = "another" })
	spoil(kept)
	check("spoiling what was updated")
	cloud.Projects()[0].FreeEIPs[0].ID = "x"
	if got := cloud.Projects()[0].FreeEIPs[0].ID; got != "free" {
		t.Errorf("got free EIP %q", got)
	}
}

func TestDesktopOrder(t *testing.T) {
	t.Parallel()
	cloud := simulator.New(simulator.Options{})
	cloud.AddProject(simulator.Project{ID: "p"})
	order := func(what, want string) {
		t.Helper()
		var got []string
		for _, d := range cloud.Desktops("p") {
			got = append(got, d.ID+d.Name)
			if same, ok := cloud.Desktop("p", d.ID); !ok || same.Name != d.Name {
				t.Errorf("%s: desktop %s: got %v", what, d.ID, same)
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	for _, id := range []string{"c", "a", "d", "b"} {
		cloud.PutDesktop("p", simulator.Desktop{ID: id})
	}
	order("put", "c a d b")
	cloud.PutDesktop("p", simulator.Desktop{ID: "a", Name: "2"})
	order("put again", "c a2 d b")
	if !cloud.DeleteDesktop("p", "a") || cloud.DeleteDesktop("p", "a") {
		t.Error("DeleteDesktop does not report the first deletion only")
	}
	order("delete", "c d b")
	cloud.PutDesktop("p", simulator.Desktop{ID: "a"})
	order("put back", "c d b a")
	if !cloud.UpdateDesktop("p", "b", func(d *simulator.Desktop) { d.Name = "3" }) || cloud.UpdateDesktop("p", "x", func(*simulator.Desktop) { t.Error("called for nobody") }) {
		t.Error("UpdateDesktop does not report existing desktops only")
	}
	order("update", "c d b3 a")
	cloud.SetDesktops("p", []simulator.Desktop{{ID: "z"}, {ID: "y"}, {ID: "z", Name: "2"}})
	order("set", "z2 y")
	cloud.AddProject(simulator.Project{ID: "p", Disabled: true})
	order("change of the project", "z2 y")
	if got := cloud.Projects(); len(got) != 1 || !got[0].Disabled {
		t.Errorf("got %v", got)
	}
	if _, ok := cloud.Desktop("p", "a"); ok {
		t.Error("a deleted desktop still exists")
	}
	defer func() {
		if got := fmt.Sprint(recover()); got != `simulated cloud: no project "q"` {
			t.Errorf("got panic %s", got)
		}
	}()
	cloud.Desktops("q")
}

func TestStartInvalidAddress(t *testing.T) {
	t.Parallel()
	_, base := start(t, simulator.Options{})
	_, _, err := simulator.New(simulator.Options{}).Start(strings.TrimPrefix(base, "http://"))
	if err == nil || !strings.HasPrefix(err.Error(), "start simulated cloud: ") {
		t.Errorf("got %v", err)
	}
}

// TestConcurrentUse calls all methods concurrently, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{History: 50, Quota: 1 << 20})
	demo := simulator.NewDemo(cloud, 1)
	cloud.SetDesktops(project, simulator.GenerateDesktops(50, 1))
	cloud.OnCall(func(simulator.Call) { cloud.UpdateDesktop(project, "nobody", nil) })
	c := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {}))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 15 {
				if got, err := listDesktops(c); err != nil || *got.TotalCount < 45 {
					t.Errorf("got %v", err)
				}
				d := cloud.Desktops(project)[worker]
				if _, err := c.ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &[]string{d.ID}}); err != nil {
					t.Error(err)
				}
				if _, err := c.ListDesktopsEips(&model.ListDesktopsEipsRequest{}); err != nil {
					t.Error(err)
				}
				cloud.UpdateDesktop(project, d.ID, func(d *simulator.Desktop) { d.Interfaces[0].EIP = &simulator.EIP{ID: fmt.Sprint(i)} })
				fresh := d
				fresh.ID = fmt.Sprintf("%d-%d", worker, i)
				cloud.PutDesktop(project, fresh)
				cloud.DeleteDesktop(project, fresh.ID)
				remove := cloud.AddFault(simulator.Fault{Latency: time.Microsecond, Probability: 0.5})
				demo.Step()
				_, _, _, _ = cloud.Calls(), cloud.CallCount(""), cloud.PeakCallsPerMinute(simulator.ListDesktops), demo.Projects()
				cloud.AddKey(simulator.Key{AccessKey: "new", SecretKey: "new"})
				cloud.RemoveKey("new")
				cloud.SetAbsentValues(simulator.AbsentValues(i % 4))
				remove()
			}
		})
	}
	wg.Wait()
	if got := len(cloud.Desktops(project)); got != 50 {
		t.Errorf("got %d desktops, want 50", got)
	}
	if got := cloud.CallCount(""); got != 4*15*3 {
		t.Errorf("got %d calls, want %d", got, 4*15*3)
	}
}
