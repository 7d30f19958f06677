// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package httpheader answers the question what an HTTP header field means. It
// holds the fields that several packages read: requests' Accept-Encoding, and
// responses' Retry-After.
package httpheader

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// AcceptEncoding returns the quality value, from 0 to 1, of each content coding
// that the Accept-Encoding fields list, by its name in lower case. A coding
// without a quality value has 1, one with an invalid value has 0, and one that is
// listed several times has the highest.
func AcceptEncoding(h http.Header) map[string]float64 {
	qualities := make(map[string]float64)
	for _, field := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(field, ",") {
			coding, params, _ := strings.Cut(item, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			qualities[coding] = max(qualities[coding], quality(params))
		}
	}
	return qualities
}

// quality returns the q parameter of a list item's parameters: 1 if there is
// none, 0 if it is invalid.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.TrimSpace(strings.ToLower(name)) != "q" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// RetryAfter returns how long after now the Retry-After field, a number of
// seconds or a date, requests the client to wait. A date in the past is 0. ok is
// false if the field is absent or invalid. The caller sets the upper bound.
func RetryAfter(h http.Header, now time.Time) (delay time.Duration, ok bool) {
	value := h.Get("Retry-After")
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(math.MaxInt64/time.Second))) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0), true
	}
	return 0, false
}
