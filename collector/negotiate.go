// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"net/http"
	"strconv"
	"strings"
)

// negotiateEncoding chooses the encoding that a request prefers. Where it
// likes several alike, and where it says nothing, it gets what promhttp would
// give: the first of identity, gzip and zstd that it names.
func negotiateEncoding(h http.Header) string {
	quality := make(map[string]float64)
	for _, header := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			quality[name] = max(quality[name], parseQuality(params))
		}
	}
	best, bestQuality := identityName, 0.0
	for _, offer := range []string{identityName, gzipName, zstdName} {
		q, named := quality[offer]
		if !named {
			q = quality["*"]
		}
		if q > bestQuality {
			best, bestQuality = offer, q
		}
	}
	return best
}

// parseQuality gives the q of a header's item; 1 if it has none, 0 if it makes
// no sense.
func parseQuality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.TrimSpace(strings.ToLower(name)) != "q" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
