// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package workspace calls the Workspace and IAM APIs. It is the only package that
// imports the SDK, and uses it to build and sign requests. The responses are read
// before the SDK decodes them: the SDK has no context, panics on some responses,
// and its models do not distinguish absent from empty values. So there is one
// decoder (package decode), one conversion of errors (package apierror) and one
// way to read a changing list (package pagination).
//
// A [Client] exists as long as the process. It has what projects share: quota,
// circuit breakers of access keys, credentials and connections. A
// [ProjectClient] reads one project for the refresh engine, an [AccountClient]
// lists the projects of an account.
//
// A request passes a chain of callers, each of which does one thing, see
// newEndpointClient: retry, key, circuit breaker, rate limit, decoding,
// telemetry, and sending by the SDK. The SDK's own retries and its waiting for
// the quota are not used, see retrier and package ratelimit.
package workspace
