// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Prometheus is a Prometheus by its URL.
type Prometheus string

// Result is the data of a reply.
type Result struct {
	ResultType string   `json:"resultType"`
	Result     []Series `json:"result"`
}

// Series is a series with the value of an instant, or those of a time.
type Series struct {
	Metric map[string]string `json:"metric"`
	Value  *[2]any           `json:"value,omitempty"`
	Values [][2]any          `json:"values,omitempty"`
}

// Span is a time with the step of its points.
type Span struct {
	From, To time.Time
	Step     time.Duration
}

// Instant requests the values at a time.
func (p Prometheus) Instant(ctx context.Context, expr string, at time.Time) (Result, error) {
	return p.request(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {unix(at)}})
}

// Range requests the values over a time.
func (p Prometheus) Range(ctx context.Context, expr string, over Span) (Result, error) {
	return p.request(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {unix(over.From)}, "end": {unix(over.To)}, "step": {strconv.FormatFloat(over.Step.Seconds(), 'f', -1, 64)},
	})
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func (p Prometheus) request(ctx context.Context, path string, form url.Values) (Result, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(p)+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Result{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Result{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Result{}, err
	}
	var reply struct {
		Error string
		Data  Result
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return Result{}, fmt.Errorf("%s: %w", body[:min(len(body), 200)], err)
	}
	if reply.Error != "" {
		return Result{}, fmt.Errorf("%s: %s", form.Get("query"), reply.Error)
	}
	return reply.Data, nil
}

// lines shows a result as query_result does in a variable: one line a series.
func (r Result) lines() []string {
	var all []string
	for _, s := range r.Result {
		line := s.Metric["__name__"] + "{"
		for i, name := range slices.Sorted(mapKeys(s.Metric)) {
			if name == "__name__" {
				continue
			}
			if i > 0 {
				line += ","
			}
			line += name + `="` + s.Metric[name] + `"`
		}
		all = append(all, fmt.Sprintf("%s} %v %v", line, s.Value[1], s.Value[0]))
	}
	return all
}
