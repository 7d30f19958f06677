// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package workspace calls the Workspace and IAM APIs. It is the only package that
// imports the SDK, and uses it to build and sign requests. The responses are read
// before the SDK decodes them: the SDK has no context, panics on some responses,
// and its models do not distinguish absent from empty values. So there is one
// decoder (package decode), one conversion of errors (package apierror) and one
// way to read a changing list (package pagination).
//
// A [Cloud] exists as long as the process. It has what projects share: quota,
// circuit breakers of access keys, credentials and connections. A
// [ProjectClient] reads one project for the refresh engine.
package workspace
