// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httpheader

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAcceptEncoding(t *testing.T) {
	for _, tc := range []struct {
		fields []string
		want   map[string]float64
	}{
		{nil, map[string]float64{}},
		{[]string{"gzip"}, map[string]float64{"gzip": 1}},
		{[]string{"deflate, GZIP;q=0.5"}, map[string]float64{"deflate": 1, "gzip": 0.5}},
		{[]string{"gzip; q=0.000", "*;Q=0.1"}, map[string]float64{"gzip": 0, "*": 0.1}},
		{[]string{"gzip;q=0, gzip;q=0.3"}, map[string]float64{"gzip": 0.3}},
		{[]string{"gzip;level=9;q=0.1"}, map[string]float64{"gzip": 0.1}},
		{[]string{"a;q=2, b;q=-1, c;q=x, d;q=NaN, e;q="}, map[string]float64{"a": 0, "b": 0, "c": 0, "d": 0, "e": 0}},
	} {
		if diff := cmp.Diff(tc.want, AcceptEncoding(http.Header{"Accept-Encoding": tc.fields})); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tc.fields, diff)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	const longest = math.MaxInt64 / time.Second * time.Second
	for value, want := range map[string]struct {
		delay time.Duration
		ok    bool
	}{
		"":                              {0, false},
		"0":                             {0, true},
		"120":                           {2 * time.Minute, true},
		"-5":                            {0, false},
		"1.5":                           {0, false},
		"soon":                          {0, false},
		"9223372036854775807":           {longest, true},
		"99999999999999999999999":       {longest, true},
		"Tue, 01 Dec 2026 00:00:07 GMT": {7 * time.Second, true},
		"Sat, 01 Jan 2000 00:00:00 GMT": {0, true},
	} {
		if delay, ok := RetryAfter(http.Header{"Retry-After": {value}}, now); delay != want.delay || ok != want.ok {
			t.Errorf("%q: %s, %t; want %s, %t", value, delay, ok, want.delay, want.ok)
		}
	}
}
