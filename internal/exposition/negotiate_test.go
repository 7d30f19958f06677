// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"net/http"
	"testing"
)

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
