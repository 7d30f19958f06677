// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package ratelimit answers one question: when may a request go out? The cloud
// allows a number of requests a minute for each user, API and endpoint. A
// [Registry] has a [Limiter] for each of these.
//
// The limiter is ours, because the token bucket of golang.org/x/time/rate lacks
// what the quota of this cloud needs:
//
//   - The cloud counts requests in any sliding minute. A bucket with the burst of
//     a minute refills while it is emptied, and lets up to twice the limit through
//     in a minute; a bucket with a small burst spreads requests, so that reading a
//     small fleet takes a minute. Here the whole budget may be spent at once, and
//     a slot is available again one minute after its request completed.
//   - A 429 response halves the budget, which then grows back by a tenth each
//     minute, and its Retry-After blocks all requests.
//   - Urgent requests, for desktops that changed, have a reserve of 5 percent and
//     go first.
//   - Projects that share a key get equal shares, and a project whose request would
//     wait too long keeps its place in the queue.
//   - Several slots are reserved together or not at all, so that a list of many
//     pages does not stop halfway.
package ratelimit
