// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package decode decodes the response bodies of the Workspace and IAM APIs into
// the values of package inventory. It is the only place that defines which
// values count as absent, and which parts of a response are dropped.
//
// The decoder is our own for two reasons. A value of a wrong type costs one
// field or one desktop, while encoding/json and the SDK's decoder reject the
// whole response. And it is fast enough for 100,000 desktops on every scrape:
// BenchmarkDesktops decodes a page of 1,000 desktops in 3 ms, against 12 to 25 ms
// with encoding/json and types that accept any value (8 to 12 ms with strict
// types). encoding/json/jsontext is about as fast as the scanner
// (BenchmarkDesktopsJSONText), and may replace it when it leaves its experiment
// (GOEXPERIMENT=jsonv2).
package decode
