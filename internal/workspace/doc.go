// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package workspace asks the cloud. It is the only room that imports the SDK,
// and uses it for what it is good at: it builds and signs requests. Everything
// that comes back is taken off the wire before the SDK reads it, so that there
// is one reading of answers, one of errors and one of absent values.
//
// A [Cloud] lives as long as the process and holds what projects share: quota,
// the state of access keys, credentials, connections. A [Project] is what the
// refresh engine asks.
package workspace
