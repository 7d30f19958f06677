// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package exposition encodes the samples of package collector in the formats
// and encodings that Prometheus requests, and caches the encoded fragments of
// desktops that did not change.
//
// It writes, to the byte, what promhttp writes for the same samples in the same
// order. It exists because promhttp encodes and compresses all of them in every
// scrape: with 10,000 desktops of which 1 % changed, a collector of const
// metrics behind promhttp takes 23 times as much processor time as this package,
// and 600 times as much if none changed. The price is 1.4 times the bytes on the
// network. See docs/performance.md.
//
// Formats that Prometheus does not request, namely protobuf as text, are served
// by promhttp from a collector.Collector.
package exposition
