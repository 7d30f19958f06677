// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package workspace

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	sdk "github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	sdkconfig "github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	v2 "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// recordingTransport records the responses of the simulator, and then replays them without
// other cost than copying.
type recordingTransport struct {
	sim *simulator.Cloud // nil: replay

	mu        sync.Mutex
	responses map[string][]byte // by query
}

func (t *recordingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	body, known := t.responses[r.URL.RawQuery]
	t.mu.Unlock()
	status := http.StatusOK
	switch {
	case !known && t.sim == nil:
		status = http.StatusTeapot
	case !known:
		w := httptest.NewRecorder()
		t.sim.ServeHTTP(w, r)
		status, body = w.Code, bytes.Clone(w.Body.Bytes())
		t.mu.Lock()
		t.responses[r.URL.RawQuery] = body
		t.mu.Unlock()
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// cpu returns the CPU time of the process, garbage collection included.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFullRefresh measures the first refresh of 100,000 desktops without
// network and TLS: building and signing 1,101 requests, decoding the responses,
// and the work of the refresh engine. The limit is 5 s of CPU time. The same run
// measures the SDK alone with the same responses, and the live heap of the engine
// per desktop.
func BenchmarkFullRefresh(b *testing.B) {
	const n = 100_000
	sim := simulator.New(simulator.Options{History: -1})
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	sim.SetDesktops(testProject, simulator.GenerateDesktops(n, 1))
	t := &recordingTransport{sim: sim, responses: map[string][]byte{}}
	refreshAll := func() *refresh.Engine {
		cloud := NewClient(Options{})
		p, err := cloud.Project(config.Project{
			Name: "office", Region: testRegion, ProjectID: testProject, Endpoint: "http://workspace.test",
			Credentials: config.Credentials{Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret)},
			Limits:      config.Limits{RequestsPerMinute: 1_000_000, Concurrency: 8},
		}, false, false)
		if err != nil {
			b.Fatal(err)
		}
		p.api.sdk.transport = t
		e := refresh.New(refresh.Options{
			Source: p, Project: inventory.Project{Name: "office", Region: testRegion, ID: testProject}, Discovered: true,
			Concurrency: 8, Timeout: 10 * time.Minute, MaxStaleness: time.Hour, Logger: log.NewNopLogger(),
		})
		s := e.Refresh(b.Context())
		if len(s.Records) != n || s.Health.Unresolved != 0 || !s.Health.Up {
			b.Fatalf("%d desktops, %d unresolved, failures %v", len(s.Records), s.Health.Unresolved, s.Health.Failures)
		}
		return e
	}
	refreshAll().Close()
	t.sim = nil
	calls := len(t.responses)

	before := liveHeap()
	e := refreshAll()
	perDesktop := float64(int64(liveHeap())-int64(before)) / n
	e.Close()

	ours, sdkTime := time.Duration(0), time.Duration(0)
	for b.Loop() {
		start := cpu(b)
		refreshAll().Close()
		middle := cpu(b)
		t.readWithSDK(b)
		ours, sdkTime = ours+middle-start, sdkTime+cpu(b)-middle
	}
	seconds := ours.Seconds() / float64(b.N)
	b.ReportMetric(seconds, "cpu-s/refresh")
	b.ReportMetric(sdkTime.Seconds()/float64(b.N), "sdk-cpu-s/refresh")
	b.ReportMetric(seconds*float64(b.N)/sdkTime.Seconds(), "ratio-to-sdk")
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(perDesktop, "heap-B/desktop")
	if seconds > 5 {
		b.Errorf("a full refresh took %.1fs of CPU, want at most 5s", seconds)
	}
	if perDesktop > 2048 {
		b.Errorf("the engine keeps %.0f bytes for a desktop, want at most half of the 4 KiB that it shares with the exposition", perDesktop)
	}
}

// readWithSDK sends the recorded requests with the SDK's client, as the SDK is meant
// to be used: one client, and the SDK's models.
func (t *recordingTransport) readWithSDK(b *testing.B) {
	credentials, err := basic.NewCredentialsBuilder().WithAk(testAccess).WithSk(testSecret).WithProjectId(testProject).SafeBuild()
	if err != nil {
		b.Fatal(err)
	}
	hc, err := sdk.NewHcHttpClientBuilder().WithEndpoint("http://workspace.test").WithCredential(credentials).
		WithHttpConfig(sdkconfig.DefaultHttpConfig().WithHttpRoundTripper(t)).SafeBuild()
	if err != nil {
		b.Fatal(err)
	}
	client := v2.NewWorkspaceClient(hc)
	lists, desktops := 0, 0
	var ids []string
	known := map[string]bool{}
	for offset := int32(0); ; offset += maxPage - 1 {
		limit := int32(maxPage)
		page, err := client.ListDesktops(&model.ListDesktopsRequest{Offset: &offset, Limit: &limit})
		if err != nil {
			b.Fatal(err)
		}
		lists++
		for _, d := range *page.Desktops {
			if !known[*d.DesktopId] {
				known[*d.DesktopId] = true
				ids = append(ids, *d.DesktopId)
			}
		}
		if len(*page.Desktops) < maxPage {
			break
		}
	}
	ids = sortedIDs(ids)
	for len(ids) > 0 {
		batch := ids[:min(maxBatch, len(ids))]
		ids = ids[len(batch):]
		networks, err := client.ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &batch})
		if err != nil {
			b.Fatal(err)
		}
		desktops += len(*networks.Networks)
	}
	if desktops != len(known) || lists+desktops/maxBatch != len(t.responses) {
		b.Fatalf("%d desktops in %d pages, %d with networks, of %d responses", len(known), lists, desktops, len(t.responses))
	}
}
