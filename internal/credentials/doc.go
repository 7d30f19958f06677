// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package credentials answers one question: which access key signs a request? A
// [Pool] has a [Cache] for each configuration of credentials, which gets keys
// from a [Provider] and renews them before they expire. [Breakers] has a circuit
// breaker for each key, so that a refused key is not locked by the cloud.
//
// The providers are ours, because those of the SDK take no context, retrieve
// temporary keys again for each client, read responses without a limit, panic on
// a response without credentials, and send the secrets of the metadata service
// through HTTP_PROXY. The files and environment variables are those of the SDK.
//
// The circuit breaker is ours, because what matters here is not the health of a
// server: six refusals in a row lock a key for everybody who uses it. So a
// single refusal opens the breaker, requests in flight are cancelled, and a key
// without recent success is tried by few requests at a time.
package credentials
