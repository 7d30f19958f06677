// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// discardWriter is an http.ResponseWriter that discards the body.
type discardWriter struct {
	header http.Header
	status int
}

func (s *discardWriter) Header() http.Header         { return s.header }
func (s *discardWriter) Write(b []byte) (int, error) { return len(b), nil }
func (s *discardWriter) WriteHeader(status int)      { s.status = status }

// BenchmarkServeHTTP measures the calls for 100,000 desktops, which benchmarks of the
// exporter include.
func BenchmarkServeHTTP(b *testing.B) {
	cloud := simulator.New(simulator.Options{History: -1})
	cloud.AddProject(simulator.Project{ID: project})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk})
	fleet := simulator.GenerateDesktops(100_000, 1)
	cloud.SetDesktops(project, fleet)
	batch := url.Values{}
	for _, d := range fleet[:100] {
		batch.Add("desktop_ids", d.ID)
	}
	for _, test := range [][3]string{
		{"page of 1000", listPath, "limit=1000&offset=50000"},
		{"networks of 100", networksPath, batch.Encode()},
		{"EIPs", eipsPath, "state=bind"},
	} {
		b.Run(test[0], func(b *testing.B) {
			r := signedRequest(b.Context(), b, "http://simulated", test[1], test[2])
			b.ReportAllocs()
			for b.Loop() {
				w := &discardWriter{header: http.Header{}}
				if cloud.ServeHTTP(w, r); w.status != http.StatusOK {
					b.Fatalf("got %d", w.status)
				}
			}
		})
	}
}
