// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
)

// negotiateEncoding returns the encoding that a request prefers. Among equally
// preferred ones, and without a preference, it chooses as promhttp does: the
// first of identity, gzip and zstd that the request names.
func negotiateEncoding(h http.Header) string {
	quality := httpheader.AcceptEncoding(h)
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
