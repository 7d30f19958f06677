// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// startPrometheus starts a real Prometheus with a configuration.
func startPrometheus(t testing.TB, config string) *process {
	t.Helper()
	p := serve(t, "prometheus", "--config.file="+file(t, "prometheus.yml", config), "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0")
	p.eventually(t, waitTimeout, "ready", func() bool { return p.get(t, "/-/ready").status == http.StatusOK })
	return p
}

// query queries Prometheus for an instant vector at a time.
func (p *process) query(t testing.TB, expression string, at time.Time) []sample {
	t.Helper()
	a := p.get(t, "/api/v1/query?"+url.Values{"query": {expression}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}.Encode())
	var reply struct {
		Error string
		Data  struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil {
		t.Fatalf("%s: %v: %s", expression, err, a.body)
	}
	if reply.Error != "" || reply.Data.ResultType != "vector" {
		t.Fatalf("%s: %s", expression, a.body)
	}
	var all []sample
	for _, r := range reply.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{labels.FromMap(r.Metric), v})
	}
	return all
}

// await queries Prometheus until a query has a result that is good.
func (p *process) await(t testing.TB, limit time.Duration, expression string, good func([]sample) bool) []sample {
	t.Helper()
	var result []sample
	p.eventually(t, limit, expression, func() bool {
		result = p.query(t, expression, time.Now())
		return good(result)
	})
	return result
}
