// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// cannedResponses returns one body for each operation, without other cost than
// copying it.
type cannedResponses map[string][]byte

func (c cannedResponses) RoundTrip(r *http.Request) (*http.Response, error) {
	operation := inventory.ShowDesktopNetworks
	if r.URL.Query().Has("offset") {
		operation = inventory.ListDesktops
	}
	body := c[operation]
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// recordResponses records the simulator's responses for one page and one batch of
// generated desktops.
func recordResponses(b *testing.B) (p *ProjectClient, ids []string, bodies cannedResponses) {
	b.Helper()
	sim := simulator.New(simulator.Options{})
	server := httptest.NewServer(sim)
	b.Cleanup(server.Close)
	sim.AddProject(simulator.Project{ID: testProject, Region: testRegion})
	sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret})
	sim.SetDesktops(testProject, simulator.GenerateDesktops(maxPage, 1))
	cloud := NewClient(Options{})
	b.Cleanup(cloud.Close)
	p, err := cloud.Project(config.Project{
		Region: testRegion, ProjectID: testProject, Endpoint: server.URL,
		Credentials: config.Credentials{Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret)},
		Limits:      config.Limits{RequestsPerMinute: 1 << 40, Concurrency: 1},
	}, true, true)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	l, err := p.ListDesktops(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ids = desktopIDs(l)[:maxBatch]
	k, err := p.api.authenticator.keys.Key(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	bodies = cannedResponses{}
	for _, op := range []operation{listDesktops(&p.cfg.Desktops, 0, maxPage), showNetworks(ids)} {
		a, err := p.api.sdk.do(b.Context(), &request{operation: op, key: k, projectID: testProject})
		if err != nil {
			b.Fatal(err)
		}
		bodies[op.name] = a.Body
	}
	return p, ids, bodies
}

// BenchmarkCall measures a call without the network: building and signing by the
// SDK, the rate limiter, and decoding.
func BenchmarkCall(b *testing.B) {
	p, ids, bodies := recordResponses(b)
	p.api.sdk.transport = bodies
	b.Run("page of 1000", func(b *testing.B) {
		b.SetBytes(int64(len(bodies[inventory.ListDesktops])))
		b.ReportAllocs()
		for b.Loop() {
			if l, err := p.ListDesktops(b.Context()); err != nil || len(l) != maxPage {
				b.Fatalf("%d desktops, error %v", len(l), err)
			}
		}
	})
	b.Run("batch of 100", func(b *testing.B) {
		b.SetBytes(int64(len(bodies[inventory.ShowDesktopNetworks])))
		b.ReportAllocs()
		for b.Loop() {
			if a, err := p.ReadNetworks(b.Context(), ids, false); err != nil || len(a.Networks) != maxBatch {
				b.Fatalf("%d desktops, error %v", len(a.Networks), err)
			}
		}
	})
}
