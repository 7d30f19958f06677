// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// accepts are Accept headers with all formats that there are, and the ways to
// escape names.
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

// ask makes a scrape and gives the response with its body decoded.
func ask(t testing.TB, h http.Handler, accept, encoding string) (http.Header, string) {
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

// unzstd is shared: a decoder is big, and DecodeAll may be called at once.
var unzstd = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil)
	if err != nil {
		panic(err)
	}
	return d
})

// decode undoes a content coding, strictly: gzip must be one member.
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
		decoded, err = unzstd().DecodeAll(body.Bytes(), nil)
	default:
		t.Fatalf("unknown Content-Encoding %q", encoding)
	}
	if err != nil {
		t.Fatalf("decoding %s: %v", encoding, err)
	}
	return string(decoded)
}

// differ shows the first lines that differ. The bodies are too big for cmp.
func differ(want, got string) string {
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

// always gives a reader of the same snapshots.
func always(snapshots ...*inventory.Snapshot) func(context.Context) []*inventory.Snapshot {
	return func(context.Context) []*inventory.Snapshot { return snapshots }
}

// stock is the handler of promhttp over the same metrics in the same order.
func stock(c Choice, snapshots []*inventory.Snapshot, own prometheus.Gatherer) http.Handler {
	g := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families := gatherScopes(newFamilySet(c).all, groupScopes(snapshots))
		if own == nil {
			return families, nil
		}
		more, err := own.Gather()
		return append(families, more...), err
	})
	return promhttp.HandlerForTransactional(prometheus.ToTransactionalGatherer(g), promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// fleets are what the formats are tried on.
func fleets() map[string][]*inventory.Snapshot {
	long := newMaker(1).record()
	long.Desktop.Name = strings.Repeat("64 KiB \"\\\n", 64<<10/9)
	many := snapshot(inventory.Project{Name: hostile, Region: hostile, ID: hostile}, true)
	for i, name := range []string{"", "\"", `\`, "\n", "\x00", "💣", "\ufffd", hostile} {
		r := newMaker(uint64(i)).record()
		r.Desktop.Name, r.Desktop.PoolID, r.Desktop.Status, r.Desktop.Users = name, name, name, []string{name}
		r.Networks.Interfaces[0].SecurityGroups[0].Name = name
		many.Records = append(many.Records, r)
	}
	sortRecords(many.Records)
	half := newMaker(2).fleet("office", 40)
	return map[string][]*inventory.Snapshot{
		"none":       nil,
		"not tried":  {{Project: inventory.Project{Name: "a"}}},
		"empty":      {snapshot(inventory.Project{Name: "a", Region: "r", ID: "p"}, true)},
		"small":      smallFleet(),
		"hostile":    {many},
		"long":       {snapshot(inventory.Project{Name: "a", Region: "r", ID: "p"}, true, long)},
		"one chunk":  {newMaker(3).fleet("office", chunkSize)},
		"two chunks": {newMaker(3).fleet("office", 2*chunkSize)},
		"projects":   {newMaker(4).fleet("office", 40), newMaker(5).fleet("shop floor", 35), nil},
		"overlap": {
			half,
			snapshot(inventory.Project{Name: "again", Region: half.Project.Region, ID: half.Project.ID}, true, half.Records[20:]...),
		},
	}
}

func TestEveryFormatIsWhatPromhttpGives(t *testing.T) {
	t.Parallel()
	own := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: `A "help" with \ in it.`})
	own.MustRegister(counter)
	for name, fleet := range fleets() {
		for _, own := range []prometheus.Gatherer{nil, own} {
			e := NewExposition(ExpositionOptions{Choice: everything()})
			for _, accept := range accepts {
				wantHeader, want := ask(t, stock(everything(), fleet, own), accept, "")
				for _, encoding := range encodings {
					header, got := ask(t, e.Handler(always(fleet...), own), accept, encoding)
					if diff := differ(want, got); diff != "" {
						t.Errorf("%s as %q in %q: %s", name, accept, encoding, diff)
					}
					for _, h := range []string{"Content-Type", "Vary"} {
						if !slices.Equal(header[h], wantHeader[h]) {
							t.Errorf("%s as %q in %q: %s is %q, want %q", name, accept, encoding, h, header[h], wantHeader[h])
						}
					}
				}
			}
		}
	}
}

// The order of samples is ours, by desktop; but for it, a registry that checks
// everything gathers the same.
func TestPedanticRegistryGathersTheSame(t *testing.T) {
	t.Parallel()
	for name, fleet := range fleets() {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(NewCollector(everything(), func() []*inventory.Snapshot { return fleet }))
		_, want := ask(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), "", "")
		_, got := ask(t, stock(everything(), fleet, nil), "", "")
		if diff := differ(sortLines(want), sortLines(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func sortLines(s string) string {
	return strings.Join(slices.Sorted(strings.Lines(s)), "")
}

func TestEncodingNegotiation(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                          "identity",
		"gzip":                      "gzip",
		"GZip":                      "gzip",
		"gzip, deflate, br, zstd":   "gzip",
		"zstd, gzip":                "gzip",
		"gzip;q=0.5, zstd;q=0.6":    "zstd",
		"gzip;q=0.5, zstd; Q=0.4":   "gzip",
		"*":                         "identity",
		"*;q=0.5, zstd":             "zstd",
		"identity;q=0, *":           "gzip",
		"gzip;q=0":                  "identity",
		"gzip;q=0, identity;q=0":    "identity",
		"gzip;q=2":                  "identity",
		"gzip;q=x":                  "identity",
		"gzip;q=NaN":                "identity",
		"br":                        "identity",
		",,;;=,gzip;level=9;q=0.1,": "gzip",
	} {
		if got := negotiateEncoding(http.Header{"Accept-Encoding": {header}}); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
	if got := negotiateEncoding(http.Header{"Accept-Encoding": {"br", "zstd"}}); got != "zstd" {
		t.Errorf("second header line: got %s, want zstd", got)
	}
}

func TestNameFilter(t *testing.T) {
	t.Parallel()
	own := prometheus.NewRegistry()
	own.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."}),
		prometheus.NewCounter(prometheus.CounterOpts{Name: "b_total", Help: "B."}))
	h := NewExposition(ExpositionOptions{}).Handler(always(smallFleet()...), own)
	for query, want := range map[string][]string{
		"name[]=a_total": {"a_total"},
		"name[]=huaweicloud_workspace_up&name[]=a_total":   {"huaweicloud_workspace_up", "a_total"},
		"name[]=huaweicloud_workspace_vpc_info":            {"huaweicloud_workspace_vpc_info"},
		"name[]=huaweicloud_workspace_desktop_eips":        {"huaweicloud_workspace_desktop_eips"},
		"name[]=huaweicloud_workspace_no_such&name[]=none": nil,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics?"+query, nil))
		var got []string
		for line := range strings.Lines(w.Body.String()) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				got = append(got, strings.Fields(name)[0])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	h := NewExposition(ExpositionOptions{}).Handler(always(smallFleet()...), nil)
	get, head := httptest.NewRecorder(), httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	h.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/metrics", nil))
	if head.Body.Len() > 0 || get.Body.Len() == 0 {
		t.Errorf("HEAD has a body of %d bytes, GET one of %d", head.Body.Len(), get.Body.Len())
	}
	if diff := cmp.Diff(get.Header(), head.Header()); diff != "" {
		t.Errorf("headers differ (-GET +HEAD):\n%s", diff)
	}
}

// brokenWriter takes a few bytes and then fails.
type brokenWriter struct {
	http.ResponseWriter
	room, writes int
}

func (w *brokenWriter) Write(b []byte) (int, error) {
	w.writes++
	if w.room -= len(b); w.room < 0 {
		return 0, errors.New("connection reset")
	}
	return len(b), nil
}

func TestFailedWriteEndsTheWork(t *testing.T) {
	t.Parallel()
	h := NewExposition(ExpositionOptions{}).Handler(always(newMaker(1).fleet("office", 2000)), nil)
	w := &brokenWriter{ResponseWriter: httptest.NewRecorder(), room: 100_000}
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.writes != 2 {
		t.Errorf("%d writes of 64 KiB into room for 100 kB, want one that succeeds and one that fails", w.writes)
	}
}

func TestOwnMetricsThatFailCostNothingElse(t *testing.T) {
	t.Parallel()
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		good := prometheus.NewRegistry()
		good.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."}))
		families, _ := good.Gather()
		return append(families, &dto.MetricFamily{}), errors.New("no /proc")
	})
	_, got := ask(t, NewExposition(ExpositionOptions{}).Handler(always(smallFleet()...), broken), "", "gzip")
	_, want := ask(t, NewExposition(ExpositionOptions{}).Handler(always(smallFleet()...), nil), "", "")
	want += "# HELP a_total A.\n# TYPE a_total counter\na_total 0\n"
	if diff := differ(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIdleEditionsAreGivenUp(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	e := NewExposition(ExpositionOptions{Now: func() time.Time { return now }})
	metrics := e.Handler(always(newMaker(1).fleet("office", 10), newMaker(1).fleet("plant", 10)), nil)
	probe := e.Handler(always(newMaker(1).fleet("office", 10)), nil)
	count := func() (editions, sections int) {
		for _, ed := range e.editions {
			editions, sections = editions+1, sections+len(ed.sections)
		}
		return editions, sections
	}
	ask(t, metrics, "", "gzip")
	ask(t, metrics, "", "identity")
	if editions, sections := count(); editions != 2 || sections != 4 {
		t.Errorf("%d editions, %d sections, want 2 of 2 projects each", editions, sections)
	}
	now = now.Add(idle)
	ask(t, probe, "", "gzip")
	if editions, sections := count(); editions != 2 || sections != 4 {
		t.Errorf("%d editions, %d sections before their time, want 2 and 4", editions, sections)
	}
	now = now.Add(1)
	ask(t, probe, "", "gzip")
	if editions, sections := count(); editions != 1 || sections != 1 {
		t.Errorf("%d editions, %d sections, want just what was asked for", editions, sections)
	}
}

func TestScrapesAtOnce(t *testing.T) {
	t.Parallel()
	m := newMaker(7)
	e := NewExposition(ExpositionOptions{})
	fleet := m.fleet("office", 200)
	var wg sync.WaitGroup
	for round := range 20 {
		current := m.mutate(fleet)
		fleet = current
		_, want := ask(t, stock(Choice{}, []*inventory.Snapshot{current}, nil), "", "")
		for worker := range 4 {
			wg.Go(func() {
				encoding := encodings[1+(round+worker)%3]
				if _, got := ask(t, e.Handler(always(current), nil), "", encoding); got != want {
					t.Errorf("round %d in %s: %s", round, encoding, differ(want, got))
				}
			})
		}
	}
	wg.Wait()
}

func TestCachedIsFresh(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			m := newMaker(seed)
			e := NewExposition(ExpositionOptions{Choice: everything()})
			fleet := []*inventory.Snapshot{m.fleet("office", m.IntN(250)), m.fleet("plant", m.IntN(40)), m.fleet("again", 20)}
			fleet[2].Project.ID = fleet[0].Project.ID
			for round := range 25 {
				i := m.IntN(len(fleet))
				fleet[i] = m.mutate(fleet[i])
				accept, encoding := accepts[m.IntN(8)], encodings[m.IntN(4)]
				_, got := ask(t, e.Handler(always(fleet...), nil), accept, encoding)
				_, want := ask(t, stock(everything(), fleet, nil), accept, "")
				if diff := differ(want, got); diff != "" {
					t.Fatalf("round %d as %q in %q: kept and fresh differ: %s", round, accept, encoding, diff)
				}
			}
		})
	}
}
