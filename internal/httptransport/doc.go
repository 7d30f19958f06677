// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package httptransport answers one question: how is a connection made? It
// builds [http.RoundTripper]s from the `http` section of the configuration:
// proxy, TLS with reload of changed certificate files, HTTP/2, and bounds on the
// age, the silence and the hidden retries of connections.
//
// The pool of shared transports is ours, because prometheus/common builds a
// transport for each client. Hundreds of projects that share one endpoint and
// one configuration would then open hundreds of sets of connections.
package httptransport
