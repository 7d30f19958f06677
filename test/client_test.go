// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

const (
	prefix    = "huaweicloud_workspace_"
	nameLabel = "__name__"
)

// exporter starts the exporter on a free port.
func exporter(t testing.TB, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, path, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
}

// exporterWithConfig starts the exporter with a configuration.
func exporterWithConfig(t testing.TB, yaml string, args ...string) *process {
	t.Helper()
	return exporter(t, append([]string{"--config.file=" + file(t, "exporter.yml", yaml)}, args...)...)
}

// file writes a file that lives as long as the test.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	rewrite(t, path, text)
	return path
}

// rewrite creates or overwrites a file.
func rewrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answer is what a page of a server said.
type answer struct {
	status int
	header http.Header
	body   string
}

// get reads a page; headers are pairs of name and value.
func (p *process) get(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	a, err := p.tryGet(t, path, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tryGet reads a page that may fail.
func (p *process) tryGet(t testing.TB, path string, headers ...string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var body io.Reader = response.Body
	switch response.Header.Get("Content-Encoding") { // not decoded by the transport when the caller sets it
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			return answer{}, err
		}
	case "zstd":
		decoder, err := zstd.NewReader(body)
		if err != nil {
			return answer{}, err
		}
		defer decoder.Close()
		body = decoder
	}
	text, err := io.ReadAll(body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

// sample is one sample of a page, or of a result of Prometheus.
type sample struct {
	labels labels.Labels
	value  float64
}

// metrics reads the metrics of a page.
func (p *process) metrics(t testing.TB, path string, headers ...string) []sample {
	t.Helper()
	a := p.get(t, path, headers...)
	if a.status != http.StatusOK {
		t.Fatalf("%s answers %d: %s", path, a.status, a.body)
	}
	return parse(t, a)
}

// parse reads a page with the parser that Prometheus chooses for it.
func parse(t testing.TB, a answer) []sample {
	t.Helper()
	var all []sample
	each(t, a, func(p textparse.Parser, entry textparse.Entry) {
		if entry == textparse.EntrySeries {
			var s sample
			_, _, s.value = p.Series()
			p.Labels(&s.labels)
			all = append(all, s)
		}
	})
	return all
}

// each walks all entries of a page.
func each(t testing.TB, a answer, do func(textparse.Parser, textparse.Entry)) {
	t.Helper()
	parser, err := textparse.New([]byte(a.body), a.header.Get("Content-Type"), labels.NewSymbolTable(),
		textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		t.Fatal(err)
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		do(parser, entry)
	}
}

// samplesNamed returns the samples of one metric.
func samplesNamed(all []sample, name string) []sample {
	return slices.DeleteFunc(slices.Clone(all), func(s sample) bool { return s.labels.Get(nameLabel) != name })
}

// value returns the value of the only sample of a metric whose labels hold all
// of the given pairs.
func value(t testing.TB, all []sample, name string, pairs ...string) float64 {
	t.Helper()
	found := slices.DeleteFunc(samplesNamed(all, name), func(s sample) bool {
		for pair := range slices.Chunk(pairs, 2) {
			if s.labels.Get(pair[0]) != pair[1] {
				return true
			}
		}
		return false
	})
	if len(found) != 1 {
		t.Fatalf("%d series of %s %v, want 1", len(found), name, pairs)
	}
	return found[0].value
}

// sum adds up all samples of a metric.
func sum(all []sample, name string) float64 {
	var total float64
	for _, s := range samplesNamed(all, name) {
		total += s.value
	}
	return total
}

// texts returns samples as sorted text, so that they can be compared and shown. An
// empty label is no label for Prometheus.
func texts(all []sample) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, fmt.Sprint(s.labels.WithoutEmpty(), " ", s.value))
	}
	slices.Sort(out)
	return out
}

// diffSamples returns the first differences between two sets of samples, "" if there
// is none.
func diffSamples(got, want []sample) string {
	count := map[string]int{}
	for _, s := range texts(want) {
		count[s]--
	}
	for _, s := range texts(got) {
		count[s]++
	}
	var lines []string
	for _, text := range slices.Sorted(maps.Keys(count)) {
		switch n := count[text]; {
		case n > 0:
			lines = append(lines, fmt.Sprintf("unexpected %d: %s", n, text))
		case n < 0:
			lines = append(lines, fmt.Sprintf("missing %d: %s", -n, text))
		}
	}
	return strings.Join(lines[:min(10, len(lines))], "\n")
}
