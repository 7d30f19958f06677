// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory/inventorytest"
)

// accepts are Accept headers with all formats and name escaping schemes.
var accepts = []string{
	"",
	"text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	"text/plain;version=0.0.4;escaping=allow-utf-8",
	"application/openmetrics-text;version=1.0.0",
	"application/openmetrics-text;version=0.0.1",
	"application/openmetrics-text;version=1.0.0;escaping=dots,*/*;q=0.1",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=values",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text",
	"nonsense",
}

var encodings = []string{"", "identity", "gzip", "zstd", "br"}

// scrape returns the headers and the decoded body of a response.
func scrape(t testing.TB, h http.Handler, accept, encoding string) (http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if length := w.Header().Get("Content-Length"); length != "" && length != strconv.Itoa(w.Body.Len()) {
		t.Errorf("Content-Length is %s, the body has %d bytes", length, w.Body.Len())
	}
	return w.Header(), decode(t, w.Header().Get("Content-Encoding"), w.Body)
}

// zstdDecoder is shared: a decoder is big, and DecodeAll is safe for concurrent use.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil)
	if err != nil {
		panic(err)
	}
	return d
})

// decode decodes a content encoding. gzip must be one member.
func decode(t testing.TB, encoding string, body *bytes.Buffer) string {
	t.Helper()
	var decoded []byte
	var err error
	switch encoding {
	case "":
		decoded = body.Bytes()
	case "gzip":
		var z *gzip.Reader
		if z, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		decoded, err = io.ReadAll(z)
		if body.Len() > 0 {
			t.Errorf("%d bytes behind the gzip member", body.Len())
		}
	case "zstd":
		decoded, err = zstdDecoder().DecodeAll(body.Bytes(), nil)
	default:
		t.Fatalf("unknown Content-Encoding %q", encoding)
	}
	if err != nil {
		t.Fatalf("decoding %s: %v", encoding, err)
	}
	return string(decoded)
}

// firstDifference returns the first lines that differ, or "". The bodies are too
// big for cmp.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	wants, gots := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	i := 0
	for i < len(wants) && i < len(gots) && wants[i] == gots[i] {
		i++
	}
	show := func(lines []string) string {
		line := strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], "")
		return fmt.Sprintf("%.300q", line)
	}
	return fmt.Sprintf("line %d of %d and %d\nwant %s\ngot  %s", i+1, len(wants), len(gots), show(wants), show(gots))
}

// always returns a function that returns the same snapshots.
func always(snapshots ...*inventory.Snapshot) func(context.Context) []*inventory.Snapshot {
	return func(context.Context) []*inventory.Snapshot { return snapshots }
}

// reference returns the handler of promhttp for the same samples in the same
// order.
func reference(o collector.Options, snapshots []*inventory.Snapshot, exporter prometheus.Gatherer) http.Handler {
	projects := collector.New(collector.Families(o), func() []*collector.Scope { return collector.Scopes(snapshots) })
	return promhttp.HandlerForTransactional(prometheus.ToTransactionalGatherer(inSequence(projects, exporter)),
		promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// fleets returns fleets of all kinds by name.
func fleets() map[string][]*inventory.Snapshot {
	fleets := inventorytest.Fleets()
	fleets["one chunk"] = []*inventory.Snapshot{inventorytest.NewGenerator(3).Fleet("office", chunkSize)}
	fleets["two chunks"] = []*inventory.Snapshot{inventorytest.NewGenerator(3).Fleet("office", 2*chunkSize)}
	return fleets
}

// allOptions enables every family.
func allOptions() collector.Options {
	return collector.Options{
		Users: true, Tags: []string{"team", "cost-center", "cost.center", "1st", "__name__", "le", "", "成本"},
		Policies: 2, Expect: inventorytest.ExpectByID, Changes: inventorytest.ChangesByRegion,
	}
}
