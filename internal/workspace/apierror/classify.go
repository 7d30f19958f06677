// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package apierror

import (
	"net/http"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// classify returns the kind of an error response. The error code takes
// precedence over the status. Messages are never used: they may be Chinese, and
// change.
func classify(status int, code string) inventory.FailureKind {
	if k, ok := classifyCode(code); ok {
		return k
	}
	switch status {
	case http.StatusUnauthorized:
		return inventory.Authentication
	case http.StatusForbidden:
		return inventory.Denied
	case http.StatusTooManyRequests:
		return inventory.Throttled
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return inventory.Transient
	case http.StatusProxyAuthRequired:
		return inventory.Misconfigured
	}
	switch {
	case status >= 500:
		return inventory.Transient
	case status >= 400:
		return inventory.Refused
	case status == http.StatusOK && strings.HasPrefix(code, "WKS."):
		// The documentation lists error codes with status 200 for refused requests.
		return inventory.Refused
	default:
		return inventory.Malformed
	}
}

// classifyCode returns the kind of the error codes whose meaning differs from
// that of their status.
func classifyCode(code string) (inventory.FailureKind, bool) {
	switch gatewayCode(code) {
	case "APIGW.0101", "APIGW.0103", "APIGW.0104", "APIGW.0105": // no such API at this endpoint
		return inventory.Misconfigured, true
	case "APIGW.0301", "APIGW.0303", "APIGW.0304", "APIGW.0305", "APIGW.0306", "APIGW.0307":
		return inventory.Authentication, true
	case "APIGW.0302", "APIGW.0310", "APIGW.0401", "APIGW.0402", "APIGW.0802":
		return inventory.Denied, true
	case "APIGW.0308":
		return inventory.Throttled, true
	case "APIGW.0601", "APIGW.0610", "APIGW.0613":
		return inventory.Transient, true
	case "WKS.00010099":
		return inventory.Disabled, true
	case "WKS.0202", "WKS.0915": // not found, sent with status 500
		return inventory.Refused, true
	case "WKS.0407", "WKS.00010032": // busy, sent with status 400; conflict
		return inventory.Transient, true
	}
	return 0, false
}

// gatewayCode returns the current spelling of the API gateway's error codes.
// Some gateways send the older one, such as APIG.0301.
func gatewayCode(code string) string { return strings.Replace(code, "APIG.", "APIGW.", 1) }
