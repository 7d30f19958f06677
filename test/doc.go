// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package test tests the whole: the exporter's binary, started as users
// start it, against the simulated cloud, scraped by a real Prometheus. It is a
// module of its own, so that what it needs stays out of the exporter.
package test
